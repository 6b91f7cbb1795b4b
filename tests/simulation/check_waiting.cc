// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/check_waiting.h"

#include <algorithm>

#include "tests/simulation/check_tasks.h"

namespace tidelock::simulation {
namespace {

using std::chrono::milliseconds;

// From a change to the last status that speaks of it, with requests that are a hundred times as slow as usual.
constexpr Duration kNewsTake = milliseconds(1500);
constexpr Duration kLookEvery = milliseconds(250);

bool contains(const std::vector<api::TaskLock>& locks, const std::string& instance) {
  return std::any_of(locks.begin(), locks.end(),
                     [&](const api::TaskLock& lock) { return lock.instance == instance; });
}

bool holds(const api::DeploymentTask& task, const std::string& instance) {
  if (!task.status.grant || api::is_terminal(task.status.phase)) return false;
  if (contains(task.status.grant->locks, instance)) return true;
  return runs_a_step(task) && contains(task.status.grant->step_locks, instance);
}

bool has_pending_step(const api::DeploymentTask& task) {
  const auto& steps = task.status.steps;
  return steps.size() < task.spec.steps.size() ||
         std::any_of(steps.begin(), steps.end(),
                     [](const auto& step) { return step.phase == api::StepPhase::Pending; });
}

bool waits_for_lock(const Objects& objects, const api::DeploymentTask& task) {
  const auto installation = objects.get<api::Installation>(task.spec.installation);
  if (installation == nullptr) return false;
  const auto& blocked = installation->status.blocked_by;
  return std::any_of(blocked.begin(), blocked.end(), [](const auto& one) { return one.kind == "Lock"; });
}

// A parked task has no slot, nor has an orphan; between two steps a task keeps its slot unless it waits for
// a lock (semantics.md §3).
bool has_slot(const Objects& objects, const api::DeploymentTask& task) {
  if (!task.status.grant || task.status.phase != api::TaskPhase::Running) return false;
  if (runs_a_step(task) || !has_pending_step(task)) return true;
  return task.status.grant->step_count > 0 && !waits_for_lock(objects, task);
}

}  // namespace

// What does not hold of the reasons that a waiting task gives; empty = nothing.
std::string WaitingChecker::unexplained(const api::DeploymentTask& task) const {
  const Objects& objects = truth_.objects();
  const auto installation = objects.get<api::Installation>(task.spec.installation);
  if (installation == nullptr) return {};
  if (installation->status.blocked_by.empty() && !task.status.grant) return "waits and does not say why";
  for (const api::BlockedBy& blocked : installation->status.blocked_by) {
    // A directory is also in the way of those above and below.
    const bool lock = blocked.kind == "Lock" && blocked.holder_since &&
                      blocked.name.find("/path/") == std::string::npos;
    if (lock) {
      const auto holder = objects.get<api::DeploymentTask>(blocked.holder);
      if (holder == nullptr || !holds(*holder, blocked.name)) {
        return "waits for " + blocked.name + " of " + blocked.holder + ", which does not hold it";
      }
    }
    if (blocked.kind != "Budget") continue;
    const auto budget = objects.get<api::ConcurrencyBudget>(blocked.name);
    if (budget == nullptr) continue;
    int used = 0;
    for (const auto& [name, other] : objects.all<api::DeploymentTask>()) {
      const auto& budgets = other->spec.budgets;
      const bool counts = std::find(budgets.begin(), budgets.end(), blocked.name) != budgets.end();
      used += counts && has_slot(objects, *other) ? 1 : 0;
    }
    if (used < budget->spec.max) {
      return "waits for Budget " + blocked.name + ", of which " + std::to_string(used) + " of " +
             std::to_string(budget->spec.max) + " slots are used";
    }
  }
  return {};
}

void WaitingChecker::look() {
  if (truth_.revision() == seen_ && kernel_.now() < next_look_) return;
  seen_ = truth_.revision();
  next_look_ = kernel_.now() + kLookEvery;
  std::map<std::string, TimePoint> wrong;
  for (const auto& [name, task] : truth_.objects().all<api::DeploymentTask>()) {
    if (api::is_terminal(task->status.phase)) continue;
    if (!task->status.grant) kernel_.probe("a task waits while nothing is broken");
    const std::string what = unexplained(*task);
    if (what.empty()) continue;
    const std::string key = name + " " + what;
    const auto known = since_.find(key);
    const TimePoint since = known == since_.end() ? kernel_.now() : known->second;
    wrong.emplace(key, since);
    if (kernel_.now() - since > kNewsTake) kernel_.violated("who waits says for whom", key);
  }
  since_ = std::move(wrong);
}

}  // namespace tidelock::simulation
