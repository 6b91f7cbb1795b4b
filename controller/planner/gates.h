// SPDX-License-Identifier: Apache-2.0
// What people's approvals of one gate come to (semantics.md §5). Pure.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "controller/api/kinds.h"

namespace tidelock::planner {

struct GateState {
  bool open = false;
  std::set<std::string> approved_by;  // distinct people whose last valid word is Approve
  bool stale = false;                 // somebody spoke of another plan
  std::string rejected_by;            // somebody whose last valid word is Reject; empty = nobody
  TimePoint changes_at = kNever;      // an approval expires then
  int given() const { return static_cast<int>(approved_by.size()); }
};

// `approvals` are those of one rollout, whose plan hash is `plan_hash` now.
GateState gate_state(const api::GateSpec& gate, const std::vector<const api::Approval*>& approvals,
                     const std::string& plan_hash, TimePoint now);

}  // namespace tidelock::planner
