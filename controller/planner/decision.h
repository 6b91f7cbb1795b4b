// SPDX-License-Identifier: Apache-2.0
// What one pair needs now: its Installation object, its task, and why there is none. Pure; locks
// and budgets come later (admission.h).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/planner/expansion.h"
#include "controller/planner/facts.h"

namespace tidelock::planner {

struct Decision {
  std::vector<Effect> effects;
  std::set<std::string> ending;  // unfinished tasks that are asked to end: no grants for them
  api::InstallationStatus base;  // the known status, with the results of finished tasks
  api::Action action = api::Action::None;
  std::string task;    // the unfinished task that stands for the pair; empty = none
  std::string queued;  // another one that follows when that is done; empty = none
  std::optional<api::BlockedBy> blocked;  // why no task is made
  bool stalled = false;         // nothing happens until a person or a new release changes something
  std::string reason, message;  // of stalled
  bool settling = false;        // the object itself is about to change; its status can wait
  TimePoint due = kNever;       // decide again then
};

// `wish` is null when nobody wants the pair any more.
Decision decide(const Facts& facts, const std::string& installation, const Wish* wish,
                TimePoint now);

// The status with the results of `attempts` in it; idempotent.
api::InstallationStatus absorb(const api::Installation& installation,
                               const std::map<int, const api::DeploymentTask*>& attempts);

// The strategy that applies to a rollout: its own copy, else the deployment's.
api::RolloutStrategy strategy_of(const Facts& facts, const std::string& rollout,
                                 const std::string& deployment);

}  // namespace tidelock::planner
