// SPDX-License-Identifier: Apache-2.0
// Admission the slow and obvious way: everything is computed from scratch, by sorting the
// candidates and asking the rules of admission.h word for word. The oracle of the agreement test.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/planner/admission.h"

namespace tidelock::planner {

struct ReferenceInput {
  std::vector<Request> requests;  // of all unfinished tasks
  std::map<std::string, int> budgets;
  std::map<std::string, std::optional<int>> windows;
  Admission::RulesOf rules_of;
};

struct ReferenceOutcome {
  std::vector<std::string> granted;
  std::set<std::string> parked;
};

// How often a waiter was passed on a lock: task → lock → count. The only memory there is.
using Passes = std::map<std::string, std::map<std::string, int>>;

ReferenceOutcome decide_from_scratch(const ReferenceInput& input, Passes& passes);

}  // namespace tidelock::planner
