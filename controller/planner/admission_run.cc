// SPDX-License-Identifier: Apache-2.0
// The decisions of Admission; the rules are told in admission.h.
#include <algorithm>

#include "controller/base/invariant.h"
#include "controller/base/plant.h"
#include "controller/planner/admission_state.h"

namespace tidelock::planner {

// The first lock that `entry` cannot have, or nothing. Held locks come before queued ones, since a
// holder explains more than a place in a line.
LockObstacle Admission::State::lock_obstacle(Entry& entry) {
  if (entry.memo_version == version) return entry.memo;
  const std::uint64_t at = version;
  entry.memo = find_lock_obstacle(entry);
  entry.memo_version = at;
  return entry.memo;
}

LockObstacle Admission::State::find_lock_obstacle(Entry& entry) {
  for (const auto& need : entry.needs) {
    if (!need.lock->holders.fits(need.lock->rules, entry.request.task, need.demand)) {
      return {&need, nullptr};
    }
  }
  for (const auto& need : entry.needs) {
    if (auto* waiter = waiter_in_the_way(need, entry)) return {&need, waiter};
  }
  return {};
}

Entry* Admission::State::waiter_in_the_way(const Need& need, const Entry& candidate) {
  LockNode& lock = *need.lock;
  // Nobody in the line can be hurt: the common case, without a walk.
  if (need.demand.mode == api::LockMode::Shared && lock.exclusive_waiters == 0) {
    const LockDemand largest{api::LockMode::Shared, lock.units.empty() ? 0 : *lock.units.rbegin()};
    if (fit_together(lock.rules, lock.holders.units(), need.demand, largest)) return nullptr;
  }
  return lock.queue.first_before(candidate, [&](Entry& waiter) {
    if (fit_together(lock.rules, lock.holders.units(), need.demand, need_of(waiter, lock).demand)) {
      return false;
    }
    if (!blocks_others(waiter)) return false;
    const auto passed = waiter.passed.find(lock.instance);
    return (passed == waiter.passed.end() ? 0 : passed->second) >= lock.rules.max_bypass;
  });
}

// Unstarted waiters that lack only a slot reserve nothing; all other waiters do.
bool Admission::State::blocks_others(Entry& waiter) {
  const auto obstacle = lock_obstacle(waiter);
  // Now that somebody relies on it, the end of its wait for a lock has to be noticed.
  if (obstacle.need != nullptr && waiter.filed_counter != nullptr) {
    file(waiter, obstacle.need->lock, nullptr);
  }
  return waiter.request.started || obstacle.need != nullptr;
}

Counter* Admission::State::slot_obstacle(Entry& entry) {
  if (!entry.request.started && entry.window != nullptr && entry.window->full())
    return entry.window;
  if (entry.has_slot) return nullptr;
  for (auto* budget : entry.budgets) {
    if (TIDELOCK_PLANT(IgnoreBudget)) continue;
    if (budget->full()) {
      if (!entry.request.started || boundary_victim(*budget, entry) == nullptr) return budget;
    } else if (reserved(*budget, entry)) {
      return budget;
    }
  }
  return nullptr;
}

// Whether an earlier started task, which lacks only slots, would lose the one it can have here.
bool Admission::State::reserved(Counter& counter, const Entry& candidate) {
  if (!counter.max || counter.used + 1 < *counter.max) return false;
  const std::vector<Entry*> waiters(counter.starved.begin(), counter.starved.end());
  for (auto* waiter : waiters) {
    if (!before(*waiter, candidate)) continue;
    const auto obstacle = lock_obstacle(*waiter);
    if (obstacle.need == nullptr) return true;
    file(*waiter, obstacle.need->lock, nullptr);
  }
  return false;
}

// The last task at a step boundary that stands after `candidate` and whose slot would do.
Entry* Admission::State::boundary_victim(const Counter& counter, const Entry& candidate) {
  if (counter.at_boundary.empty() || counter.used > *counter.max) return nullptr;
  Entry* last = counter.at_boundary.last();
  return before(candidate, *last) ? last : nullptr;
}

// Who gives up a slot for `entry`. Each that goes may change the shares, so all are chosen before.
std::vector<std::pair<Counter*, Entry*>> Admission::State::victims_of(const Entry& entry) {
  std::vector<std::pair<Counter*, Entry*>> victims;
  for (auto* budget : entry.budgets) {
    if (!entry.has_slot && budget->full())
      victims.emplace_back(budget, boundary_victim(*budget, entry));
  }
  return victims;
}

// A started waiter whose lock was just taken keeps no slot from others any more.
void Admission::State::recheck_starved() {
  for (auto* waiter : starved) {
    if (lock_obstacle(*waiter).need != nullptr) work.insert(*waiter);
  }
}

// Somebody came to his share, or fell below it. That lets a task go which stood behind another at a
// lock or in front of a slot, and puts another in front of where somebody was woken.
void Admission::State::wake_reordered() {
  if (!reordered) return;
  reordered = false;
  for (auto* lock : open) {
    wake(*lock);
    touched.insert(lock);
  }
  const std::set<Counter*> counters = woken;
  for (auto* counter : counters) wake(*counter);
  for (auto* waiter : starved) {
    for (auto* budget : waiter->budgets) wake(*budget);
  }
}

void Admission::State::look_at(Entry& entry) {
  INVARIANT(entry.request.waiting && !entry.tentative);
  LockNode* const lock = entry.filed_lock;
  Counter* const counter = entry.filed_counter;
  const auto obstacle = lock_obstacle(entry);
  if (obstacle.need != nullptr) {
    file(entry, obstacle.need->lock, nullptr);
    if (entry.has_slot && !TIDELOCK_PLANT(CountParkedTask)) give_up_slot(entry);
  } else if (auto* missing = slot_obstacle(entry)) {
    file(entry, nullptr, missing);
  } else {
    grant(entry);
  }
  look_at_next(entry, lock, counter);
}

// Goes on with the next in the line where `entry` stood, unless all who follow must fail as it did.
void Admission::State::look_at_next(Entry& entry, LockNode* lock, Counter* counter) {
  if (lock != nullptr) {
    const auto& rules = lock->rules;
    const bool stays = entry.filed_lock == lock && rules.max_bypass == 0 &&
                       (entry.memo.waiter == nullptr || rules.capacity == 1 ||
                        entry.memo.need->demand.mode == api::LockMode::Exclusive);
    if (TIDELOCK_PLANT(LoseLockWakeUp)) return;
    // A grant may have put its rollout, and with it the entry, behind those who follow.
    auto* next = entry.filed_lock == lock ? lock->filed.after(entry) : lock->filed.first();
    if (!stays && next != nullptr) work.insert(*next);
  }
  if (counter != nullptr && entry.filed_counter != counter) {
    // If that one has to stay, so have all behind it.
    woken.insert(counter);
    auto& line = entry.request.started ? counter->filed_started : counter->filed_unstarted;
    if (auto* next = line.first()) work.insert(*next);
  }
}

void Admission::State::file(Entry& entry, LockNode* lock, Counter* counter) {
  const bool reserved_before = entry.filed_lock != nullptr;
  const bool moved = entry.filed_lock != lock || entry.filed_counter != counter;
  if (!moved) return;
  unfile(entry);
  entry.filed_lock = lock;
  entry.filed_counter = counter;
  changed.insert(entry.request.task);
  if (lock != nullptr) {
    lock->filed.insert(entry);
    watch(*lock);
    return;
  }
  if (entry.request.started) {
    counter->filed_started.insert(entry);
    entry.starved = true;
    starved.insert(&entry);
    for (auto* budget : entry.budgets) budget->starved.insert(&entry);
  } else {
    counter->filed_unstarted.insert(entry);
    if (reserved_before) wake_locks(entry);
  }
}

void Admission::State::grant(Entry& entry) {
  count_passes(entry);
  const auto victims = victims_of(entry);
  dequeue(entry);
  for (auto [budget, victim] : victims) {
    if (budget->full()) give_up_slot(*victim);
  }
  for (auto* budget : entry.budgets) {
    --budget->waiting;
    budget->at_boundary.erase(entry);
  }
  if (!entry.has_slot) take_slots(entry);
  if (entry.window != nullptr && !entry.in_window) {
    entry.in_window = true;
    ++entry.window->used;
  }
  const auto needs = std::move(entry.needs);
  entry.needs.clear();
  for (const auto& need : needs) {
    if (need.lock->holders.all().count(entry.request.task) == 0) {
      hold(entry, *need.lock, {need.demand, now, need.step});
    }
  }
  entry.tentative = true;
  parked.erase(entry.request.task);
  granted.push_back(entry.request.task);
  changed.insert(entry.request.task);
}

// Remembers whom this grant passes, where a lock allows that only so often.
void Admission::State::count_passes(const Entry& entry) {
  std::vector<int*> counts;  // raised together, since each may change who is in the way
  for (const auto& need : entry.needs) {
    LockNode& lock = *need.lock;
    if (lock.rules.max_bypass == 0) continue;
    for (auto* waiter = lock.queue.first(); waiter != nullptr && before(*waiter, entry);
         waiter = lock.queue.after(*waiter)) {
      const auto& wanted = need_of(*waiter, lock).demand;
      if (fit_together(lock.rules, lock.holders.units(), need.demand, wanted)) continue;
      if (blocks_others(*waiter)) counts.push_back(&waiter->passed[lock.instance]);
    }
  }
  for (auto* count : counts) ++*count;
}

void Admission::State::give_up_slot(Entry& entry) {
  release_slots(entry);
  parked.insert(entry.request.task);
  changed.insert(entry.request.task);
}

// ---- effective priority ----------------------------------------------------------------------

// A started task that waits has the priority of whoever waits for what it holds.
int Admission::State::inherited_priority(const Entry& entry) {
  int priority = entry.request.priority;
  for (const auto* lock : entry.held) {
    if (lock->priorities.empty() || *lock->priorities.rbegin() <= priority) continue;
    for (const auto* waiter = lock->queue.first(); waiter != nullptr;
         waiter = lock->queue.after(*waiter)) {
      if (waiter == &entry || waiter->request.priority <= priority) continue;
      const auto& demand = need_of(*waiter, *lock).demand;
      if (!lock->holders.fits(lock->rules, waiter->request.task, demand)) {
        priority = waiter->request.priority;
      }
    }
  }
  return priority;
}

bool Admission::State::inherit_priorities() {
  std::map<std::string, Entry*> holders;
  for (const auto* lock : contended) {
    for (const auto& [task, hold] : lock->holders.all()) {
      Entry* entry = entries.at(task).get();
      if (entry->request.waiting && !entry->tentative) holders.emplace(task, entry);
    }
  }
  contended.clear();
  for (auto& [task, entry] : holders) {
    const int priority = inherited_priority(*entry);
    if (priority != entry->key.priority) rekey(*entry, priority);
  }
  return !work.empty() || reordered;
}

void Admission::State::rekey(Entry& entry, int priority) {
  const bool at_boundary = entry.has_slot;
  dequeue(entry);
  wake_locks(entry);
  for (auto* budget : entry.budgets) budget->at_boundary.erase(entry);
  leave_group(entry);
  entry.key.priority = priority;
  join_group(entry);
  enqueue(entry);
  for (auto* budget : entry.budgets) {
    if (at_boundary) budget->at_boundary.insert(entry);
  }
}

}  // namespace tidelock::planner
