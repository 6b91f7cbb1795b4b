// SPDX-License-Identifier: Apache-2.0
// The gates of a rollout and what people have said about them.
#pragma once

#include <string>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/cli/session.h"
#include "controller/planner/gates.h"

namespace tidelock::cli {

struct Gate {
  std::string wave;
  bool before = false;  // before the wave starts; else after it is done
  api::GateSpec spec;
  planner::GateState state;
  // "approved", "1 of 2 approved", "rejected by ann", "stale: another plan was approved"
  std::string text() const;
};
// In the order in which they are met. `approvals` may be of any rollouts.
std::vector<Gate> gates_of(const api::Rollout& rollout, const std::vector<api::Approval>& approvals,
                           TimePoint now);

// All approvals that name the rollout, oldest first; none on a server without the kind.
Result<std::vector<api::Approval>> approvals_of(Session& session, const std::string& ns,
                                                const std::string& rollout);

}  // namespace tidelock::cli
