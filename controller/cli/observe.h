// SPDX-License-Identifier: Apache-2.0
// Looks at objects of one kind, by list and watch, until a question is answered.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "controller/api/meta.h"
#include "controller/cli/fetch.h"
#include "controller/cli/session.h"

namespace tidelock::cli {

enum class Outcome { Answered, TimedOut, Interrupted };
inline constexpr int kInterruptedExit = 130;

using Objects = std::map<api::ObjectKey, nlohmann::json>;

// Calls `answered` with everything that is there after the first list and after each change; ends
// when it returns true. A deadline of kNever waits for ever.
Outcome observe(Session& session, const Unit& unit, TimePoint deadline,
                const std::function<bool(const Objects&)>& answered);

// "30s"; empty or "0" = kNever; "-1s" as kubectl's "a week".
Result<TimePoint> deadline_of(const std::string& timeout, TimePoint now);

}  // namespace tidelock::cli
