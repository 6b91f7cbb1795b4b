// SPDX-License-Identifier: Apache-2.0
// How long the steps of a project take, learned from its finished tasks, and the order of candidates
// that follows from it (`rollout.order.by: [remaining-work]`). A function of the tasks that are
// counted in now: the order in which they came does not matter.
#pragma once

#include <map>
#include <set>
#include <string>

#include "controller/planner/facts.h"
#include "controller/planner/task_state.h"

namespace tidelock::planner {

// The key in `rollout.order.by` that stands for this order; not a label.
inline constexpr const char* kRemainingWork = "remaining-work";
bool orders_by_work(const api::RolloutStrategy& strategy);

class StepDurations {
 public:
  // Steps that succeeded of a finished task come (by = 1) or go (by = -1).
  void count(const api::DeploymentTask& task, int by);
  // The median over the tasks that are counted in, to four significant bits; zero = not known.
  Duration median(const std::string& project, const std::string& step) const;
  // Projects of which a median is another one since the last call.
  std::set<std::string> take_changed();

  // Where a candidate stands: short steps first of those with much work before them, that is
  // (next + mean / 2) / remaining². Zero while nothing is known, then positive; lesser goes first.
  double work(const api::DeploymentTask& task, const StepGroup& next) const;

 private:
  struct Samples {
    std::map<Duration, int> counts;  // by rounded duration: few entries, however many tasks
    int total = 0;
    Duration median{};
  };
  std::map<std::string, std::map<std::string, Samples>> samples_;  // by project, by step
  std::set<std::string> changed_;
};

}  // namespace tidelock::planner
