// SPDX-License-Identifier: Apache-2.0
// What a plain YAML scalar means to kubectl, whose reader follows YAML 1.1.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

namespace tidelock::api {

// y, no, on, ~, 010, 0x1f, 1_000, 1e3, .inf, … as JSON values; all else is the string itself. A number
// with an empty fraction becomes an integer, as on the way through Go. Infinities and NaN become
// JSON's discarded value: JSON has no word for them.
nlohmann::json resolve_plain_scalar(std::string_view text);
// Would Go's printer take the text for a date, or a base-60 number, and quote it?
bool looks_like_timestamp(std::string_view text);
bool looks_like_base60(std::string_view text);

}  // namespace tidelock::api
