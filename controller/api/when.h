// SPDX-License-Identifier: Apache-2.0
// Whether a step runs: Success (nothing before it failed), Failure (something did), Always, or a
// variable expression: `name`, `!name`, `name == "text"`, `name != "text"`, joined by && and ||
// (&& binds tighter; parentheses allowed). An expression implies Success. `name` alone is true
// unless it is empty, "false" or "0". Names may be steps.<step>.outputs.<name>; unknown = empty.
#pragma once

#include <string_view>

#include "controller/api/variables.h"
#include "controller/base/result.h"

namespace tidelock::api {

Result<bool> evaluate_when(std::string_view when, bool failed_before, const Lookup& lookup);
// Grammar only, for validation.
Result<void> check_when(std::string_view when);

}  // namespace tidelock::api
