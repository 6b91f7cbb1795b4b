// SPDX-License-Identifier: Apache-2.0
// Statuses, and the list of all effects that are outstanding.
#include <algorithm>

#include "controller/base/limits.h"
#include "controller/planner/planner_state.h"

namespace tidelock::planner {
namespace {

// Who holds the lock and how many are before: shown, but not worth a write each time.
api::InstallationStatus without_details(api::InstallationStatus status) {
  for (auto& blocked : status.blocked_by) {
    blocked.holder.clear();
    blocked.holder_step.clear();
    blocked.holder_since.reset();
    blocked.position.reset();
    blocked.message.clear();
  }
  for (auto& condition : status.conditions) condition.message.clear();
  return status;
}

// No room for more; the rest comes when these are facts.
bool full(Effects& effects, std::size_t max) {
  if (effects.effects.size() < max) return false;
  effects.left_out = true;
  return true;
}

template <class Change, class Status, class Object>
void emit_paced(Pace<Status>& pace, const ByName<Object>& objects, TimePoint now, std::size_t max,
                Effects& effects) {
  pace.emit(now, effects.next, [&](const std::string& name, const Status& status) {
    if (full(effects, max)) return false;
    if (const auto* object = find(objects, name)) {
      effects.effects.push_back(Change{name, object->metadata.resource_version, status});
    }
    return true;
  });
}

}  // namespace

void Planner::State::refresh_installation(const std::string& name, TimePoint now) {
  ++looks.statuses;
  const auto* installation = find(facts.installations, name);
  const auto place = pairs.find(name);
  if (installation == nullptr || place == pairs.end()) return;
  const PairEntry& pair = place->second;
  const auto grant = grants.find(pair.decision->task);
  const bool about_to_run = grant != grants.end() && grant->second.grant.step_count > 0;
  // The next fact about it is on its way and would make this one old at once.
  if (pair.decision->settling || about_to_run) {
    installation_pace.drop(name);
    return;
  }
  const auto* task = find(facts.tasks, pair.decision->task);
  const auto* expansion = expansion_of(name);
  const auto* wished = expansion == nullptr ? nullptr : expansion->wishes.digest_of(name);
  auto status = installation_status(*installation, wished, *pair.decision.operator->(),
                                    pair.decision.base(*installation), task,
                                    why_pair(pair, options.status_waiters_max), now);
  const bool urgent =
      status != installation->status && without_details(status) != without_details(installation->status);
  installation_pace.want(name, installation->status, std::move(status), urgent);
}

// A group may have many instances, so its status is computed only when it may be written.
void Planner::State::refresh_lock_groups(TimePoint now) {
  std::set<std::string> later;
  lock_groups_due = kNever;
  for (const auto& name : stale.lock_groups) {
    const auto* group = find(facts.lock_groups, name);
    if (group == nullptr) continue;
    const TimePoint ready = lock_group_pace.ready_at(name);
    if (now < ready) {
      lock_groups_due = std::min(lock_groups_due, ready);
      later.insert(name);
      lock_group_pace.see(name, group->status);
      continue;
    }
    lock_group_pace.want(
        name, group->status,
        lock_group_status(facts, *group, admission.locks_of(name, limits::kStatusNamesMax)), false);
  }
  stale.lock_groups = std::move(later);
}

void Planner::State::refresh_statuses(TimePoint now) {
  for (const auto& name : stale.projects) {
    project_statuses.erase(name);
    const auto* project = find(facts.projects, name);
    if (project == nullptr) continue;
    if (auto status = project_status(*project, now))
      project_statuses.emplace(name, std::move(*status));
  }
  for (const auto& name : stale.installation_status) refresh_installation(name, now);
  for (const auto& name : stale.deployment_status) {
    const auto* deployment = find(facts.deployments, name);
    if (deployment == nullptr) continue;
    static const Expansion kNone;
    const auto expansion = expansions.find(name);
    const auto book = books.find(name);
    auto status = deployment_status(*deployment, expansion == expansions.end() ? kNone : expansion->second,
                                    counts[name], book == books.end() ? "" : book->second.outcome.stalled, now);
    const bool urgent = counts[name].quiet() ||
                        status.observed_generation != deployment->status.observed_generation;
    deployment_pace.want(name, deployment->status, std::move(status), urgent);
  }
  refresh_lock_groups(now);
  for (const auto& name : stale.budgets) {
    const auto* budget = find(facts.budgets, name);
    if (budget == nullptr) continue;
    auto status = budget_status(*budget, admission.budget_usage(name));
    const bool urgent = status.used == 0 && status.waiting == 0;
    budget_pace.want(name, budget->status, std::move(status), urgent);
  }
  for (auto* names : {&stale.projects, &stale.deployment_status, &stale.installation_status, &stale.budgets}) {
    names->clear();
  }
}

void Planner::State::emit_grants_and_ends(Effects& effects) const {
  std::map<api::Fence, const GrantTask*> by_fence;
  for (const auto& [task, grant] : grants) by_fence.emplace(grant.grant.fence, &grant);
  for (const auto& [grant_fence, grant] : by_fence) effects.effects.push_back(*grant);
  for (const auto& [name, message] : timed_out) {
    const auto* task = find(facts.tasks, name);
    if (task == nullptr) continue;
    const auto& version = task->metadata.resource_version;
    if (!task->status.grant) {
      effects.effects.push_back(
          EndTask{name, version, api::TaskPhase::Failed, "LockWaitTimeout", message, ""});
    } else if (!task->spec.cancel) {
      effects.effects.push_back(
          CancelTask{name, version, {api::CancelMode::StepBoundary, "LockWaitTimeout", message}});
    }
  }
  for (const auto& name : ending) {
    for (const auto& effect : pairs.at(name).decision->effects) {
      if (is_end(effect)) effects.effects.push_back(effect);
    }
  }
}

void Planner::State::emit_objects(std::size_t max, Effects& effects) const {
  for (const auto& [name, status] : snapshots) {
    const auto* release = find(facts.releases, name);
    if (release != nullptr) {
      effects.effects.push_back(
          ReleaseStatusChange{name, release->metadata.resource_version, status});
    }
  }
  for (const auto& [deployment, rollout] : new_rollouts) effects.effects.push_back(rollout);
  for (const auto& [rollout, reset] : resets) effects.effects.push_back(reset);
  for (const auto& [deployment, hold] : new_holds) effects.effects.push_back(hold);
  for (const auto& [name, hold] : old_holds) effects.effects.push_back(hold);
  for (const auto& name : acting) {
    if (full(effects, max)) return;
    for (const auto& effect : pairs.at(name).decision->effects) {
      if (!is_end(effect)) effects.effects.push_back(effect);
    }
  }
  for (const auto& [name, status] : window_statuses) {
    const auto* window = find(facts.windows, name);
    if (window != nullptr) {
      effects.effects.push_back(WindowStatusChange{name, window->metadata.resource_version, status});
    }
  }
  for (const auto& [name, status] : project_statuses) {
    const auto* project = find(facts.projects, name);
    if (project != nullptr) {
      effects.effects.push_back(
          ProjectStatusChange{name, project->metadata.resource_version, status});
    }
  }
}

// There are many installations and few others.
void Planner::State::emit_statuses(TimePoint now, std::size_t max, Effects& effects) {
  emit_paced<InstallationStatusChange>(installation_pace, facts.installations, now, max - max / 8, effects);
  emit_paced<TenantDeploymentStatusChange>(deployment_pace, facts.deployments, now, max, effects);
  emit_paced<RolloutStatusChange>(rollout_pace, facts.rollouts, now, max, effects);
  emit_paced<LockGroupStatusChange>(lock_group_pace, facts.lock_groups, now, max, effects);
  emit_paced<BudgetStatusChange>(budget_pace, facts.budgets, now, max, effects);
}

}  // namespace tidelock::planner
