// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/check_tasks.h"

#include <algorithm>

namespace tidelock::simulation {

// ---- capacities -------------------------------------------------------------------------------

void Capacities::changed(const std::shared_ptr<const api::LockGroup>& group) {
  if (group == nullptr) return;
  const auto [place, added] = groups_.emplace(group->metadata.name, group->spec.capacity);
  if (added || !place->second) return;
  if (!group->spec.capacity || *group->spec.capacity > *place->second) {
    place->second = group->spec.capacity;
  }
}
void Capacities::changed(const std::shared_ptr<const api::ConcurrencyBudget>& budget) {
  if (budget == nullptr) return;
  int& max = budgets_[budget->metadata.name];
  max = std::max(max, budget->spec.max);
}
void Capacities::changed(const std::shared_ptr<const api::Target>& target) {
  if (target == nullptr) return;
  int& slots = slots_[target->metadata.name];
  slots = std::max(slots, target->spec.max_concurrent);
}

std::optional<int> Capacities::of_lock(const std::string& instance) const {
  const std::string last = instance.substr(instance.rfind('/') + 1);
  if (last == "slots" && instance.starts_with("target/")) {
    const std::string target = instance.substr(7, instance.size() - 7 - 6);
    const auto found = slots_.find(target);
    return found == slots_.end() ? std::nullopt : std::optional<int>(found->second);
  }
  const auto found = groups_.find(last);
  return found == groups_.end() ? std::nullopt : found->second;
}
std::optional<int> Capacities::of_budget(const std::string& name) const {
  const auto found = budgets_.find(name);
  return found == budgets_.end() ? std::nullopt : std::optional<int>(found->second);
}

// ---- locks ------------------------------------------------------------------------------------

std::string conflict_of(const std::vector<HeldLock>& held, const Capacities& capacities) {
  std::map<std::string, std::vector<const HeldLock*>> by_instance;
  for (const HeldLock& one : held) by_instance[one.lock.instance].push_back(&one);
  std::string path_before;
  std::string path_holder;
  for (const auto& [instance, holders] : by_instance) {
    int units = 0;
    std::set<std::string> tasks;
    std::string exclusive;
    for (const HeldLock* one : holders) {
      tasks.insert(one->task);
      if (one->lock.mode == api::LockMode::Exclusive) {
        exclusive = one->task;
      } else {
        units += one->lock.units;
      }
    }
    if (!exclusive.empty() && tasks.size() > 1) {
      std::string names;
      for (const std::string& task : tasks) names += " " + task;
      return instance + " is held exclusively by " + exclusive + ", and by:" + names;
    }
    const auto capacity = capacities.of_lock(instance);
    if (exclusive.empty() && capacity && units > *capacity) {
      return instance + ": " + std::to_string(units) + " units are held of " +
             std::to_string(*capacity);
    }
    if (instance.find("/path/") == std::string::npos) continue;
    if (!path_before.empty() && instance.starts_with(path_before + "/") &&
        path_holder != exclusive) {
      return instance + " of " + exclusive + " lies below " + path_before + " of " + path_holder;
    }
    path_before = instance;
    path_holder = exclusive;
  }
  return {};
}

bool runs_a_step(const api::DeploymentTask& task) {
  if (!task.status.grant || api::is_terminal(task.status.phase)) return false;
  const api::TaskGrant& grant = *task.status.grant;
  for (int i = grant.step; i < grant.step + grant.step_count; ++i) {
    const auto index = static_cast<std::size_t>(i);
    if (index >= task.status.steps.size()) return true;
    const api::StepStatus& status = task.status.steps[index];
    if (status.phase == api::StepPhase::Running) return true;
    const bool unseen = status.phase == api::StepPhase::Pending &&
                        status.attempt < grant.step_attempt && !status.retry_at;
    if (unseen) return true;
  }
  return false;
}

// ---- in every state ---------------------------------------------------------------------------

void TaskChecker::changed(const TaskPtr& before, const TaskPtr& after) {
  if (after == nullptr) return;
  if (before != nullptr && before->metadata.uid == after->metadata.uid) {
    check_forward(*before, *after);
  }
  if (before != nullptr && before->status.phase == api::TaskPhase::Orphaned) returned_.insert(after->metadata.uid);
  const bool same_grant = before != nullptr && before->status.grant == after->status.grant;
  const bool same_phase = before != nullptr && before->status.phase == after->status.phase;
  if (!same_grant) check_fence(before, *after);
  if (!same_grant || !same_phase) check_all();
}

void TaskChecker::check_fence(const TaskPtr& before, const api::DeploymentTask& task) {
  if (!task.status.grant) return;
  const api::Fence fence = task.status.grant->fence;
  const std::string& name = task.metadata.name;
  if (before != nullptr && before->status.grant && fence <= before->status.grant->fence) {
    kernel_.violated("fences rise", name + " was granted with a fence that is not above its last");
  }
  const auto [place, added] = fences_.emplace(fence, name);
  if (!added) kernel_.violated("fences rise", name + " and " + place->second + " have one fence");
  if (fence.epoch < newest_epoch_ && !clocks_jump_) {
    kernel_.violated("fences rise", name + " was granted by a planner whose successor had granted before");
  }
  newest_epoch_ = std::max(newest_epoch_, fence.epoch);
  if (fence.epoch >= truth_.lease_epoch()) return;
  kernel_.probe("a grant of a planner that lost its lease arrives");
  if (clocks_jump_) late_.insert(task.metadata.uid);
}

void TaskChecker::check_forward(const api::DeploymentTask& before,
                                const api::DeploymentTask& after) {
  const std::string& name = after.metadata.name;
  if (api::is_terminal(before.status.phase) && after.status.phase != before.status.phase) {
    kernel_.violated("an end is final", name + " had ended and has another phase now");
  }
  if (before.status.grant && !after.status.grant) {
    kernel_.violated("an end is final", name + " has lost its grant");
  }
  for (std::size_t i = 0; i < before.status.steps.size(); ++i) {
    if (before.status.steps[i].phase != api::StepPhase::Succeeded) continue;
    const bool still = i < after.status.steps.size() &&
                       after.status.steps[i].phase == api::StepPhase::Succeeded &&
                       after.status.steps[i].attempt == before.status.steps[i].attempt;
    if (!still) {
      kernel_.violated("an end is final", name + ": step " + std::to_string(i) + " had succeeded");
    }
  }
}

void TaskChecker::check_all() {
  std::vector<HeldLock> held;
  std::map<std::string, std::string> started;  // by pair
  std::map<std::string, int> budgets;
  for (const auto& [name, task] : truth_.objects().all<api::DeploymentTask>()) {
    if (!task->status.grant || api::is_terminal(task->status.phase)) continue;
    if (late_.contains(task->metadata.uid)) continue;
    const api::DeploymentTaskSpec& spec = task->spec;
    const std::string pair =
        spec.project + "/" + spec.environment + "/" + spec.tenant + "/" + spec.target;
    const auto [place, added] = started.emplace(pair, name);
    if (!added) {
      kernel_.violated("one started task per pair", name + " and " + place->second + " of " + pair);
    }
    for (const api::TaskLock& lock : task->status.grant->locks) held.push_back({name, lock});
    if (!runs_a_step(*task)) continue;
    for (const api::TaskLock& lock : task->status.grant->step_locks) held.push_back({name, lock});
    if (task->status.phase != api::TaskPhase::Running || returned_.contains(task->metadata.uid)) continue;
    for (const std::string& budget : spec.budgets) ++budgets[budget];
  }
  if (const std::string wrong = conflict_of(held, capacities_); !wrong.empty()) {
    kernel_.violated("locks are exclusive (grants)", wrong);
  }
  for (const auto& [name, used] : budgets) {
    const auto max = capacities_.of_budget(name);
    if (max && used > *max) {
      kernel_.violated("budgets (grants)", name + ": " + std::to_string(used) + " of " +
                                               std::to_string(*max) + " run");
    }
  }
}

}  // namespace tidelock::simulation
