// SPDX-License-Identifier: Apache-2.0
// One task with everything resolved, so that the agent and the lock engine look nothing up. Pure.
#pragma once

#include <string>

#include "controller/planner/expansion.h"
#include "controller/planner/facts.h"

namespace tidelock::planner {

struct TaskOrder {
  const api::Installation* installation = nullptr;
  const Wish* wish = nullptr;  // null = remove what is installed
  api::Action action = api::Action::Install;
  int attempt = 1;
  std::string rollout;
  TimePoint requested_at;
};
Result<api::DeploymentTask, Problem> build_task(const Facts& facts, const TaskOrder& order);

// Names of the budgets that select the task, sorted.
std::vector<std::string> budgets_of(const Facts& facts, const api::DeploymentTaskSpec& task);

// "tidelock.dev/project" and so on.
std::map<std::string, std::string> pair_labels(const std::string& project,
                                               const std::string& environment,
                                               const std::string& tenant, const std::string& target,
                                               const std::string& deployment);

}  // namespace tidelock::planner
