// SPDX-License-Identifier: Apache-2.0
// What one pair needs now: its Installation object, its task, and why there is none. Pure; locks
// and budgets come later (admission.h).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/planner/expansion.h"
#include "controller/planner/facts.h"
#include "controller/planner/waves.h"

namespace tidelock::planner {

struct Decision {
  std::vector<Effect> effects;
  std::set<std::string> ending;  // unfinished tasks that are asked to end: no grants for them
  api::InstallationStatus base;  // the known status, with the results of finished tasks
  api::Action action = api::Action::None;
  std::string digest;  // what the pair is to have; empty = nothing, or not known
  std::string task;    // the unfinished task that stands for the pair; empty = none
  std::string queued;  // another one that follows when that is done; empty = none
  std::optional<api::BlockedBy> blocked;  // why no task is made
  bool stalled = false;         // nothing happens until a person or a new release changes something
  std::string reason, message;  // of stalled
  enum class Health { Fine, Unknown, Bad } health = Health::Fine;  // of what is installed as wished
  std::string drift;         // reason: Reported, Correcting, CorrectionLimit; empty = as it was installed
  std::string drift_message;
  bool overdue = false;         // the running task has had its time and nobody said that it is over
  bool last_try = false;        // with overdue: no other attempt follows
  bool settling = false;        // the object itself is about to change; its status can wait
  TimePoint due = kNever;       // decide again then

  // Whether there is nothing in it but `base` and the digest that is installed. A new field belongs here.
  bool rests() const {
    return effects.empty() && ending.empty() && action == api::Action::None && digest == base.actual_digest &&
           task.empty() && queued.empty() && !blocked && !stalled && reason.empty() && message.empty() &&
           health == Health::Fine && drift.empty() && drift_message.empty() && !overdue && !last_try && !settling &&
           due == kNever;
  }
  // Whether nothing tells them apart but `base`, and there are no effects. A new field belongs here, too.
  bool same_rest(const Decision& other) const {
    return effects.empty() && other.effects.empty() && ending.empty() && other.ending.empty() &&
           action == other.action && digest == other.digest && task == other.task && queued == other.queued &&
           blocked == other.blocked && stalled == other.stalled && reason == other.reason &&
           message == other.message && health == other.health && drift == other.drift &&
           drift_message == other.drift_message && overdue == other.overdue && last_try == other.last_try &&
           settling == other.settling && due == other.due;
  }
};

// `wish` is null when nobody wants the pair any more; `opening` is that of its wave, null when none
// applies.
Decision decide(const Facts& facts, const std::string& installation, const Wish* wish,
                const WaveOpening* opening, TimePoint now);

// The newest success of the release in the history; null = none.
const api::HistoryEntry* last_success(const api::InstallationStatus& status, const std::string& digest);

// Where a pair stands in its rollout, and until when that is so if nothing happens.
struct PairProgress {
  Progress progress = Progress::Waiting;
  bool moving = false;     // held, and not yet where the hold wants it
  TimePoint succeeded_at;  // of Succeeded
  TimePoint due = kNever;
};
PairProgress pair_progress(const Facts& facts, const Wish& wish, const api::Installation* installation,
                           const Decision& decision, TimePoint now);

// The status with the results of `attempts` in it; idempotent.
api::InstallationStatus absorb(const api::Installation& installation,
                               const Attempts& attempts);

}  // namespace tidelock::planner
