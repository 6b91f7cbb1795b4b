// SPDX-License-Identifier: Apache-2.0
// Rollouts from wave to wave: counts in, openings and statuses out (waves.h decides).
#include <algorithm>

#include "controller/base/invariant.h"
#include "controller/base/limits.h"
#include "controller/planner/plan_hash.h"
#include "controller/planner/planner_state.h"

namespace tidelock::planner {
namespace {

constexpr int kRoundsMax = 100;

// What Admission calls the limits of a wave.
std::string window_of(const std::string& rollout, const std::string& wave) { return rollout + "/" + wave; }

bool same_opening(const WaveOpening& a, const WaveOpening& b) {
  return a.open == b.open && a.blocked == b.blocked && a.window_kind == b.window_kind &&
         a.joined_until == b.joined_until && a.slots.has_value() == b.slots.has_value();
}

bool urgent(const api::RolloutStatus& wanted, const api::RolloutStatus& known) {
  if (wanted.phase != known.phase || wanted.reason != known.reason || wanted.waves.size() != known.waves.size())
    return true;
  for (std::size_t i = 0; i < wanted.waves.size(); ++i) {
    if (wanted.waves[i].phase != known.waves[i].phase) return true;
  }
  return false;
}

std::vector<std::string> first_names(const std::set<std::string>& names) {
  std::vector<std::string> some;
  for (const auto& name : names) {
    if (some.size() >= limits::kStatusNamesMax) break;
    some.push_back(name);
  }
  return some;
}

}  // namespace

// Null: none takes it.
const std::string* Planner::State::wave_of(const Wish& wish) const {
  const auto expansion = expansions.find(wish.deployment);
  const auto wave = static_cast<std::size_t>(wish.wave);
  if (wish.wave < 0 || expansion == expansions.end() || wave >= expansion->second.waves.size()) return nullptr;
  return &expansion->second.waves[wave].name;
}

std::string Planner::State::window_name(const Wish& wish) const {
  const auto* wave = wave_of(wish);
  return wave == nullptr ? "" : window_of(wish.rollout, *wave);
}

std::string Planner::State::wave_name(const Wish& wish) const {
  const auto* wave = wave_of(wish);
  return wave == nullptr || strategy_of(facts, wish.rollout, wish.deployment).waves.empty() ? "" : *wave;
}

std::string Planner::State::current_rollout(const std::string& deployment) const {
  const auto expansion = expansions.find(deployment);
  if (expansion == expansions.end() || expansion->second.main.digest.empty()) return "";
  return rollout_name(deployment, expansion->second.main.digest);
}

// Null: no rollout says anything about it.
const WaveOpening* Planner::State::opening_of(const Wish& wish) const {
  static const WaveOpening kUnknown;
  static const WaveOpening kNowhere = [] {
    WaveOpening opening;
    opening.blocked.emplace();
    opening.blocked->kind = "Wave";
    opening.blocked->message = "no wave of its rollout takes the pair";
    return opening;
  }();
  if (wish.rollout.empty()) return nullptr;
  const auto book = books.find(wish.deployment);
  if (book == books.end()) return &kUnknown;
  const auto& openings = book->second.outcome.waves;
  if (find(facts.rollouts, wish.rollout) == nullptr || openings.empty()) return &kUnknown;
  if (wish.wave < 0) return openings.front().blocked ? &openings.front() : &kNowhere;
  const auto wave = static_cast<std::size_t>(wish.wave);
  return wave < openings.size() ? &openings[wave] : &kUnknown;
}

const WaveOpening* Planner::State::opening_of_window(const std::string& window) const {
  const auto slash = window.rfind('/');
  if (slash == std::string::npos) return nullptr;
  const auto* rollout = find(facts.rollouts, window.substr(0, slash));
  if (rollout == nullptr) return nullptr;
  const auto book = books.find(rollout->spec.tenant_deployment_ref.name);
  if (book == books.end()) return nullptr;
  const auto& openings = book->second.outcome.waves;
  const auto expansion = expansions.find(rollout->spec.tenant_deployment_ref.name);
  if (expansion == expansions.end()) return nullptr;
  const auto& names = expansion->second.waves;
  for (std::size_t i = 0; i < std::min(openings.size(), names.size()); ++i) {
    if (window.compare(slash + 1, std::string::npos, names[i].name) == 0) return &openings[i];
  }
  return nullptr;
}

// Until the rollouts and the pairs agree: what opens a wave changes its pairs, and so on.
void Planner::State::advance_rollouts(TimePoint now) {
  for (const auto& name : look_at_rollout.take_due(now)) stale.rollouts.insert(name);
  for (int round = 0; !stale.rollouts.empty(); ++round) {
    INVARIANT(round < kRoundsMax);
    const auto names = std::move(stale.rollouts);
    stale.rollouts.clear();
    for (const auto& name : names) {
      const auto* rollout = find(facts.rollouts, name);
      resets.erase(name);
      if (rollout == nullptr) continue;
      const auto& deployment = rollout->spec.tenant_deployment_ref.name;
      if (current_rollout(deployment) == name && find(facts.deployments, deployment) != nullptr) {
        advance_rollout_of(deployment, *rollout, now);
        continue;
      }
      look_at_rollout.set(name, kNever);
      auto status = left_rollout_status(*rollout, now);
      const bool now_or_later = status.phase != rollout->status.phase;
      rollout_pace.want(name, rollout->status, std::move(status), now_or_later);
    }
    decide_pairs(now);
  }
}

void Planner::State::advance_rollout_of(const std::string& deployment, const api::Rollout& rollout, TimePoint now) {
  ++looks.rollouts;
  RolloutBook& book = books[deployment];
  const auto& expansion = expansions.at(deployment);
  const auto& wished = facts.deployments.at(deployment)->spec;
  const auto pause = who_pauses(facts, deployment, rollout.metadata.name, wished.environment_ref.name,
                                wished.project_ref.name);
  if (book.plan_hash.empty()) book.plan_hash = hash_of(deployment, rollout);
  if (book.waves.size() < expansion.waves.size()) book.waves.resize(expansion.waves.size());
  RolloutInput input{rollout, expansion.waves, book.waves, "", pause, book.plan_hash, {}, {}};
  if (!expansion.unmatched.empty()) input.unmatched = **expansion.unmatched.begin();
  for (const auto& name : speakers.approvals.of(rollout.metadata.name)) input.approvals.push_back(find(facts.approvals, name));
  if (rollout.spec.strategy.max_starts_per_minute) input.starts = recent_starts(rollout.metadata.name, now);
  for (const auto* hold : holds_of(deployment)) {
    input.held = input.held || (hold->spec.digest == rollout.spec.digest && !hold->metadata.deletion_timestamp);
  }
  input.held_moving = book.held_moving;
  input.windowed = book.windowed > 0;
  RolloutOutcome outcome = advance_rollout(input, now);
  const auto& count = counts[deployment];
  outcome.status.failed_names = first_names(count.failed);
  outcome.status.unreachable_names = first_names(count.unreachable);
  take_outcome(deployment, rollout, std::move(outcome));
}

void Planner::State::take_outcome(const std::string& deployment, const api::Rollout& rollout,
                                  RolloutOutcome outcome) {
  RolloutBook& book = books[deployment];
  const auto& name = rollout.metadata.name;
  const auto& before = book.outcome;
  std::set<int> changed;
  for (std::size_t i = 0; i < outcome.waves.size(); ++i) {
    const auto& opening = outcome.waves[i];
    const std::string window = window_of(name, expansions.at(deployment).waves[i].name);
    admission.set_window(window, opening.open ? opening.window : std::nullopt);
    if (opening.slots) admission.set_budget(window, *opening.slots);
    const bool same = i < before.waves.size() && same_opening(before.waves[i], opening);
    if (!same) changed.insert(static_cast<int>(i));
    if (i == 0 && !same) changed.insert(-1);
  }
  if (!changed.empty()) {
    const auto& wishes = expansions.at(deployment).wishes;
    for (auto at = wishes.begin(); at != wishes.end(); ++at) {
      if (changed.count(at.wave()) != 0) stale.installations.insert(at.name());
    }
  }
  if (before.stalled != outcome.stalled || before.status.phase != outcome.status.phase)
    stale.deployment_status.insert(deployment);
  if (outcome.reset) resets.emplace(name, ResetRollout{name, rollout.metadata.resource_version});
  new_holds.erase(deployment);
  if (outcome.hold) {
    api::ReleaseHold hold;
    hold.metadata.name = name;
    hold.metadata.ns = rollout.metadata.ns;
    hold.metadata.labels = rollout.metadata.labels;
    hold.metadata.owner_references = rollout.metadata.owner_references;
    hold.spec.tenant_deployment_ref.name = deployment;
    hold.spec.version = rollout.spec.version;
    hold.spec.digest = rollout.spec.digest;
    hold.spec.waves = *outcome.hold;
    hold.spec.reason = outcome.status.reason;
    new_holds.emplace(deployment, CreateHold{std::move(hold)});
  }
  look_at_rollout.set(name, outcome.next);
  rollout_pace.want(name, rollout.status, outcome.status, urgent(outcome.status, rollout.status));
  book.rollout = name;
  book.outcome = std::move(outcome);
}

std::string Planner::State::hash_of(const std::string& deployment, const api::Rollout& rollout) {
  RolloutBook& book = books[deployment];
  if (book.head.empty()) {
    const auto& expansion = expansions.at(deployment);
    const bool waved = !rollout.spec.strategy.waves.empty();
    static const std::string kNone;
    std::vector<MemberTree::Member> members;
    members.reserve(expansion.wishes.size());
    for (auto at = expansion.wishes.begin(); at != expansion.wishes.end(); ++at) {
      const auto wave = static_cast<std::size_t>(at.wave());
      const auto& name = waved && at.wave() >= 0 ? expansion.waves[wave].name : kNone;
      members.push_back({at.kept_name(), MemberTree::sum_of(at.name(), name, at.digest())});
    }
    book.members.build(members);
    book.head = rollout_head(rollout.spec);
  }
  return rollout_plan_hash(book.head, book.members.sum());
}

// A hold ends when another release is wished for.
void Planner::State::update_holds(const std::string& deployment) {
  const auto expansion = expansions.find(deployment);
  const bool known = expansion != expansions.end() && !expansion->second.main.digest.empty();
  for (const auto* hold : holds_of(deployment)) {
    const auto& name = hold->metadata.name;
    if (known && hold->spec.digest != expansion->second.main.digest) {
      old_holds.emplace(name, DeleteHold{name, hold->metadata.uid});
    } else {
      old_holds.erase(name);
    }
  }
}

// ---- pacing ----------------------------------------------------------------------------------

// Rollouts that have asked for their recent starts are told of new ones.
void Planner::State::note_start(const api::DeploymentTask& task, bool exists) {
  const auto found = starts.find(task.spec.rollout);
  if (found == starts.end() || !task.status.grant) return;
  const bool changed = exists ? found->second.emplace(task.metadata.name, task.status.grant->granted_at).second
                              : found->second.erase(task.metadata.name) > 0;
  if (changed) stale.rollouts.insert(task.spec.rollout);
}

RecentStarts Planner::State::recent_starts(const std::string& rollout, TimePoint now) {
  const auto [found, fresh] = starts.try_emplace(rollout);
  if (fresh) {
    for (const auto& [name, task] : facts.tasks) {
      if (task->spec.rollout == rollout) note_start(*task, true);
    }
  }
  std::erase_if(found->second, [&](const auto& start) { return start.second + kPacingPeriod <= now; });
  RecentStarts newest;
  for (const auto& [task, at] : found->second) {
    if (newest.count++ == 0 || at < newest.oldest) newest.oldest = at;
  }
  return newest;
}

}  // namespace tidelock::planner
