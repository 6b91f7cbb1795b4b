// SPDX-License-Identifier: Apache-2.0
// A quick reader and a quick writer of JSON texts as programs write them.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace tidelock::api {

// Longer texts are left to the careful parser, so that a thread keeps less than a megabyte for reading.
inline constexpr std::size_t kPlainJsonMax = 64 * 1024;

// The document, exactly as nlohmann's own parser makes it, by simdjson in half the time. Nullopt: not
// plain (malformed, a key twice, deeper than limits::kJsonDepthMax, longer than kPlainJsonMax): the careful
// parser is to judge it.
std::optional<nlohmann::json> parse_plain_json(std::string_view text);

// Of a text that we wrote ourselves: as nlohmann's parser takes it, without exceptions.
nlohmann::json parse_own_json(std::string_view text);

// What dump() makes of it, without blanks; bytes that are no UTF-8 are replaced.
void append_json(std::string& out, const nlohmann::json& value);
void append_json_string(std::string& out, const std::string& text);

}  // namespace tidelock::api
