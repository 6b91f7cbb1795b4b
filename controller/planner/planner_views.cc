// SPDX-License-Identifier: Apache-2.0
// Answers to questions: rows of the plan, why a pair waits, who holds which lock.
#include <algorithm>
#include <utility>

#include "controller/planner/planner_state.h"

namespace tidelock::planner {
namespace {

constexpr std::size_t kAll = static_cast<std::size_t>(-1);

PlanRow row_of(const std::string& name, const Wish* wish, const api::Installation* installation,
               const Decision& decision) {
  PlanRow row;
  row.installation = name;
  row.action = decision.action;
  row.from = decision.base.actual_release;
  if (wish != nullptr) {
    row.project = wish->project;
    row.environment = wish->environment;
    row.tenant = wish->tenant;
    row.target = wish->target;
    row.to = wish->choice.version;
    row.digest = wish->choice.digest;
    row.deployment = wish->deployment;
    const bool kept = installation != nullptr && !wish->hold.empty() &&
                      installation->spec.hold == wish->hold;
    if (kept) {
      row.to = installation->spec.version;
      row.digest = installation->spec.digest;
    }
    if (wish->choice.problem) {
      row.action = api::Action::Blocked;
    } else if (wish->choice.digest.empty()) {
      // The release has no digest yet; it will not be the one that is installed.
      row.action = difference(row.from, decision.base.actual_digest, row.to, "new");
    }
  } else if (installation != nullptr) {
    row.project = installation->spec.project_ref.name;
    row.environment = installation->spec.environment_ref.name;
    if (installation->spec.tenant_ref) row.tenant = installation->spec.tenant_ref->name;
    row.target = installation->spec.target_ref.name;
    row.deployment = installation->spec.tenant_deployment;
  }
  return row;
}

}  // namespace

// Started tasks first, then the waiting ones as they will be looked at, then pairs without a task.
std::vector<PlanRow> Planner::rows(TimePoint now) {
  state_->advance(now);
  std::map<std::string, int> place;
  for (const auto& [name, task] : state_->facts.tasks) {
    if (task->status.grant && !api::is_terminal(task->status.phase)) {
      place.emplace(name, static_cast<int>(place.size()) + 1);
    }
  }
  for (const auto& name : state_->admission.waiting_in_order()) {
    place.emplace(name, static_cast<int>(place.size()) + 1);
  }
  std::vector<PlanRow> rows;
  for (const auto& [name, pair] : state_->pairs) {
    const auto wished = state_->wish_of(name);
    const Wish* wish = wished ? &*wished : nullptr;
    const auto* installation = find(state_->facts.installations, name);
    rows.push_back(row_of(name, wish, installation, pair.decision.whole(installation)));
    auto& row = rows.back();
    if (wish != nullptr) row.wave = state_->wave_name(*wish);
    row.blocked_by = state_->why_pair(pair, kAll);
    const auto found = place.find(pair.decision->task);
    if (found != place.end()) row.order = found->second;
    const bool idle = row.action == api::Action::None;
    // Whoever has no task yet comes after those who have, wave by wave.
    const int wave = wish == nullptr ? 0 : std::max(wish->wave, 0);
    if (found == place.end() && !idle) row.order = static_cast<int>(place.size()) + 1 + wave;
  }
  std::stable_sort(rows.begin(), rows.end(), [](const PlanRow& a, const PlanRow& b) {
    return a.order != b.order ? a.order < b.order : a.installation < b.installation;
  });
  // 1, 2, 3 for a reader: a wave whose pairs have no task yet leaves no gap.
  int last = 0, dense = 0;
  for (PlanRow& row : rows) {
    if (row.order == 0) continue;
    if (row.order != last) ++dense;
    last = std::exchange(row.order, dense);
  }
  return rows;
}

std::map<std::string, api::RolloutStrategy> Planner::strategies(TimePoint now) {
  state_->advance(now);
  std::map<std::string, api::RolloutStrategy> strategies;
  for (const auto& [name, deployment] : state_->facts.deployments) {
    const auto expansion = state_->expansions.find(name);
    const std::string digest =
        expansion == state_->expansions.end() ? "" : expansion->second.main.digest;
    strategies[name] =
        strategy_of(state_->facts, digest.empty() ? "" : rollout_name(name, digest), name);
  }
  return strategies;
}

std::vector<api::BlockedBy> Planner::why(const std::string& installation, TimePoint now) {
  state_->advance(now);
  const auto pair = state_->pairs.find(installation);
  if (pair == state_->pairs.end()) return {};
  return state_->why_pair(pair->second, kAll);
}

std::optional<MassRemoval> Planner::mass_removal(const std::string& deployment, TimePoint now) {
  state_->advance(now);
  return state_->mass_removal(deployment);
}

std::vector<LockView> Planner::locks(TimePoint now) {
  state_->advance(now);
  std::vector<LockView> views;
  for (const auto& [instance, lock] : state_->admission.locks(kAll)) {
    LockView view;
    view.instance = instance;
    view.capacity = lock.rules->capacity;
    view.group = lock.rules->group;
    for (const auto& [task, hold] : lock.holders->all()) {
      if (hold.demand.intent) continue;
      LockHolder holder{task, "", 0, hold.demand.mode, hold.demand.units, hold.since};
      const auto* object = find(state_->facts.tasks, task);
      const auto index = static_cast<std::size_t>(hold.step);
      if (object != nullptr && hold.step >= 0 && index < object->spec.steps.size()) {
        holder.step = object->spec.steps[index].step.name;
        holder.step_number = hold.step + 1;
      }
      view.holders.push_back(std::move(holder));
    }
    std::sort(view.holders.begin(), view.holders.end(),
              [](const LockHolder& a, const LockHolder& b) {
                return a.since != b.since ? a.since < b.since : a.task < b.task;
              });
    int position = 0;
    for (const auto& [task, since] : lock.waiters)
      view.waiters.push_back({task, ++position, since});
    if (!view.holders.empty() || !view.waiters.empty()) views.push_back(std::move(view));
  }
  return views;
}

}  // namespace tidelock::planner
