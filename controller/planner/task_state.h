// SPDX-License-Identifier: Apache-2.0
// What one task holds and wants now, read from its facts alone (semantics.md §2 and the table of
// §3). Pure; the planner, the reference and the tests' checkers share it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/api/kinds.h"

namespace tidelock::planner {

enum class TaskState {
  Unstarted,   // never granted
  Running,     // granted steps are not over
  Boundary,    // granted steps are over, more follow, not yet parked
  Parked,      // started, no step granted
  Finishing,   // no step left; the agent switches to the new release and reports
  Cancelling,  // started and asked to end
  Orphaned,
  Terminal,
};

// The next steps to grant: [step, step + count).
struct StepGroup {
  int step = 0;
  int count = 0;
  int attempt = 1;
  TimePoint not_before;              // of a retry
  std::vector<api::TaskLock> locks;  // union of what its steps need
};

struct TaskView {
  TaskState state = TaskState::Unstarted;
  bool started = false;                   // granted and not terminal
  bool uses_slot = false;                 // at a boundary: keeps it until it has to park
  std::vector<api::TaskLock> locks;       // held, deployment level
  std::vector<api::TaskLock> step_locks;  // held by the granted steps
  StepGroup next;                         // of Unstarted, Boundary, Parked
  TimePoint requested_at;                 // of the request that it makes now
};

TaskView view_of(const api::DeploymentTask& task);

// Execution time of the groups of steps before `step`, as far as their last attempts tell.
Duration executed_before(const api::DeploymentTask& task, int step);

// The same lock twice is its maximum: Exclusive over Shared, more units over fewer. By instance.
std::vector<api::TaskLock> united(std::vector<api::TaskLock> locks);

}  // namespace tidelock::planner
