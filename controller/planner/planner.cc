// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/planner.h"

#include <algorithm>

#include "controller/planner/planner_state.h"

namespace tidelock::planner {
namespace {

constexpr Duration kStatusInterval = std::chrono::milliseconds(500);
constexpr Duration kWaiterInterval = std::chrono::seconds(1);

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

// ---- windows ---------------------------------------------------------------------------------

WindowVerdict Planner::State::window_verdict(const api::DeploymentTask& task) {
  if (windows.empty()) return {};
  const auto& spec = task.spec;
  return windows.verdict(selected_pair(facts, spec.project, spec.environment, spec.tenant, spec.target),
                         spec.action == api::Action::Rollback);
}

// Pairs with tasks that a window speaks of are decided again when it opens or closes.
void Planner::State::advance_windows(TimePoint now) {
  for (const auto& name : windows.advance(now)) {
    stale.windows.insert(name);
    if (find(facts.windows, name) == nullptr) continue;
    speakers.live_tasks.each([&](const std::string& live) {
      const auto& task = facts.tasks.at(live)->spec;
      const auto pair = selected_pair(facts, task.project, task.environment, task.tenant, task.target);
      if (windows.selects(name, pair)) stale.installations.insert(task.installation);
    });
  }
  for (const auto& name : stale.windows) {
    window_statuses.erase(name);
    const auto* window = find(facts.windows, name);
    if (window == nullptr) continue;
    auto status = windows.status(name);
    if (!(status == window->status)) window_statuses.emplace(name, std::move(status));
  }
  stale.windows.clear();
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

Looks Planner::looks() const { return state_->looks; }

Effects Planner::plan(TimePoint now, std::size_t max) {
  Effects effects;
  state_->advance(now);
  state_->refresh_statuses(now);
  state_->emit_grants_and_ends(effects);
  state_->emit_objects(max - max / 4, effects);  // so that statuses never starve
  state_->emit_statuses(now, max, effects);
  effects.next = std::min({effects.next, state_->decide_again.next(), state_->lock_waits.next(), state_->look_at_rollout.next(),
                           state_->windows.next(),
                           state_->lock_groups_due});
  if (effects.left_out) effects.next = now;
  return effects;
}

}  // namespace tidelock::planner
