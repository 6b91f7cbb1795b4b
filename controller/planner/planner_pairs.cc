// SPDX-License-Identifier: Apache-2.0
// From deployments to decided pairs.
#include <algorithm>

#include "controller/planner/planner_state.h"
#include "controller/planner/task_builder.h"

namespace tidelock::planner {

namespace {

// Whether something of the wave begins with its last success.
bool waits_after_success(const api::RolloutStrategy& strategy, int wave) {
  const auto index = static_cast<std::size_t>(std::max(wave, 0));
  if (wave < 0 || index >= strategy.waves.size()) return wave >= 0 && strategy.soak.has_value();
  return strategy.soak || strategy.waves[index].soak || !strategy.waves[index].after.empty();
}

// Whether a task that removes the pair is on its way.
bool is_removed(const Attempts& attempts) {
  return std::any_of(attempts.begin(), attempts.end(), [](const auto& entry) {
    const auto& task = *entry.second;
    return task.spec.action == api::Action::Remove && !api::is_terminal(task.status.phase);
  });
}

}  // namespace

void KeptDecision::keep(Decision decision, const api::Installation* installation, Recent& recent) {
  const bool based = installation != nullptr && decision.base == installation->status;
  if (based && decision.rests()) {
    kept_ = nullptr;
    return;
  }
  if (based) decision.base = {};
  const bool alike = based && decision.effects.empty() && decision.ending.empty();
  if (alike) {
    for (const auto& known : recent.all_) {
      if (known == nullptr || !known->decision.same_rest(decision)) continue;
      kept_ = known;
      return;
    }
  }
  kept_ = std::make_shared<const Kept>(Kept{std::move(decision), based});
  if (alike) recent.all_[recent.next_++ % Recent::kMax] = kept_;
}

api::InstallationStatus KeptDecision::base(const api::Installation& installation) const {
  return kept_ && !kept_->based ? kept_->decision.base : installation.status;
}

Decision KeptDecision::whole(const api::Installation* installation) const {
  Decision decision = *operator->();
  if (installation == nullptr || (kept_ && !kept_->based)) return decision;
  decision.base = installation->status;
  if (!kept_) decision.digest = decision.base.actual_digest;
  return decision;
}

const Decision& KeptDecision::plain() {
  static const Decision kPlain;
  return kPlain;
}

void Planner::State::snapshot_releases(TimePoint now) {
  for (const auto& name : stale.releases) {
    snapshots.erase(name);
    const auto* release = find(facts.releases, name);
    if (release == nullptr) continue;
    if (auto status = snapshot(facts, *release, now)) snapshots.emplace(name, std::move(*status));
  }
  stale.releases.clear();
}

Holds Planner::State::holds_of(const std::string& deployment) const {
  Holds holds;
  for (const auto& name : speakers.holds.of(deployment)) holds.push_back(find(facts.holds, name));
  return holds;
}

const std::string* Planner::State::intern(const std::string& installation) {
  return &pairs.try_emplace(installation).first->first;
}

void Planner::State::expand_deployments() {
  const auto names = std::exchange(stale.deployments, {});
  const auto members = std::exchange(stale.members, {});
  for (const auto& name : names) expand_deployment(name);
  for (const auto& [name, some] : members) {
    if (names.count(name) == 0) expand_members(name, some);
  }
}

void Planner::State::expand_deployment(const std::string& name) {
  ++looks.deployments;
  const auto* deployment = find(facts.deployments, name);
  Expansion expansion;
  if (deployment != nullptr && !deployment->metadata.deletion_timestamp) {
    expansion = expand(facts, index, *deployment, holds_of(name), [this](const std::string& pair) { return intern(pair); });
  }
  replace_claims(name, expansion);
  const auto& rollouts = speakers.rollouts.of(name);
  stale.rollouts.insert(rollouts.begin(), rollouts.end());
  if (deployment == nullptr) {
    expansions.erase(name);
    counts.erase(name);
    books.erase(name);
    new_rollouts.erase(name);
    new_holds.erase(name);
    deployment_pace.forget(name);
    return;
  }
  expansions[name] = std::move(expansion);
  RolloutBook& book = books[name];
  book.plan_hash.clear();
  book.head.clear();
  // What came of another rollout says nothing about this one.
  if (const auto current = current_rollout(name);
      book.rollout != current || find(facts.rollouts, current) == nullptr) {
    book.rollout.clear();
    book.outcome = {};
  }
  update_holds(name);
  plan_rollout(name);
  stale.deployment_status.insert(name);
}

// Some pairs of a deployment came, went or changed their wave.
void Planner::State::expand_members(const std::string& name, const Pairs& some) {
  looks.members += static_cast<std::int64_t>(some.size());
  const auto* deployment = find(facts.deployments, name);
  const auto found = expansions.find(name);
  if (deployment == nullptr || deployment->metadata.deletion_timestamp || found == expansions.end()) return;
  const auto changed = expand_again(facts, *deployment, holds_of(name),
                                    [this](const std::string& pair) { return intern(pair); }, some, found->second);
  if (changed.empty()) return;
  RolloutBook& book = books[name];
  for (const auto& rewish : changed) {
    const auto& installation = *rewish.installation;
    if (rewish.now) {
      add_claim(installation, name);
    } else {
      drop_claim(installation, name);
      counts[name].conflicts.erase(installation);
    }
    if (const auto wish = book.head.empty() ? std::nullopt : found->second.wishes.find(installation)) {
      book.members.put({rewish.installation, MemberTree::sum_of(installation, wave_name(*wish), wish->choice.digest)});
    } else if (!book.head.empty()) {
      book.members.remove(installation);
    }
    stale.installations.insert(*rewish.installation);
    update_conflicts(*rewish.installation);
  }
  book.plan_hash.clear();
  if (const auto rollout = current_rollout(name); !rollout.empty()) stale.rollouts.insert(rollout);
  plan_rollout(name);
  stale.deployment_status.insert(name);
}

// Pairs that came, went or changed have to be decided again.
void Planner::State::replace_claims(const std::string& deployment, const Expansion& expansion) {
  std::set<std::string> changed;
  const auto old = expansions.find(deployment);
  if (old != expansions.end()) {
    for (const auto& [installation, wish] : old->second.wishes) {
      const auto now = expansion.wishes.find(installation);
      if (now == wish) continue;
      changed.insert(installation);
      if (now) continue;
      drop_claim(installation, deployment);
      counts[deployment].conflicts.erase(installation);
    }
  }
  for (const auto& [installation, wish] : expansion.wishes) {
    if (add_claim(installation, deployment)) changed.insert(installation);
  }
  for (const auto& installation : changed) {
    stale.installations.insert(installation);
    update_conflicts(installation);
  }
}

bool Planner::State::add_claim(const std::string& installation, const std::string& deployment) {
  auto& claimer = pairs[installation].claimer;
  if (claimer == nullptr) {
    claimer = &*deployment_names.insert(deployment).first;
    return true;
  }
  if (*claimer == deployment) return false;
  auto& all = claims[installation];
  all.insert(*claimer);
  return all.insert(deployment).second;
}

void Planner::State::drop_claim(const std::string& installation, const std::string& deployment) {
  auto& claimer = pairs.at(installation).claimer;
  const auto several = claims.find(installation);
  if (several == claims.end()) {
    claimer = nullptr;
    return;
  }
  several->second.erase(deployment);
  claimer = &*deployment_names.insert(*several->second.begin()).first;
  if (several->second.size() == 1) claims.erase(several);
}

std::set<std::string> Planner::State::claimers_of(const std::string& installation) const {
  const auto several = claims.find(installation);
  if (several != claims.end()) return several->second;
  const auto pair = pairs.find(installation);
  if (pair == pairs.end() || pair->second.claimer == nullptr) return {};
  return {*pair->second.claimer};
}

// The one that keeps the pair.
const api::TenantDeployment* Planner::State::owner_of(const std::set<std::string>& claimers) const {
  const api::TenantDeployment* owner = nullptr;
  for (const auto& name : claimers) {
    const auto* deployment = find(facts.deployments, name);
    if (deployment != nullptr && (owner == nullptr || claims_before(*deployment, *owner)))
      owner = deployment;
  }
  return owner;
}

// That of the deployment whose pair it is; null = nobody wishes for it.
const Expansion* Planner::State::expansion_of(const std::string& installation) const {
  const auto several = claims.find(installation);
  std::string owner;
  if (several != claims.end()) {
    const auto* object = owner_of(several->second);
    if (object != nullptr) owner = object->metadata.name;
  } else {
    const auto pair = pairs.find(installation);
    if (pair == pairs.end() || pair->second.claimer == nullptr) return nullptr;
    owner = *pair->second.claimer;
    if (find(facts.deployments, owner) == nullptr) return nullptr;
  }
  const auto expansion = expansions.find(owner);
  return expansion == expansions.end() ? nullptr : &expansion->second;
}

std::optional<Wish> Planner::State::wish_of(const std::string& installation) const {
  const auto* expansion = expansion_of(installation);
  return expansion == nullptr ? std::nullopt : expansion->wishes.find(installation);
}

void Planner::State::update_conflicts(const std::string& installation) {
  const auto claimers = claimers_of(installation);
  const auto* owner = owner_of(claimers);
  for (const auto& name : claimers) {
    auto& conflicts = counts[name].conflicts;
    if (owner == nullptr || owner->metadata.name == name) {
      conflicts.erase(installation);
    } else {
      conflicts[installation] = owner->metadata.name;
    }
    stale.deployment_status.insert(name);
  }
}

void Planner::State::plan_rollout(const std::string& deployment) {
  new_rollouts.erase(deployment);
  const auto& expansion = expansions.at(deployment);
  if (expansion.main.digest.empty() || expansion.wishes.empty()) return;
  const auto& object = *facts.deployments.at(deployment);
  const std::string name = rollout_name(deployment, expansion.main.digest);
  if (find(facts.rollouts, name) != nullptr) return;
  api::Rollout rollout;
  rollout.metadata.name = name;
  rollout.metadata.ns = object.metadata.ns;
  rollout.metadata.labels = pair_labels(object.spec.project_ref.name,
                                        object.spec.environment_ref.name, "", "", deployment);
  rollout.metadata.owner_references = {
      {api::kApiVersion, "TenantDeployment", deployment, object.metadata.uid, true, false}};
  rollout.spec.tenant_deployment_ref.name = deployment;
  rollout.spec.version = expansion.main.version;
  rollout.spec.digest = expansion.main.digest;
  rollout.spec.strategy = object.spec.rollout;
  rollout.spec.priority = object.spec.priority;
  new_rollouts.emplace(deployment, CreateRollout{std::move(rollout)});
}

void Planner::State::decide_pairs(TimePoint now) {
  for (const auto& name : decide_again.take_due(now)) stale.installations.insert(name);
  const auto names = std::move(stale.installations);
  stale.installations.clear();
  for (const auto& name : names) decide_pair(name, now);
}

void Planner::State::decide_pair(const std::string& installation, TimePoint now) {
  ++looks.pairs;
  const auto wished = wish_of(installation);
  const Wish* wish = wished ? &*wished : nullptr;
  const auto* object = find(facts.installations, installation);
  const Attempts attempts = facts.attempts_of(installation);
  if (wish == nullptr && object == nullptr && attempts.empty()) {
    count_pair(installation, {});
    note_removal(installation, "", false);
    strays.put(installation, nullptr);
    note_effects(installation, {});
    taskless.erase_key(installation);
    const auto place = pairs.find(installation);
    if (place != pairs.end()) place->second.decision = {};
    if (place != pairs.end() && place->second.claimer == nullptr) pairs.erase(place);
    decide_again.set(installation, kNever);
    return;
  }
  // Where a hold takes a pair back, no wave stands in the way.
  const WaveOpening* opening = wish != nullptr && wish->hold.empty() ? opening_of(*wish) : nullptr;
  TimePoint due = kNever;
  WaveOpening guard;
  if (wish != nullptr && wish->hold.empty() && (opening == nullptr || opening->open)) {
    guard.blocked = promotion_gate(*wish, now, due);
    if (guard.blocked) opening = &guard;
  }
  const std::string owner = object == nullptr ? "" : object->spec.tenant_deployment;
  if (wish == nullptr) {
    const auto found = removal_guards.find(owner);
    if (found != removal_guards.end()) opening = &found->second;
  }
  Decision decision = decide(facts, installation, wish, opening, now);
  note_removal(installation, owner,
               wish == nullptr && object != nullptr && decision.action == api::Action::Remove && !is_removed(attempts));
  const bool stray = !owner.empty() && (wish == nullptr || wish->deployment != owner);
  strays.put(installation, stray ? &owner : nullptr);
  cancel_outside_window(decision);
  note_effects(installation, decision);
  due = std::min(due, decision.due);
  for (const auto& [attempt, task] : attempts) {
    if (!api::is_terminal(task->status.phase))
      due = std::min(due, update_request(*task, wish, decision, now));
  }
  stale.installation_status.insert(installation);
  PairPlace place;
  if (wish != nullptr) {
    const auto progress = pair_progress(facts, *wish, object, decision, now);
    due = std::min(due, progress.due);
    place = {&*deployment_names.insert(wish->deployment).first,
             pair_state(*wish, progress.progress, decision, find(facts.tasks, decision.task)),
             wish->wave, progress.progress, progress.moving, false, {}};
    const auto gate = gates.find(decision.task);
    place.windowed = gate != gates.end() && gate->second.kind == "Window";
    const auto& strategy = strategy_of(facts, wish->rollout, wish->deployment);
    if (progress.progress == Progress::Succeeded && waits_after_success(strategy, wish->wave))
      place.succeeded_at = progress.succeeded_at;
  }
  decide_again.set(installation, due);
  const auto kept = pairs.try_emplace(installation).first;
  if (decision.blocked) {
    taskless.insert(&kept->first);
  } else {
    taskless.erase_key(installation);
  }
  kept->second.decision.keep(std::move(decision), object, recent);
  count_pair(installation, place);
}

void Planner::State::note_effects(const std::string& installation, const Decision& decision) {
  const auto ends = std::count_if(decision.effects.begin(), decision.effects.end(), is_end);
  const auto note = [&](std::set<std::string>& names, bool any) {
    if (any) {
      names.insert(installation);
    } else {
      names.erase(installation);
    }
  };
  note(ending, ends > 0);
  note(acting, decision.effects.size() > static_cast<std::size_t>(ends));
}

// A window that closes may ask running tasks to stop at their next step.
void Planner::State::cancel_outside_window(Decision& decision) {
  const auto* task = find(facts.tasks, decision.task);
  if (task == nullptr || !task->status.grant || task->spec.cancel) return;
  const auto verdict = window_verdict(*task);
  if (!verdict.cancel_in_flight || !decision.ending.insert(task->metadata.name).second) return;
  decision.effects.push_back(
      CancelTask{task->metadata.name, task->metadata.resource_version,
                 api::TaskCancel{api::CancelMode::StepBoundary, "WindowClosed", verdict.message}});
}

void Planner::State::count_pair(const std::string& installation, const PairPlace& place) {
  const auto found = pairs.find(installation);
  if (found == pairs.end()) return;
  PairPlace& old = found->second.place;
  if (old == place) return;
  const auto add = [&](const PairPlace& at, int sign) {
    if (at.deployment == nullptr || (sign < 0 && counts.count(*at.deployment) == 0)) return;
    auto& all = counts[*at.deployment];
    all.desired += sign;
    // How many may be removed is a share of all.
    if (!removals.of(*at.deployment).empty()) guards_to_check.insert(*at.deployment);
    all.states[at.state] += sign;
    if (at.state == PairState::Failed && sign > 0) all.failed.insert(installation);
    if (at.state == PairState::Failed && sign < 0) all.failed.erase(installation);
    if (at.progress == Progress::Unreachable && sign > 0) all.unreachable.insert(installation);
    if (at.progress == Progress::Unreachable && sign < 0) all.unreachable.erase(installation);
    stale.deployment_status.insert(*at.deployment);
    auto& book = books[*at.deployment];
    if (at.moving) book.held_moving += sign;
    if (at.windowed) book.windowed += sign;
    if (const auto& rollout = current_rollout(*at.deployment); !rollout.empty()) stale.rollouts.insert(rollout);
    if (at.wave < 0) return;
    const auto wave = static_cast<std::size_t>(at.wave);
    if (book.waves.size() <= wave) book.waves.resize(wave + 1);
    book.waves[wave].by[static_cast<std::size_t>(at.progress)] += sign;
    if (at.succeeded_at == TimePoint{}) return;
    if (book.successes.size() <= wave) book.successes.resize(wave + 1);
    auto& successes = book.successes[wave];
    const auto success = successes.try_emplace(at.succeeded_at).first;
    success->second += sign;
    if (success->second == 0) successes.erase(success);
    book.waves[wave].last_success = successes.empty() ? TimePoint{} : successes.rbegin()->first;
  };
  add(old, -1);
  old = place;
  add(place, +1);
}

}  // namespace tidelock::planner
