// SPDX-License-Identifier: Apache-2.0
// Where a pair stands in its rollout (semantics.md §4): what counts as success, failure and absence.
#include <algorithm>

#include "controller/planner/decision.h"
#include "controller/planner/task_state.h"

namespace tidelock::planner {
namespace {

using api::DeploymentTask;

// The task that brought the release: only what is said of it counts (an older release's health does not).
const DeploymentTask* task_of(const Facts& facts, const api::Installation& installation, int attempt) {
  const auto* task = facts.attempts_of(installation.metadata.name).find(attempt);
  return task != nullptr && task->spec.installation_uid == installation.metadata.uid ? task : nullptr;
}

// Since when nobody serves its target; nothing while somebody does.
std::optional<TimePoint> away_since(const Facts& facts, const Wish& wish, TimePoint begin) {
  const auto* target = find(facts.targets, wish.target);
  if (target == nullptr) return std::nullopt;
  const auto* ready = api::find_condition(target->status.conditions, "Ready");
  if (ready == nullptr) return begin;
  if (ready->status) return std::nullopt;
  return std::max(begin, ready->last_transition_time);
}

class Standing {
 public:
  Standing(const Facts& facts, const Wish& wish, const api::Installation* installation,
           const Decision& decision, TimePoint now)
      : facts_(facts), wish_(wish), installation_(installation), decision_(decision), now_(now) {
    if (const auto* rollout = find(facts.rollouts, wish.rollout)) {
      strategy_ = &rollout->spec.strategy;
      begin_ = rollout->status.started_at.value_or(now);
    }
  }

  PairProgress find_out() {
    const auto* task = find(facts_.tasks, decision_.task);
    if (!wish_.hold.empty()) {
      out_.moving = !decision_.task.empty() || decision_.settling ||
                    (decision_.action != api::Action::None && !decision_.stalled);
      return is(Progress::Held);
    }
    if (is_installed()) return installed();
    // What still runs of another release is not this rollout's.
    if (task != nullptr && task->status.grant && task->spec.digest == wish_.choice.digest) {
      return is(decision_.overdue && decision_.last_try ? Progress::Failed : Progress::Updating);
    }
    if (decision_.action == api::Action::Blocked && task == nullptr) return is(Progress::Refused);
    if (decision_.stalled && task == nullptr) return is(Progress::Failed);
    return waiting();
  }

 private:
  PairProgress is(Progress progress) {
    out_.progress = progress;
    return out_;
  }

  bool is_installed() const {
    return installation_ != nullptr && !wish_.choice.digest.empty() &&
           installation_->spec.digest == wish_.choice.digest &&
           decision_.base.actual_digest == wish_.choice.digest && decision_.task.empty();
  }

  PairProgress installed() {
    const auto* success = last_success(decision_.base, wish_.choice.digest);
    if (success == nullptr || success->finished_at < begin_) return is(Progress::Settled);
    const auto* task = task_of(facts_, *installation_, success->attempt);
    TimePoint since = success->finished_at;
    if (task != nullptr && task->spec.health_check) {
      const auto& health = task->status.health;
      if (!health) return is(Progress::Verifying);
      if (!health->healthy) return is(Progress::Failed);
      since = std::max(since, health->since);
    }
    out_.succeeded_at = since + min_healthy();
    if (now_ >= out_.succeeded_at) return is(Progress::Succeeded);
    out_.due = out_.succeeded_at;
    return is(Progress::Verifying);
  }

  Duration min_healthy() const {
    if (strategy_ == nullptr) return {};
    const auto general = strategy_->min_healthy.value_or(Duration{});
    const auto index = static_cast<std::size_t>(std::max(wish_.wave, 0));
    return index < strategy_->waves.size() ? strategy_->waves[index].min_healthy.value_or(general) : general;
  }

  // Not a member: it came after its wave had begun, and new ones are for the next rollout.
  bool is_latecomer() const {
    if (strategy_ == nullptr || strategy_->membership.added != api::MembersAdded::NextRollout) return false;
    const auto& waves = find(facts_.rollouts, wish_.rollout)->status.waves;
    const auto index = static_cast<std::size_t>(std::max(wish_.wave, 0));
    return index < waves.size() && waves[index].started_at && installation_ != nullptr &&
           installation_->metadata.creation_timestamp.value_or(TimePoint{}) > *waves[index].started_at;
  }

  PairProgress waiting() {
    if (is_latecomer()) return is(Progress::Held);
    if (strategy_ == nullptr || strategy_->unreachable.policy == api::UnreachablePolicy::Wait)
      return is(Progress::Waiting);
    const auto away = away_since(facts_, wish_, begin_);
    if (!away) return is(Progress::Waiting);
    const TimePoint until = *away + strategy_->unreachable.after;
    if (now_ < until) {
      out_.due = until;
      return is(Progress::Waiting);
    }
    const bool skip = strategy_->unreachable.policy == api::UnreachablePolicy::Skip;
    return is(skip ? Progress::Unreachable : Progress::Failed);
  }

  const Facts& facts_;
  const Wish& wish_;
  const api::Installation* installation_;
  const Decision& decision_;
  const TimePoint now_;
  const api::RolloutStrategy* strategy_ = nullptr;
  TimePoint begin_;
  PairProgress out_;
};

}  // namespace

const api::HistoryEntry* last_success(const api::InstallationStatus& status, const std::string& digest) {
  for (const auto& entry : status.history) {
    if (entry.phase == "Succeeded" && entry.digest == digest) return &entry;
  }
  return nullptr;
}

PairProgress pair_progress(const Facts& facts, const Wish& wish, const api::Installation* installation,
                           const Decision& decision, TimePoint now) {
  return Standing(facts, wish, installation, decision, now).find_out();
}

}  // namespace tidelock::planner
