// SPDX-License-Identifier: Apache-2.0
// The table of slots and locks by the state of a task.
#include "controller/planner/task_state.h"

#include <catch2/catch.hpp>

namespace tidelock::planner {
namespace {

using api::StepPhase;

api::DeploymentTask task_of(int steps) {
  api::DeploymentTask task;
  for (int i = 0; i < steps; ++i) {
    api::TaskStep step;
    step.step.name = "s" + std::to_string(i);
    step.needs = {{"lock-" + std::to_string(i), api::LockMode::Exclusive, 1}};
    task.spec.steps.push_back(step);
  }
  task.spec.locks = {{"pair", api::LockMode::Exclusive, 1}};
  return task;
}

api::DeploymentTask granted(int steps, int step, int count) {
  auto task = task_of(steps);
  api::TaskGrant grant;
  grant.locks = task.spec.locks;
  grant.step = step;
  grant.step_count = count;
  grant.step_locks = {{"lock-" + std::to_string(step), api::LockMode::Exclusive, 1}};
  task.status.grant = grant;
  task.status.phase = api::TaskPhase::Running;
  task.status.steps.resize(static_cast<std::size_t>(steps));
  for (int i = 0; i < step; ++i)
    task.status.steps[static_cast<std::size_t>(i)].phase = StepPhase::Succeeded;
  return task;
}

}  // namespace

TEST_CASE("an unstarted task holds nothing and wants its first step", "[planner][task]") {
  const auto view = view_of(task_of(2));
  CHECK(view.state == TaskState::Unstarted);
  CHECK_FALSE(view.started);
  CHECK_FALSE(view.uses_slot);
  CHECK(view.locks.empty());
  CHECK(view.next.step == 0);
  CHECK(view.next.count == 1);
}

TEST_CASE("a running task holds its slot, its deployment locks and its step locks",
          "[planner][task]") {
  auto task = granted(2, 0, 1);
  task.status.steps[0].phase = StepPhase::Running;
  const auto view = view_of(task);
  CHECK(view.state == TaskState::Running);
  CHECK(view.uses_slot);
  CHECK(view.locks.size() == 1);
  CHECK(view.step_locks.size() == 1);
}

TEST_CASE("step locks end with the step, on every way out", "[planner][task]") {
  for (const auto phase : {StepPhase::Succeeded, StepPhase::Failed, StepPhase::TimedOut,
                           StepPhase::Skipped, StepPhase::Cancelled, StepPhase::Interrupted}) {
    auto task = granted(2, 0, 1);
    task.status.steps[0].phase = phase;
    const auto view = view_of(task);
    CHECK(view.state == TaskState::Boundary);
    CHECK(view.uses_slot);
    CHECK(view.step_locks.empty());
    CHECK(view.locks.size() == 1);
    CHECK(view.next.step == 1);
  }
}

TEST_CASE("a parked task holds its deployment locks only", "[planner][task]") {
  auto task = granted(2, 1, 0);
  const auto view = view_of(task);
  CHECK(view.state == TaskState::Parked);
  CHECK_FALSE(view.uses_slot);
  CHECK(view.locks.size() == 1);
  CHECK(view.step_locks.empty());
}

TEST_CASE("an orphan keeps all locks and no slot", "[planner][task]") {
  auto task = granted(2, 0, 1);
  task.status.phase = api::TaskPhase::Orphaned;
  const auto view = view_of(task);
  CHECK(view.state == TaskState::Orphaned);
  CHECK(view.started);
  CHECK_FALSE(view.uses_slot);
  CHECK(view.locks.size() == 1);
  CHECK(view.step_locks.size() == 1);
}

TEST_CASE("a task that is asked to end keeps all until its death is told", "[planner][task]") {
  auto task = granted(2, 0, 1);
  task.status.steps[0].phase = StepPhase::Running;
  task.spec.cancel = api::TaskCancel{};
  const auto view = view_of(task);
  CHECK(view.state == TaskState::Cancelling);
  CHECK(view.uses_slot);
  CHECK(view.step_locks.size() == 1);
  task.status.phase = api::TaskPhase::Cancelled;
  CHECK(view_of(task).state == TaskState::Terminal);
  CHECK(view_of(task).locks.empty());
}

TEST_CASE("steps that start together want the union of their locks", "[planner][task]") {
  auto task = task_of(4);
  task.spec.steps[1].step.start = api::StepStart::WithPrevious;
  task.spec.steps[2].step.start = api::StepStart::WithPrevious;
  const auto view = view_of(task);
  CHECK(view.next.count == 3);
  CHECK(view.next.locks.size() == 3);
}

TEST_CASE("a failed attempt with a retry waits for its time and then asks for the next attempt",
          "[planner][task]") {
  auto task = granted(2, 0, 1);
  task.status.steps[0].attempt = 1;
  task.status.steps[0].retry_at = TimePoint(Duration(50));
  auto view = view_of(task);
  CHECK(view.state == TaskState::Boundary);
  CHECK(view.step_locks.empty());
  CHECK(view.next.step == 0);
  CHECK(view.next.attempt == 2);
  CHECK(view.next.not_before == TimePoint(Duration(50)));
  CHECK(view.requested_at == TimePoint(Duration(50)));
  task.status.grant->step_attempt = 2;
  task.status.grant->step_granted_at = TimePoint(Duration(60));
  view = view_of(task);
  CHECK(view.state == TaskState::Running);
}

TEST_CASE("whether a group is over does not depend on the clock of the target", "[planner][task]") {
  auto task = granted(2, 0, 2);
  task.spec.steps[1].step.start = api::StepStart::WithPrevious;
  task.status.grant->step_granted_at = TimePoint(Duration(1000));
  task.status.steps[0].attempt = 1;
  task.status.steps[0].phase = StepPhase::Succeeded;
  task.status.steps[1].attempt = 1;
  for (const int retry_at : {10, 5000}) {  // the agent's clock is behind ours, or not
    task.status.steps[1].retry_at = TimePoint(Duration(retry_at));
    const auto view = view_of(task);
    CHECK(view.state == TaskState::Boundary);
    CHECK(view.next.step == 1);
  }
}

TEST_CASE("a grant of steps that a task does not have is survived", "[planner][task]") {
  for (const int step : {-5, 1, 2, 2147483647}) {
    auto task = granted(1, 0, 1);
    task.status.grant->step = step;
    task.status.grant->step_count = 2147483647;
    CHECK(view_of(task).state == TaskState::Running);
  }
  auto nothing = granted(0, 0, 0);
  CHECK(view_of(nothing).state == TaskState::Finishing);
}

}  // namespace tidelock::planner
