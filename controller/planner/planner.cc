// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/planner.h"

#include <algorithm>

#include "controller/planner/planner_state.h"
#include "controller/planner/task_builder.h"

namespace tidelock::planner {
namespace {

constexpr Duration kStatusInterval = std::chrono::milliseconds(500);
constexpr Duration kWaiterInterval = std::chrono::seconds(1);

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

template <class T>
void insert_keys(const ByName<T>& from, std::set<std::string>& to) {
  for (const auto& [name, value] : from) to.insert(name);
}

}  // namespace

void Timers::set(const std::string& name, TimePoint at) {
  const auto place = by_name_.find(name);
  if (place != by_name_.end()) {
    if (place->second == at) return;
    by_time_.erase({place->second, name});
    by_name_.erase(place);
  }
  if (at == kNever) return;
  by_name_.emplace(name, at);
  by_time_.emplace(at, name);
}

std::set<std::string> Timers::take_due(TimePoint now) {
  std::set<std::string> due;
  while (!by_time_.empty() && by_time_.begin()->first <= now) {
    due.insert(by_time_.begin()->second);
    by_name_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
  }
  return due;
}

Planner::State::State(Options given)
    : options(given),
      admission([this](const std::string& instance) { return rules_of(instance); }),
      fence(std::max(given.after, api::Fence{given.epoch, 0})),
      deployment_pace(kStatusInterval),
      rollout_pace(kStatusInterval),
      installation_pace(kWaiterInterval),
      lock_group_pace(kStatusInterval),
      budget_pace(kStatusInterval) {
  admission.set_budget(kCorrections, kCorrectionsAtOnce);
}

LockRules Planner::State::rules_of(const std::string& instance) const {
  LockRules rules;
  const LockName name = parse_lock_name(instance);
  switch (name.kind) {
    case LockName::Kind::Pair:
    case LockName::Kind::Isolation:
    case LockName::Kind::Path:
      break;
    case LockName::Kind::Slots: {
      const auto* target = find(facts.targets, name.owner);
      rules.capacity = target == nullptr ? 1 : target->spec.max_concurrent;
      break;
    }
    case LockName::Kind::Group: {
      const auto* group = find(facts.lock_groups, name.group);
      rules.group = name.group;
      // A group that vanished while tasks want it: the safe reading is a mutex.
      rules.capacity = 1;
      if (group == nullptr) break;
      rules.capacity = group->spec.capacity;
      rules.max_bypass = group->spec.max_bypass;
      rules.wait_timeout = group->spec.wait_timeout;
      break;
    }
  }
  return rules;
}

Planner::Planner(Options options) : state_(std::make_unique<State>(options)) {}
Planner::~Planner() = default;
Planner::Planner(Planner&&) noexcept = default;

// ---- facts in --------------------------------------------------------------------------------

void Planner::set(Ptr<api::Project> object) {
  const std::string name = object->metadata.name;
  const auto old = state_->facts.projects.put(object);
  state_->stale.projects.insert(name);
  if (same_wish(old.get(), *object)) return;
  for (const auto& [release, value] : state_->facts.releases) {
    if (value->spec.project_ref.name == name) state_->stale.releases.insert(release);
  }
  for (const auto& [deployment, value] : state_->facts.deployments) {
    if (value->spec.project_ref.name == name) state_->stale.deployments.insert(deployment);
  }
  state_->stale_where(
      [&](const api::InstallationSpec& spec) { return spec.project_ref.name == name; });
}

void Planner::set(Ptr<api::Release> object) {
  const std::string project = object->spec.project_ref.name;
  state_->stale.releases.insert(object->metadata.name);
  const auto old = state_->facts.releases.put(object);
  if (old && same_wish(old.get(), *object) && old->status.digest == object->status.digest) return;
  for (const auto& [deployment, value] : state_->facts.deployments) {
    if (value->spec.project_ref.name == project) state_->stale.deployments.insert(deployment);
  }
}

void Planner::set(Ptr<api::Environment> object) {
  const std::string name = object->metadata.name;
  const auto old = state_->facts.environments.put(object);
  if (same_wish(old.get(), *object)) return;
  for (const auto& [deployment, value] : state_->facts.deployments) {
    if (value->spec.environment_ref.name == name) state_->stale.deployments.insert(deployment);
  }
  state_->stale_where(
      [&](const api::InstallationSpec& spec) { return spec.environment_ref.name == name; });
}

void Planner::set(Ptr<api::Tenant> object) {
  const std::string name = object->metadata.name;
  const auto old = state_->facts.tenants.put(object);
  if (same_wish(old.get(), *object)) return;
  state_->tenant_changed(name, old.get(), object.get());
}

void Planner::set(Ptr<api::Target> object) {
  const std::string name = object->metadata.name;
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
  state_->admission.refresh_rules();
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
  const std::string name = object->metadata.name;
  state_->stale.deployment_status.insert(name);
  state_->guards_to_check.insert(name);
  const auto old = state_->facts.deployments.put(object);
  if (same_wish(old.get(), *object)) return;
  state_->stale.deployments.insert(name);
  state_->stale_where(
      [&](const api::InstallationSpec& spec) { return spec.tenant_deployment == name; });
}

void Planner::set(Ptr<api::Rollout> object) {
  const std::string name = object->metadata.name;
  const std::string deployment = object->spec.tenant_deployment_ref.name;
  state_->stale.rollouts.insert(name);
  const auto old = state_->facts.rollouts.put(object);
  const bool same = same_wish(old.get(), *object);
  if (same && same_begin(*old, *object)) return;
  // Where a pair stands depends on when its rollout began.
  state_->stale_where(
      [&](const api::InstallationSpec& spec) { return spec.tenant_deployment == deployment; });
  if (same) return;
  state_->stale.deployments.insert(deployment);
  const auto wanted = state_->new_rollouts.find(deployment);
  const bool created =
      wanted != state_->new_rollouts.end() && wanted->second.object.metadata.name == name;
  if (created) state_->new_rollouts.erase(wanted);
}

void Planner::set(Ptr<api::Installation> object) {
  const std::string name = object->metadata.name;
  const auto old = state_->facts.installations.put(object);
  // The index needs a name that stays where it is.
  const std::string& key = state_->pairs.try_emplace(name).first->first;
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
  state_->durations.count(raw, 1);
  state_->facts.attempts.erase(&raw);  // another one of that number
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
  if (old && !(old->spec == object->spec)) state_->stale_pairs_with_tasks();
}

void Planner::set(Ptr<api::Approval> object) {
  state_->stale.rollouts.insert(object->spec.rollout_ref.name);
  state_->facts.approvals.put(std::move(object));
}

void Planner::set(Ptr<api::ReleaseHold> object) {
  const std::string deployment = object->spec.tenant_deployment_ref.name;
  state_->stale.deployments.insert(deployment);
  state_->new_holds.erase(deployment);
  state_->facts.holds.put(std::move(object));
}

void Planner::remove(const std::string& kind, const std::string& name) {
  auto& facts = state_->facts;
  auto& stale = state_->stale;
  const auto everything = [&] {
    insert_keys(facts.deployments, stale.deployments);
    insert_keys(facts.installations, stale.installations);
  };
  if (kind == "Project") {
    facts.projects.erase(name);
    state_->project_statuses.erase(name);
    everything();
  } else if (kind == "Release") {
    facts.releases.erase(name);
    state_->snapshots.erase(name);
    everything();
  } else if (kind == "Environment") {
    facts.environments.erase(name);
    everything();
  } else if (kind == "Tenant") {
    const auto old = facts.tenants.take(name);
    state_->tenant_changed(name, old.get(), nullptr);
  } else if (kind == "Target") {
    const auto old = facts.targets.take(name);
    state_->target_changed(name, old.get(), nullptr);
  } else if (kind == "LockGroup") {
    facts.lock_groups.erase(name);
    state_->lock_group_pace.forget(name);
    state_->admission.refresh_rules();
    state_->stale_where_unresolved();
  } else if (kind == "ConcurrencyBudget") {
    facts.budgets.erase(name);
    state_->budget_pace.forget(name);
    state_->admission.remove_budget(name);
    state_->stale_pairs_with_tasks();
  } else if (kind == "TenantDeployment") {
    facts.deployments.erase(name);
    stale.deployments.insert(name);
    // Removals that it paused or guarded.
    state_->guards_to_check.insert(name);
    state_->stale_where([&](const api::InstallationSpec& spec) { return spec.tenant_deployment == name; });
    for (const auto& [rollout, value] : facts.rollouts) {
      if (value->spec.tenant_deployment_ref.name == name) stale.rollouts.insert(rollout);
    }
  } else if (kind == "Rollout") {
    facts.rollouts.erase(name);
    state_->rollout_pace.forget(name);
    state_->starts.erase(name);
    state_->look_at_rollout.set(name, kNever);
    everything();
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
    const auto place = facts.approvals.find(name);
    if (place == facts.approvals.end()) return;
    stale.rollouts.insert(place->second->spec.rollout_ref.name);
    facts.approvals.erase(place);
  } else if (kind == "ReleaseHold") {
    const auto place = facts.holds.find(name);
    if (place == facts.holds.end()) return;
    stale.deployments.insert(place->second->spec.tenant_deployment_ref.name);
    state_->old_holds.erase(name);
    facts.holds.erase(place);
  } else if (kind == "DeploymentTask") {
    const auto place = facts.tasks.find(name);
    if (place == facts.tasks.end()) return;
    stale.installations.insert(place->second->spec.installation);
    state_->unindex(*place->second);
    state_->durations.count(*place->second, -1);
    state_->note_start(*place->second, false);
    facts.tasks.erase(place);
    state_->grants.erase(name);
    state_->forget_task(name);
  }
}

void Planner::State::unindex(const api::DeploymentTask& task) {
  const auto place = facts.attempts.find(&task);
  if (place != facts.attempts.end() && *place == &task) facts.attempts.erase(place);
}

void Planner::State::stale_pairs_with_tasks() {
  for (const auto* task : facts.attempts) stale.installations.insert(task->spec.installation);
}

void Planner::State::stale_pairs(const FactIndex::Names& names) {
  stale.installations.insert(names.begin(), names.end());
}

void Planner::State::tenant_changed(const std::string& name, const api::Tenant* old, const api::Tenant* now) {
  stale_pairs(index.of_tenant(facts, name));
  for (const auto& [deployment, object] : facts.deployments) {
    const auto& strategy = strategy_of(facts, current_rollout(deployment), deployment);
    if (index.concerns(*object, strategy, old, now)) stale.deployments.insert(deployment);
  }
}

void Planner::State::target_changed(const std::string& name, const api::Target* old, const api::Target* now) {
  stale_pairs(index.of_target(name));
  index.target_changed(old, now);
  admission.refresh_rules();
  for (const auto& [deployment, object] : facts.deployments) {
    if (FactIndex::concerns(*object, old, now)) stale.deployments.insert(deployment);
  }
}

// Pairs whose task could not be made: what they miss may be there now.
void Planner::State::stale_where_unresolved() {
  for (const auto& [name, pair] : pairs) {
    if (pair.decision->blocked) stale.installations.insert(name);
  }
}

// Pairs with tasks that a window speaks of are decided again when it opens or closes.
void Planner::State::advance_windows(TimePoint now) {
  const auto changed = windows.advance(now);
  for (const auto& name : changed) {
    const auto* window = find(facts.windows, name);
    if (window == nullptr) continue;
    for (auto at = facts.attempts.begin(); at != facts.attempts.end(); ++at) {
      const auto& task = (*at)->spec;
      const auto next = std::next(at);
      const bool newest = next == facts.attempts.end() || (*next)->spec.installation != task.installation;
      if (!newest) continue;
      const auto pair = selected_pair(facts, task.project, task.environment, task.tenant, task.target);
      if (windows.selects(name, pair)) stale.installations.insert(task.installation);
    }
  }
  window_statuses.clear();
  for (const auto& [name, window] : facts.windows) {
    auto status = windows.status(name);
    if (!(status == window->status)) window_statuses.emplace(name, std::move(status));
  }
}

WindowVerdict Planner::State::window_verdict(const api::DeploymentTask& task) {
  if (windows.empty()) return {};
  const auto& spec = task.spec;
  return windows.verdict(selected_pair(facts, spec.project, spec.environment, spec.tenant, spec.target),
                         spec.action == api::Action::Rollback);
}

// ---- effects out -----------------------------------------------------------------------------

void Planner::State::advance(TimePoint now) {
  advance_windows(now);
  snapshot_releases(now);
  expand_deployments();
  reorder_by_work();
  decide_pairs(now);
  guard_removals();
  decide_pairs(now);
  advance_rollouts(now);
  admit(now);
}

api::Fence Planner::fence() const { return state_->fence; }

Effects Planner::plan(TimePoint now) {
  Effects effects;
  state_->advance(now);
  state_->refresh_statuses(now);
  state_->emit_grants_and_ends(effects);
  state_->emit_objects(effects);
  state_->emit_statuses(now, effects);
  effects.next = std::min({effects.next, state_->decide_again.next(), state_->lock_waits.next(), state_->look_at_rollout.next(),
                           state_->windows.next(),
                           state_->lock_groups_due});
  return effects;
}

}  // namespace tidelock::planner
