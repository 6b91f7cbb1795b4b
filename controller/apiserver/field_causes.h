// SPDX-License-Identifier: Apache-2.0
// Causes of 422 answers in the words of apimachinery's field errors, and Go's way to print values.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/error.h"

namespace tidelock::apiserver {

// strconv.Quote and %v of a float64.
std::string go_quote(std::string_view text);
std::string go_number(double value);
// What a field error prints as its value: quoted strings, plain numbers, compact JSON.
std::string printed_value(const nlohmann::json& value);

Cause required_cause(std::string field, std::string_view detail = {});
Cause forbidden_cause(std::string field, std::string_view detail);
Cause invalid_cause(std::string field, const nlohmann::json& value, std::string_view detail);
Cause type_invalid_cause(std::string field, const nlohmann::json& value, std::string_view detail);
Cause unsupported_cause(std::string field, const nlohmann::json& value,
                        const std::vector<std::string>& supported);
Cause duplicate_cause(std::string field, const nlohmann::json& value);
Cause too_long_cause(std::string field, std::int64_t maximum);
Cause too_many_cause(std::string field, std::int64_t actual, std::int64_t maximum);

}  // namespace tidelock::apiserver
