// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/gates.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace tidelock::planner {

GateState gate_state(const api::GateSpec& gate, const std::vector<const api::Approval*>& approvals,
                     const std::string& plan_hash, TimePoint now) {
  GateState state;
  std::vector<const api::Approval*> words;
  for (const auto* approval : approvals) {
    if (approval->spec.gate == gate.approval) words.push_back(approval);
  }
  std::sort(words.begin(), words.end(), [](const auto* a, const auto* b) {
    return std::tie(a->metadata.creation_timestamp, a->metadata.name) <
           std::tie(b->metadata.creation_timestamp, b->metadata.name);
  });
  std::map<std::string, api::ApprovalDecision> by_approver;  // the last word of each counts
  for (const auto* word : words) {
    if (word->spec.plan_hash != plan_hash) {
      state.stale = true;
      continue;
    }
    if (gate.expires_after && word->metadata.creation_timestamp) {
      const TimePoint end = *word->metadata.creation_timestamp + *gate.expires_after;
      if (end <= now) continue;
      state.changes_at = std::min(state.changes_at, end);
    }
    by_approver[word->spec.approver] = word->spec.decision;
  }
  for (const auto& [approver, decision] : by_approver) {
    if (decision == api::ApprovalDecision::Approve) {
      state.approved_by.insert(approver);
    } else {
      state.rejected_by = approver;
    }
  }
  state.open = state.given() >= gate.required && state.rejected_by.empty();
  return state;
}

}  // namespace tidelock::planner
