// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/admission.h"

#include <algorithm>
#include <tuple>

#include "controller/base/invariant.h"
#include "controller/base/limits.h"
#include "controller/planner/admission_state.h"

namespace tidelock::planner {

Counter& counter_in(std::map<std::string, std::unique_ptr<Counter>>& counters,
                    const std::string& name) {
  auto& counter = counters[name];
  if (!counter) {
    counter = std::make_unique<Counter>();
    counter->name = name;
  }
  return *counter;
}

namespace {

Duration::rep period_of(TimePoint time) { return time.time_since_epoch() / limits::kLearnedOrderPeriod; }

void merge(LockDemand& kept, const LockDemand& other) {
  if (other.mode == api::LockMode::Exclusive) kept.mode = other.mode;
  kept.units = std::max(kept.units, other.units);
  kept.intent = kept.intent && other.intent;
}

}  // namespace

bool OrderKey::operator<(const OrderKey& other) const {
  // Who asks for the learned order is put back by it for one period at most, and puts back nobody who
  // does not: zero comes first.
  const auto period = work == other.work ? Duration::rep{} : period_of(requested_at);
  const auto other_period = work == other.work ? Duration::rep{} : period_of(other.requested_at);
  return std::tie(other.priority, other.started, wave, period, work, requested_at, rank, task) <
         std::tie(priority, started, other.wave, other_period, other.work, other.requested_at, other.rank,
                  other.task);
}

const Need& need_of(const Entry& entry, const LockNode& lock) {
  for (const auto& need : entry.needs) {
    if (need.lock == &lock) return need;
  }
  INVARIANT(false);
  return entry.needs.front();
}

// ---- the tables ------------------------------------------------------------------------------

LockNode& Admission::State::lock(const std::string& instance) {
  auto& node = locks[instance];
  if (!node) {
    node = std::make_unique<LockNode>();
    node->instance = instance;
    node->rules = rules_of(instance);
    if (!node->rules.group.empty()) instances[node->rules.group].insert(instance);
  }
  return *node;
}

// Something about who holds or wants the lock changed.
void Admission::State::note(LockNode& lock) {
  ++version;
  contended.insert(&lock);
  touched.insert(&lock);
  maybe_idle.insert(&lock);
  watch(lock);
}

void Admission::State::wake(LockNode& lock) {
  if (auto* first = lock.filed.first()) work.insert(*first);
}

void Admission::State::wake(Counter& counter) {
  wake_started(counter);
  if (auto* first = counter.filed_unstarted.first()) work.insert(*first);
}

void Admission::State::wake_started(Counter& counter) {
  woken.insert(&counter);
  if (auto* first = counter.filed_started.first()) work.insert(*first);
}

// Whom the entry held back as an earlier waiter.
void Admission::State::wake_locks(const Entry& entry) {
  for (const auto& need : entry.needs) wake(*need.lock);
}

void Admission::State::hold(Entry& entry, LockNode& lock, const LockHold& hold) {
  lock.holders.add(entry.request.task, hold);
  entry.held.push_back(&lock);
  note(lock);
}

void Admission::State::enqueue(Entry& entry) {
  for (const auto& need : entry.needs) {
    LockNode& lock = *need.lock;
    lock.queue.insert(entry);
    lock.priorities.insert(entry.request.priority);
    if (need.demand.mode == api::LockMode::Exclusive) {
      ++lock.exclusive_waiters;
    } else {
      lock.units.insert(need.demand.units);
    }
    note(lock);
  }
  work.insert(entry);
  entry.queued = true;
  count_share(entry);
}

void Admission::State::dequeue(Entry& entry) {
  Counter* const counter = entry.filed_counter;
  unfile(entry);
  // It was to be looked at for those behind it as well.
  if (work.erase(entry) && counter != nullptr) wake(*counter);
  for (const auto& need : entry.needs) {
    LockNode& lock = *need.lock;
    lock.queue.erase(entry);
    lock.priorities.erase(lock.priorities.find(entry.request.priority));
    if (need.demand.mode == api::LockMode::Exclusive) {
      --lock.exclusive_waiters;
    } else {
      lock.units.erase(lock.units.find(need.demand.units));
    }
    note(lock);
  }
  entry.queued = false;
  count_share(entry);
}

void Admission::State::unfile(Entry& entry) {
  if (entry.filed_lock != nullptr) {
    entry.filed_lock->filed.erase(entry);
    watch(*entry.filed_lock);
  }
  if (entry.filed_counter != nullptr) {
    entry.filed_counter->filed_started.erase(entry);
    entry.filed_counter->filed_unstarted.erase(entry);
  }
  if (entry.starved) {
    starved.erase(&entry);
    for (auto* budget : entry.budgets) {
      budget->starved.erase(&entry);
      wake(*budget);
    }
  }
  entry.filed_lock = nullptr;
  entry.filed_counter = nullptr;
  entry.starved = false;
}

void Admission::State::take_slots(Entry& entry) {
  entry.has_slot = true;
  for (std::size_t i = 0; i < entry.budgets.size(); ++i) {
    Counter& budget = *entry.budgets[i];
    ++budget.used;
    changed_budgets.insert(budget.name);
    if (budget.shares.use(*entry.stakes[i], 1)) reorder();
  }
  count_share(entry);
}

void Admission::State::release_slots(Entry& entry) {
  entry.has_slot = false;
  for (std::size_t i = 0; i < entry.budgets.size(); ++i) {
    Counter& budget = *entry.budgets[i];
    --budget.used;
    changed_budgets.insert(budget.name);
    budget.at_boundary.erase(entry);
    if (budget.shares.use(*entry.stakes[i], -1)) reorder();
    wake(budget);
  }
  count_share(entry);
}

// ---- shares ----------------------------------------------------------------------------------

void Admission::State::join_group(Entry& entry) {
  const GroupKey key{entry.request.rollout, entry.key.priority, entry.key.started, entry.budgets};
  Group& group = groups[key];
  entry.group = &group;
  if (group.entries++ != 0) return;
  for (std::size_t i = 0; i < entry.budgets.size(); ++i) {
    group.parts.push_back({entry.stakes[i], &entry.budgets[i]->shares.contest(entry.key.priority)});
  }
}

void Admission::State::leave_group(Entry& entry) {
  if (entry.group == nullptr) return;
  const bool last = --entry.group->entries == 0;
  entry.group = nullptr;
  if (last)
    groups.erase({entry.request.rollout, entry.key.priority, entry.key.started, entry.budgets});
}

void Admission::State::leave_budgets(Entry& entry) {
  for (std::size_t i = 0; i < entry.budgets.size(); ++i)
    entry.budgets[i]->shares.leave(*entry.stakes[i]);
}

// Whoever has a slot already waits for no share of anything.
void Admission::State::count_share(Entry& entry) {
  const bool counts = entry.queued && !entry.has_slot;
  if (counts == entry.counted) return;
  entry.counted = counts;
  for (std::size_t i = 0; i < entry.budgets.size(); ++i) {
    if (entry.budgets[i]->shares.wait(*entry.stakes[i], entry.key.priority, counts ? 1 : -1))
      reorder();
  }
}

void Admission::State::reorder() {
  ++version;
  reordered = true;
}

// Whether another order may let a task go that waits at the lock: not where the holders leave
// nothing.
void Admission::State::watch(LockNode& lock) {
  const bool whole = lock.holders.exclusive() ||
                     (lock.rules.capacity && lock.holders.units() >= *lock.rules.capacity);
  if (!whole && !lock.filed.empty() && lock.queue.groups() > 1) {
    open.insert(&lock);
  } else {
    open.erase(&lock);
  }
}

// ---- entries ---------------------------------------------------------------------------------

void Admission::State::attach(Entry& entry) {
  const Request& request = entry.request;
  entry.key = {request.priority, request.started, request.wave, request.requested_at,
               request.work,     request.rank,    request.task};
  std::map<std::string, LockHold> holds;
  for (const auto& held : request.holds) {
    for (const auto& part : parts_of(held.lock)) {
      const auto [place, added] =
          holds.emplace(part.instance, LockHold{part.demand, held.since, held.step});
      if (!added) merge(place->second.demand, part.demand);
    }
  }
  for (const auto& [instance, held] : holds) hold(entry, lock(instance), held);
  for (const auto& name : request.budgets) {
    entry.budgets.push_back(&counter_in(budgets, name));
    entry.stakes.push_back(&entry.budgets.back()->shares.join(request.rollout));
  }
  if (!request.window.empty()) entry.window = &counter_in(windows, request.window);
  if (entry.window != nullptr && request.started) {
    entry.in_window = true;
    ++entry.window->used;
  }
  if (request.uses_slot) take_slots(entry);
  if (!request.waiting) return;
  for (const auto& want : request.wants) {
    for (const auto& part : parts_of(want.lock)) {
      LockNode& node = lock(part.instance);
      const auto same = std::find_if(entry.needs.begin(), entry.needs.end(),
                                     [&](const Need& need) { return need.lock == &node; });
      if (same != entry.needs.end()) {
        merge(same->demand, part.demand);
      } else {
        entry.needs.push_back({&node, part.demand, want.step});
      }
    }
  }
  join_group(entry);
  enqueue(entry);
  for (auto* budget : entry.budgets) {
    ++budget->waiting;
    changed_budgets.insert(budget->name);
    if (!entry.has_slot) continue;
    budget->at_boundary.insert(entry);
    // A started task that waits for a slot may now take this one.
    wake_started(*budget);
  }
}

void Admission::State::detach(Entry& entry) {
  const bool waited = !entry.needs.empty() || (entry.request.waiting && !entry.tentative);
  if (waited) {
    dequeue(entry);
    wake_locks(entry);
    for (auto* budget : entry.budgets) {
      --budget->waiting;
      changed_budgets.insert(budget->name);
    }
  }
  if (entry.has_slot) release_slots(entry);
  if (entry.in_window) {
    --entry.window->used;
    wake(*entry.window);
  }
  for (auto* held : entry.held) {
    held->holders.remove(entry.request.task);
    note(*held);
    wake(*held);
  }
  leave_group(entry);
  leave_budgets(entry);
  parked.erase(entry.request.task);
}

void Admission::State::drop_idle() {
  for (auto* node : maybe_idle) {
    if (!node->holders.empty() || !node->queue.empty()) continue;
    if (!node->rules.group.empty()) {
      idle_groups.insert(node->rules.group);
      instances[node->rules.group].erase(node->instance);
    }
    touched.erase(node);
    contended.erase(node);
    open.erase(node);
    locks.erase(std::string(node->instance));
  }
  maybe_idle.clear();
}

// ---- facts in --------------------------------------------------------------------------------

Admission::Admission(RulesOf rules_of) : state_(std::make_unique<State>()) {
  state_->rules_of = std::move(rules_of);
}
Admission::~Admission() = default;

void Admission::update(Request request) {
  auto& slot = state_->entries[request.task];
  if (slot && !slot->tentative && slot->request == request) return;
  auto entry = std::make_unique<Entry>();
  if (slot) {
    // The same request, told anew, was passed as often as before.
    const bool same = slot->request.waiting && request.waiting && !slot->tentative &&
                      slot->request.requested_at == request.requested_at;
    if (same) entry->passed = std::move(slot->passed);
    state_->detach(*slot);
  }
  slot = std::move(entry);
  slot->request = std::move(request);
  state_->attach(*slot);
  state_->changed.insert(slot->request.task);
}

void Admission::remove(const std::string& task) {
  const auto place = state_->entries.find(task);
  if (place == state_->entries.end()) return;
  state_->detach(*place->second);
  state_->entries.erase(place);
  state_->changed.erase(task);
}

void Admission::refresh_rules(const std::string& instance) {
  const auto found = state_->locks.find(instance);
  if (found == state_->locks.end()) return;
  LockNode& node = *found->second;
  auto rules = state_->rules_of(instance);
  if (rules == node.rules) return;
  node.rules = std::move(rules);
  state_->note(node);
  // More may fit now, and not only for the first in the line.
  for (auto* entry = node.queue.first(); entry != nullptr; entry = node.queue.after(*entry)) {
    state_->work.insert(*entry);
  }
}

void Admission::refresh_group(const std::string& group) {
  const auto found = state_->instances.find(group);
  if (found == state_->instances.end()) return;
  for (const auto& instance : found->second) refresh_rules(instance);
}

void Admission::set_budget(const std::string& name, int max) {
  auto& counter = counter_in(state_->budgets, name);
  counter.max = max;
  if (counter.shares.set_max(max)) state_->reorder();
  state_->wake(counter);
}

void Admission::remove_budget(const std::string& name) {
  const auto place = state_->budgets.find(name);
  if (place == state_->budgets.end()) return;
  place->second->max.reset();
  if (place->second->shares.set_max(std::nullopt)) state_->reorder();
  state_->wake(*place->second);
}

void Admission::set_window(const std::string& name, std::optional<int> max) {
  auto& counter = counter_in(state_->windows, name);
  counter.max = max;
  state_->wake(counter);
}

Admission::Outcome Admission::run(TimePoint now) {
  state_->now = now;
  state_->inherit_priorities();
  do {
    state_->recheck_starved();
    state_->wake_reordered();
    while (Entry* first = state_->work.first()) {
      state_->work.erase(*first);
      state_->look_at(*first);
      state_->recheck_starved();
      state_->wake_reordered();
    }
  } while (state_->inherit_priorities());
  state_->woken.clear();
  state_->drop_idle();
  Outcome outcome;
  outcome.granted = std::move(state_->granted);
  state_->granted.clear();
  outcome.parked.assign(state_->parked.begin(), state_->parked.end());
  return outcome;
}

std::set<std::string> Admission::on_slots_of(const std::vector<std::string>& parking,
                                             const std::vector<std::string>& tasks) const {
  std::map<const Counter*, int> given_up;
  for (const auto& task : parking) {
    const auto found = state_->entries.find(task);
    if (found == state_->entries.end()) continue;
    for (const auto* budget : found->second->budgets) ++given_up[budget];
  }
  std::set<std::string> early;
  for (const auto& task : tasks) {
    const auto found = state_->entries.find(task);
    if (found == state_->entries.end() || found->second->request.uses_slot) continue;
    for (const auto* budget : found->second->budgets) {
      const auto some = given_up.find(budget);
      // More are used than there are: who was to be parked goes on after all.
      const int claimed = budget->used + (some == given_up.end() ? 0 : some->second);
      if (budget->max && claimed > *budget->max) early.insert(task);
    }
  }
  return early;
}

}  // namespace tidelock::planner
