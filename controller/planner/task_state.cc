// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/task_state.h"

#include <algorithm>
#include <map>

#include "controller/base/plant.h"

namespace tidelock::planner {
namespace {

using api::DeploymentTask;
using api::StepPhase;
using api::StepStatus;

bool is_over(StepPhase phase) { return phase != StepPhase::Pending && phase != StepPhase::Running; }

const StepStatus* status_of(const DeploymentTask& task, int step) {
  const auto index = static_cast<std::size_t>(step);
  return index < task.status.steps.size() ? &task.status.steps[index] : nullptr;
}

bool is_pending(const DeploymentTask& task, int step) {
  const auto* status = status_of(task, step);
  return status == nullptr || status->phase == StepPhase::Pending;
}

// The attempt that `grant` allows has an end, good or bad.
bool granted_attempt_over(const DeploymentTask& task, const api::TaskGrant& grant, int step) {
  const auto* status = status_of(task, step);
  if (status == nullptr) return false;
  if (is_over(status->phase)) return true;
  if (status->phase != StepPhase::Pending || !status->retry_at) return false;
  // A group is reported as a whole, so the first step speaks for the others. (Their retryAt is by the
  // agent's clock and says nothing beside the time of the grant, which is by ours.)
  return step != grant.step || status->attempt >= grant.step_attempt;
}

bool granted_steps_over(const DeploymentTask& task, const api::TaskGrant& grant) {
  for (int i = 0; i < grant.step_count; ++i) {
    // A grant of steps that the task does not have is never over.
    if (grant.step < 0 || grant.step >= static_cast<int>(task.spec.steps.size()) - i) return false;
    if (!granted_attempt_over(task, grant, grant.step + i)) return false;
  }
  return true;
}

StepGroup group_from(const DeploymentTask& task, int first) {
  const auto& steps = task.spec.steps;
  const int total = static_cast<int>(steps.size());
  StepGroup group;
  group.step = first;
  group.count = 1;
  while (first + group.count < total &&
         steps[static_cast<std::size_t>(first + group.count)].step.start ==
             api::StepStart::WithPrevious) {
    ++group.count;
  }
  if (const auto* status = status_of(task, first)) group.attempt = status->attempt + 1;
  for (int step = first; step < first + group.count; ++step) {
    if (!is_pending(task, step)) continue;
    const auto& needs = steps[static_cast<std::size_t>(step)].needs;
    group.locks.insert(group.locks.end(), needs.begin(), needs.end());
    const auto* status = status_of(task, step);
    if (status != nullptr && status->retry_at) {
      group.not_before = std::max(group.not_before, *status->retry_at);
    }
  }
  group.locks = united(std::move(group.locks));
  return group;
}

std::optional<StepGroup> next_group(const DeploymentTask& task) {
  for (int step = 0; step < static_cast<int>(task.spec.steps.size()); ++step) {
    if (is_pending(task, step)) return group_from(task, step);
  }
  return std::nullopt;
}

// When a started task began to ask for its next steps.
TimePoint asked_at(const DeploymentTask& task, const StepGroup& next) {
  TimePoint time = std::max(task.status.grant->granted_at, next.not_before);
  for (const auto& step : task.status.steps) {
    if (step.finished_at && is_over(step.phase)) time = std::max(time, *step.finished_at);
  }
  return time;
}

void read_started(const DeploymentTask& task, TaskView& view) {
  const auto& grant = *task.status.grant;
  const bool over = granted_steps_over(task, grant);
  const bool granted = grant.step_count > 0;
  auto next = next_group(task);
  view.started = true;
  view.locks = grant.locks;
  if (granted && !over && !TIDELOCK_PLANT(DropStepLocks)) view.step_locks = grant.step_locks;
  if (task.spec.cancel && TIDELOCK_PLANT(ReleaseAtCancel)) view.locks.clear();
  if (task.spec.cancel && TIDELOCK_PLANT(ReleaseAtCancel)) view.step_locks.clear();
  if (!granted && TIDELOCK_PLANT(ParkedFreesLocks)) view.locks.clear();
  view.requested_at = asked_at(task, next.value_or(StepGroup{}));
  if (task.status.phase == api::TaskPhase::Orphaned) {
    view.state = TaskState::Orphaned;
    if (TIDELOCK_PLANT(OrphanFreesLocks)) view.locks.clear();
    return;
  }
  view.uses_slot = granted;
  if (task.spec.cancel) {
    view.state = TaskState::Cancelling;
  } else if (granted && !over) {
    view.state = TaskState::Running;
  } else if (!next) {
    view.state = TaskState::Finishing;
    view.uses_slot = true;
  } else {
    view.state = granted ? TaskState::Boundary : TaskState::Parked;
    view.next = std::move(*next);
  }
}

}  // namespace

std::vector<api::TaskLock> united(std::vector<api::TaskLock> locks) {
  std::map<std::string, api::TaskLock> by_instance;
  for (auto& lock : locks) {
    const auto [place, added] = by_instance.emplace(lock.instance, lock);
    if (added) continue;
    auto& kept = place->second;
    if (lock.mode == api::LockMode::Exclusive) kept.mode = api::LockMode::Exclusive;
    kept.units = std::max(kept.units, lock.units);
  }
  std::vector<api::TaskLock> all;
  for (auto& [instance, lock] : by_instance) all.push_back(std::move(lock));
  return all;
}

Duration executed_before(const DeploymentTask& task, int step) {
  Duration sum{};
  std::optional<TimePoint> begin, end;
  for (int i = 0; i <= step; ++i) {
    const auto index = static_cast<std::size_t>(i);
    const bool joins = i < step && index < task.spec.steps.size() &&
                       task.spec.steps[index].step.start == api::StepStart::WithPrevious;
    if (!joins) {
      if (begin && end && *end > *begin) sum += *end - *begin;
      begin.reset();
      end.reset();
    }
    if (i == step || index >= task.status.steps.size()) continue;
    const auto& status = task.status.steps[index];
    if (status.started_at) begin = std::min(begin.value_or(*status.started_at), *status.started_at);
    if (status.finished_at) end = std::max(end.value_or(*status.finished_at), *status.finished_at);
  }
  return sum;
}

TaskView view_of(const DeploymentTask& task) {
  TaskView view;
  if (api::is_terminal(task.status.phase)) {
    view.state = TaskState::Terminal;
    return view;
  }
  if (task.status.grant) {
    read_started(task, view);
    return view;
  }
  view.requested_at = task.spec.requested_at;
  if (task.status.phase == api::TaskPhase::Orphaned) {
    view.state = TaskState::Orphaned;
    return view;
  }
  if (auto next = next_group(task)) view.next = std::move(*next);
  return view;
}

}  // namespace tidelock::planner
