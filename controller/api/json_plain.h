// SPDX-License-Identifier: Apache-2.0
// A quick reader and a quick writer of JSON texts as programs write them.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace tidelock::api {

// The document, exactly as nlohmann's own parser makes it, in a third of the time. Nullopt: not plain
// (malformed, a key twice, an escape by number, deeper than limits::kJsonDepthMax, …): the careful parser
// is to judge it.
std::optional<nlohmann::json> parse_plain_json(std::string_view text);

// What dump() makes of it, without blanks; bytes that are no UTF-8 are replaced.
void append_json(std::string& out, const nlohmann::json& value);
void append_json_string(std::string& out, const std::string& text);

}  // namespace tidelock::api
