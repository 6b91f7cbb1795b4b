// SPDX-License-Identifier: Apache-2.0
// Facts in: what an object that came, changed or went makes stale.
#include <algorithm>

#include "controller/planner/planner_state.h"

namespace tidelock::planner {
namespace {

template <class T>
bool same_wish(const T* old, const T& object) {
  return old != nullptr && old->spec == object.spec &&
         old->metadata.labels == object.metadata.labels &&
         old->metadata.deletion_timestamp == object.metadata.deletion_timestamp &&
         old->metadata.creation_timestamp == object.metadata.creation_timestamp;
}

// Whether the rollout and its waves began at the same times. Waves matter to those that come late.
bool same_begin(const api::Rollout& a, const api::Rollout& b) {
  const auto& x = a.status;
  const auto& y = b.status;
  if (x.started_at != y.started_at) return false;
  if (a.spec.strategy.membership.added == api::MembersAdded::JoinWave) return true;
  return std::equal(x.waves.begin(), x.waves.end(), y.waves.begin(), y.waves.end(),
                    [](const auto& v, const auto& w) { return v.started_at == w.started_at; });
}

void insert(const std::set<std::string>& from, std::set<std::string>& to) { to.insert(from.begin(), from.end()); }

}  // namespace

void Planner::set(Ptr<api::Project> object) {
  const std::string name = object->metadata.name;
  const auto old = state_->facts.projects.put(object);
  state_->stale.projects.insert(name);
  if (same_wish(old.get(), *object)) return;
  state_->project_changed(name);
}

void Planner::set(Ptr<api::Release> object) {
  const std::string& name = object->metadata.name;
  const std::string& project = object->spec.project_ref.name;
  auto& state = *state_;
  state.stale.releases.insert(name);
  const auto old = state.facts.releases.put(object);
  state.speakers.releases.move(name, old ? &old->spec.project_ref.name : nullptr, &project);
  if (old && same_wish(old.get(), *object) && old->status.digest == object->status.digest) return;
  insert(state.speakers.deployments_of_project.of(project), state.stale.deployments);
}

void Planner::set(Ptr<api::Environment> object) {
  const std::string& name = object->metadata.name;
  const auto old = state_->facts.environments.put(object);
  if (same_wish(old.get(), *object)) return;
  state_->environment_changed(name);
}

void Planner::set(Ptr<api::Tenant> object) {
  const std::string& name = object->metadata.name;
  const auto old = state_->facts.tenants.put(object);
  state_->index.tenant_changed(old.get(), object.get());
  if (same_wish(old.get(), *object)) return;
  state_->tenant_changed(name, old.get(), object.get());
}

void Planner::set(Ptr<api::Target> object) {
  const std::string& name = object->metadata.name;
  const auto old = state_->facts.targets.put(object);
  const bool same = same_wish(old.get(), *object);
  // A heartbeat alone concerns nobody.
  if (same && old->status.conditions == object->status.conditions) return;
  if (same) {
    state_->stale_pairs(state_->index.of_target(name));
  } else {
    state_->target_changed(name, old.get(), object.get());
  }
}

void Planner::set(Ptr<api::LockGroup> object) {
  state_->stale.lock_groups.insert(object->metadata.name);
  const auto old = state_->facts.lock_groups.put(object);
  if (same_wish(old.get(), *object)) return;
  state_->admission.refresh_group(object->metadata.name);
  state_->stale_where_unresolved();
}

void Planner::set(Ptr<api::ConcurrencyBudget> object) {
  const std::string name = object->metadata.name;
  const int max = object->spec.max;
  state_->stale.budgets.insert(name);
  const auto old = state_->facts.budgets.put(object);
  if (same_wish(old.get(), *object)) return;
  state_->admission.set_budget(name, max);
  if (!old || !(old->spec.selector == object->spec.selector)) {
    state_->stale_pairs_with_tasks();
  }
}

void Planner::set(Ptr<api::TenantDeployment> object) {
  const std::string& name = object->metadata.name;
  state_->stale.deployment_status.insert(name);
  state_->guards_to_check.insert(name);
  const auto old = state_->facts.deployments.put(object);
  if (same_wish(old.get(), *object)) return;
  state_->deployment_changed(name, old.get(), object.get());
}

void Planner::set(Ptr<api::Rollout> object) {
  const std::string& name = object->metadata.name;
  const std::string& deployment = object->spec.tenant_deployment_ref.name;
  state_->stale.rollouts.insert(name);
  const auto old = state_->facts.rollouts.put(object);
  if (same_wish(old.get(), *object)) {
    // Where a pair stands depends on when its rollout began.
    if (!same_begin(*old, *object)) state_->stale_pairs_of(deployment);
    return;
  }
  state_->rollout_changed(name, old ? &old->spec.tenant_deployment_ref.name : nullptr, &deployment);
  const auto wanted = state_->new_rollouts.find(deployment);
  const bool created =
      wanted != state_->new_rollouts.end() && wanted->second.object.metadata.name == name;
  if (created) state_->new_rollouts.erase(wanted);
}

void Planner::set(Ptr<api::Installation> object) {
  const std::string name = object->metadata.name;
  const auto old = state_->facts.installations.put(object);
  // The index needs a name that stays where it is.
  const std::string& key = *state_->intern(name);
  if (old && !(old->spec == object->spec)) state_->index.remove(key, old->spec);
  if (!old || !(old->spec == object->spec)) state_->index.add(key, object->spec);
  state_->note_passing(old.get(), object.get());
  state_->stale.installations.insert(name);
}

void Planner::set(Ptr<api::DeploymentTask> object) {
  const std::string name = object->metadata.name;
  const auto& raw = *object;
  const auto old = state_->facts.tasks.put(object);
  if (old) {
    state_->unindex(*old);
    state_->durations.count(*old, -1);
  }
  const bool lived = old && !api::is_terminal(old->status.phase);
  const bool lives = !api::is_terminal(raw.status.phase);
  state_->speakers.live_tasks.move(name, lived ? &old->spec.rollout : nullptr, lives ? &raw.spec.rollout : nullptr);
  state_->durations.count(raw, 1);
  state_->facts.attempts.erase_key(&raw);  // another one of that number
  state_->facts.attempts.insert(&raw);
  if (raw.status.grant) state_->fence = std::max(state_->fence, raw.status.grant->fence);
  state_->note_start(raw, true);
  state_->grants.erase(name);
  state_->stale.installations.insert(raw.spec.installation);
  if (api::is_terminal(raw.status.phase)) state_->forget_task(name);
}

void Planner::set(Ptr<api::DeploymentWindow> object) {
  // Also those that only its older version selects.
  const auto old = state_->facts.windows.put(object);
  state_->windows.set(*object);
  state_->stale.windows.insert(object->metadata.name);
  if (old && !(old->spec == object->spec)) state_->stale_pairs_with_tasks();
}

void Planner::set(Ptr<api::Approval> object) {
  const auto& rollout = object->spec.rollout_ref.name;
  state_->stale.rollouts.insert(rollout);
  const auto old = state_->facts.approvals.put(object);
  state_->speakers.approvals.move(object->metadata.name, old ? &old->spec.rollout_ref.name : nullptr, &rollout);
}

void Planner::set(Ptr<api::ReleaseHold> object) {
  const auto& deployment = object->spec.tenant_deployment_ref.name;
  state_->stale.deployments.insert(deployment);
  state_->new_holds.erase(deployment);
  const auto old = state_->facts.holds.put(object);
  state_->speakers.holds.move(object->metadata.name, old ? &old->spec.tenant_deployment_ref.name : nullptr,
                              &deployment);
}

void Planner::remove(const std::string& kind, const std::string& name) {
  auto& facts = state_->facts;
  auto& stale = state_->stale;
  auto& speakers = state_->speakers;
  if (kind == "Project") {
    facts.projects.erase(name);
    state_->project_statuses.erase(name);
    state_->project_changed(name);
  } else if (kind == "Release") {
    const auto old = facts.releases.take(name);
    state_->snapshots.erase(name);
    if (!old) return;
    const auto& project = old->spec.project_ref.name;
    speakers.releases.move(name, &project, nullptr);
    state_->project_changed(project);
  } else if (kind == "Environment") {
    facts.environments.erase(name);
    state_->environment_changed(name);
  } else if (kind == "Tenant") {
    const auto old = facts.tenants.take(name);
    state_->index.tenant_changed(old.get(), nullptr);
    state_->tenant_changed(name, old.get(), nullptr);
  } else if (kind == "Target") {
    const auto old = facts.targets.take(name);
    state_->target_changed(name, old.get(), nullptr);
  } else if (kind == "LockGroup") {
    facts.lock_groups.erase(name);
    state_->lock_group_pace.forget(name);
    state_->admission.refresh_group(name);
    state_->stale_where_unresolved();
  } else if (kind == "ConcurrencyBudget") {
    facts.budgets.erase(name);
    state_->budget_pace.forget(name);
    state_->admission.remove_budget(name);
    state_->stale_pairs_with_tasks();
  } else if (kind == "TenantDeployment") {
    const auto old = facts.deployments.take(name);
    // Removals that it paused or guarded.
    state_->guards_to_check.insert(name);
    if (old) state_->deployment_changed(name, old.get(), nullptr);
  } else if (kind == "Rollout") {
    const auto old = facts.rollouts.take(name);
    state_->rollout_pace.forget(name);
    state_->resets.erase(name);
    state_->starts.erase(name);
    state_->look_at_rollout.set(name, kNever);
    if (old) state_->rollout_changed(name, &old->spec.tenant_deployment_ref.name, nullptr);
  } else if (kind == "Installation") {
    const auto old = facts.installations.take(name);
    if (!old) return;
    state_->index.remove(state_->pairs.find(name)->first, old->spec);
    state_->note_passing(old.get(), nullptr);
    state_->installation_pace.forget(name);
    stale.installations.insert(name);
  } else if (kind == "DeploymentWindow") {
    facts.windows.erase(name);
    state_->windows.remove(name);
    state_->window_statuses.erase(name);
    state_->stale_pairs_with_tasks();
  } else if (kind == "Approval") {
    const auto old = facts.approvals.take(name);
    if (!old) return;
    speakers.approvals.move(name, &old->spec.rollout_ref.name, nullptr);
    stale.rollouts.insert(old->spec.rollout_ref.name);
  } else if (kind == "ReleaseHold") {
    const auto old = facts.holds.take(name);
    if (!old) return;
    speakers.holds.move(name, &old->spec.tenant_deployment_ref.name, nullptr);
    stale.deployments.insert(old->spec.tenant_deployment_ref.name);
    state_->old_holds.erase(name);
  } else if (kind == "DeploymentTask") {
    const auto old = facts.tasks.take(name);
    if (!old) return;
    stale.installations.insert(old->spec.installation);
    state_->unindex(*old);
    state_->durations.count(*old, -1);
    state_->note_start(*old, false);
    if (!api::is_terminal(old->status.phase)) speakers.live_tasks.move(name, &old->spec.rollout, nullptr);
    state_->grants.erase(name);
    state_->forget_task(name);
  }
}

// ---- whom a change concerns --------------------------------------------------------------------

void Planner::State::unindex(const api::DeploymentTask& task) {
  const auto place = facts.attempts.find(&task);
  if (place != facts.attempts.end() && *place == &task) facts.attempts.erase(place);
}

void Planner::State::stale_pairs_with_tasks() {
  speakers.live_tasks.each(
      [this](const std::string& task) { stale.installations.insert(facts.tasks.at(task)->spec.installation); });
}

void Planner::State::stale_pairs(const FactIndex::Names& names) {
  stale.installations.insert(names.begin(), names.end());
}

// Those it wishes for, and those that are still its own.
void Planner::State::stale_pairs_of(const std::string& deployment) {
  const auto expansion = expansions.find(deployment);
  if (expansion != expansions.end()) {
    const auto& wishes = expansion->second.wishes;
    for (auto at = wishes.begin(); at != wishes.end(); ++at) stale.installations.insert(at.name());
  }
  insert(strays.of(deployment), stale.installations);
}

void Planner::State::project_changed(const std::string& name) {
  insert(speakers.releases.of(name), stale.releases);
  insert(speakers.deployments_of_project.of(name), stale.deployments);
  stale_pairs(index.of_project(facts, name));
}

void Planner::State::environment_changed(const std::string& name) {
  insert(speakers.deployments_of_environment.of(name), stale.deployments);
  stale_pairs(index.of_environment(facts, name));
  // Promotion may go in a circle now, or no longer, for all that follow it down the chain.
  for (const auto& [follower, environment] : facts.environments) {
    const auto* one = environment.get();
    for (std::size_t step = 0; one != nullptr && step < facts.environments.size(); ++step) {
      const auto& from = one->spec.promotion.from;
      if (from == name) insert(speakers.deployments_of_environment.of(follower), stale.deployments);
      one = from.empty() || from == name ? nullptr : find(facts.environments, from);
    }
  }
}

void Planner::State::deployment_changed(const std::string& name, const api::TenantDeployment* old,
                                        const api::TenantDeployment* now) {
  const auto project = [](const auto* object) { return object == nullptr ? nullptr : &object->spec.project_ref.name; };
  const auto environment = [](const auto* object) {
    return object == nullptr ? nullptr : &object->spec.environment_ref.name;
  };
  speakers.deployments_of_project.move(name, project(old), project(now));
  speakers.deployments_of_environment.move(name, environment(old), environment(now));
  index.deployment_changed(facts, old, now);
  stale.deployments.insert(name);
  insert(speakers.rollouts.of(name), stale.rollouts);
  stale_pairs_of(name);
}

void Planner::State::rollout_changed(const std::string& name, const std::string* old, const std::string* now) {
  speakers.rollouts.move(name, old, now);
  for (const auto* deployment : {old, now}) {
    if (deployment == nullptr) continue;
    stale.deployments.insert(*deployment);
    stale_pairs_of(*deployment);
  }
  for (const auto& task : speakers.live_tasks.of(name)) {
    stale.installations.insert(facts.tasks.at(task)->spec.installation);
  }
}

// One pair of a deployment may have come, gone or changed its place.
void Planner::State::stale_member(const std::string& deployment, const std::string& tenant,
                                  const std::string& target) {
  if (stale.deployments.count(deployment) != 0) return;
  const auto expansion = expansions.find(deployment);
  if (expansion == expansions.end() || expansion->second.ranked) {
    stale.deployments.insert(deployment);
  } else {
    stale.members[deployment].emplace(tenant, target);
  }
}

void Planner::State::tenant_changed(const std::string& name, const api::Tenant* old, const api::Tenant* now) {
  stale_pairs(index.of_tenant(facts, name));
  std::set<std::string> deployments, targets;
  for (const auto* tenant : {old, now}) {
    if (tenant == nullptr) continue;
    for (auto& each : index.deployments_for(tenant->metadata.labels)) {
      if (stale.deployments.count(each) == 0) deployments.insert(std::move(each));
    }
  }
  std::erase_if(deployments, [&](const std::string& each) {
    const auto& strategy = strategy_of(facts, current_rollout(each), each);
    return !index.concerns(*facts.deployments.at(each), strategy, old, now);
  });
  if (deployments.empty()) return;
  for (const auto* tenant : {old, now}) {
    if (tenant == nullptr) continue;
    for (auto& each : index.targets_for(tenant->metadata.labels)) targets.insert(std::move(each));
  }
  for (const auto& each : deployments) {
    for (const auto& target : targets) {
      if (takes(*facts.deployments.at(each), find(facts.targets, target))) stale_member(each, name, target);
    }
  }
}

void Planner::State::target_changed(const std::string& name, const api::Target* old, const api::Target* now) {
  stale_pairs(index.of_target(name));
  index.target_changed(facts, old, now);
  admission.refresh_rules(slots_lock(name));
  for (const auto* target : {old, now}) {
    if (target == nullptr || facts.deployments.empty()) continue;
    for (const auto& each : index.untenanted_for(target->metadata.labels)) {
      if (takes(*facts.deployments.at(each), target)) stale_member(each, "", name);
    }
    for (const auto* tenant : index.tenants_like(facts, target->spec.tenants)) {
      for (const auto& each : index.deployments_for(tenant->metadata.labels)) {
        const auto& deployment = *facts.deployments.at(each);
        if (takes(deployment, old) || takes(deployment, now)) stale_member(each, tenant->metadata.name, name);
      }
    }
  }
}

// Pairs whose task could not be made: what they miss may be there now.
void Planner::State::stale_where_unresolved() {
  for (const auto* name : taskless) stale.installations.insert(*name);
}

}  // namespace tidelock::planner
