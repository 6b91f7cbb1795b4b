// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/admission.h"

#include <algorithm>
#include <tuple>

#include "controller/base/invariant.h"
#include "controller/base/limits.h"
#include "controller/planner/admission_state.h"

namespace tidelock::planner {
namespace {

using Counters = std::map<std::string, std::unique_ptr<Counter>>;

Counter& counter_in(Counters& counters, const std::string& name) {
  auto& counter = counters[name];
  if (!counter) {
    counter = std::make_unique<Counter>();
    counter->name = name;
  }
  return *counter;
}

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

bool ByOrder::operator()(const Entry* a, const Entry* b) const { return a->key < b->key; }

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
}

void Admission::State::wake(LockNode& lock) {
  if (!lock.filed.empty()) work.insert(*lock.filed.begin());
}

void Admission::State::wake(Counter& counter) {
  if (!counter.filed_started.empty()) work.insert(*counter.filed_started.begin());
  if (!counter.filed_unstarted.empty()) work.insert(*counter.filed_unstarted.begin());
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
    lock.queue.insert(&entry);
    lock.priorities.insert(entry.request.priority);
    if (need.demand.mode == api::LockMode::Exclusive) {
      ++lock.exclusive_waiters;
    } else {
      lock.units.insert(need.demand.units);
    }
    note(lock);
  }
  work.insert(&entry);
}

void Admission::State::dequeue(Entry& entry) {
  Counter* const counter = entry.filed_counter;
  unfile(entry);
  // It was to be looked at for those behind it as well.
  if (work.erase(&entry) != 0 && counter != nullptr) wake(*counter);
  for (const auto& need : entry.needs) {
    LockNode& lock = *need.lock;
    lock.queue.erase(&entry);
    lock.priorities.erase(lock.priorities.find(entry.request.priority));
    if (need.demand.mode == api::LockMode::Exclusive) {
      --lock.exclusive_waiters;
    } else {
      lock.units.erase(lock.units.find(need.demand.units));
    }
    note(lock);
  }
}

void Admission::State::unfile(Entry& entry) {
  if (entry.filed_lock != nullptr) entry.filed_lock->filed.erase(&entry);
  if (entry.filed_counter != nullptr) {
    entry.filed_counter->filed_started.erase(&entry);
    entry.filed_counter->filed_unstarted.erase(&entry);
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
  for (auto* budget : entry.budgets) {
    ++budget->used;
    changed_budgets.insert(budget->name);
  }
}

void Admission::State::release_slots(Entry& entry) {
  entry.has_slot = false;
  for (auto* budget : entry.budgets) {
    --budget->used;
    changed_budgets.insert(budget->name);
    budget->at_boundary.erase(&entry);
    wake(*budget);
  }
}

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
  for (const auto& name : request.budgets) entry.budgets.push_back(&counter_in(budgets, name));
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
  enqueue(entry);
  for (auto* budget : entry.budgets) {
    ++budget->waiting;
    changed_budgets.insert(budget->name);
    if (!entry.has_slot) continue;
    budget->at_boundary.insert(&entry);
    // A started task that waits for a slot may now take this one.
    if (!budget->filed_started.empty()) work.insert(*budget->filed_started.begin());
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
  state_->work.insert(node.queue.begin(), node.queue.end());
}

void Admission::refresh_group(const std::string& group) {
  const auto found = state_->instances.find(group);
  if (found == state_->instances.end()) return;
  for (const auto& instance : found->second) refresh_rules(instance);
}

void Admission::refresh_rules() {
  for (const auto& [instance, node] : state_->locks) refresh_rules(instance);
}

void Admission::set_budget(const std::string& name, int max) {
  auto& counter = counter_in(state_->budgets, name);
  counter.max = max;
  state_->wake(counter);
}

void Admission::remove_budget(const std::string& name) {
  const auto place = state_->budgets.find(name);
  if (place == state_->budgets.end()) return;
  place->second->max.reset();
  state_->wake(*place->second);
}

void Admission::set_window(const std::string& name, std::optional<int> max) {
  auto& counter = counter_in(state_->windows, name);
  counter.max = max;
  state_->wake(counter);
}

// ---- questions -------------------------------------------------------------------------------

namespace {

// The oldest holder that is in the way of `task`.
void name_holder(const LockNode& lock, const std::string& task, Obstacle& obstacle) {
  const std::pair<const std::string, LockHold>* oldest = nullptr;
  for (const auto& holder : lock.holders.all()) {
    if (holder.first == task) continue;
    if (oldest == nullptr || holder.second.since < oldest->second.since) oldest = &holder;
  }
  if (oldest == nullptr) return;
  obstacle.holder = oldest->first;
  obstacle.hold = oldest->second;
}

Obstacle counter_obstacle(const Counter& counter, const Entry& entry) {
  Obstacle obstacle;
  obstacle.kind = &counter == entry.window ? Obstacle::Kind::Window : Obstacle::Kind::Budget;
  obstacle.name = counter.name;
  obstacle.used = counter.used;
  obstacle.max = counter.max.value_or(0);
  return obstacle;
}

}  // namespace

Obstacle Admission::obstacle(const std::string& task, std::size_t position_max) const {
  Obstacle obstacle;
  const auto place = state_->entries.find(task);
  if (place == state_->entries.end()) return obstacle;
  Entry& entry = *place->second;
  if (!entry.request.waiting || entry.tentative) return obstacle;
  const auto found = state_->lock_obstacle(entry);
  if (found.need == nullptr) {
    const auto* counter = state_->slot_obstacle(entry);
    return counter == nullptr ? obstacle : counter_obstacle(*counter, entry);
  }
  const LockNode& lock = *found.need->lock;
  obstacle.kind = Obstacle::Kind::Lock;
  obstacle.name = lock.instance;
  obstacle.wait_timeout = lock.rules.wait_timeout;
  name_holder(lock, task, obstacle);
  if (obstacle.holder.empty() && found.waiter != nullptr)
    obstacle.holder = found.waiter->request.task;
  std::size_t position = 0;
  for (const auto* waiter : lock.queue) {
    if (++position > position_max) break;
    if (waiter == &entry) obstacle.position = static_cast<int>(position);
  }
  return obstacle;
}

Obstacle Admission::filed(const std::string& task) const {
  Obstacle obstacle;
  const auto place = state_->entries.find(task);
  if (place == state_->entries.end()) return obstacle;
  const Entry& entry = *place->second;
  if (entry.filed_counter != nullptr) return counter_obstacle(*entry.filed_counter, entry);
  if (entry.filed_lock == nullptr) return obstacle;
  obstacle.kind = Obstacle::Kind::Lock;
  obstacle.name = entry.filed_lock->instance;
  return obstacle;
}

Admission::Changes Admission::take_changed(std::size_t depth) {
  Changes changes{std::move(state_->changed), {}, std::move(state_->changed_budgets)};
  state_->changed.clear();
  state_->changed_budgets.clear();
  for (const auto* lock : state_->touched) {
    if (!lock->rules.group.empty()) changes.groups.insert(lock->rules.group);
    std::size_t count = 0;
    for (const auto* waiter : lock->queue) {
      // One past the depth: it may have been within before.
      if (count++ > depth) break;
      changes.tasks.insert(waiter->request.task);
    }
  }
  changes.groups.merge(state_->idle_groups);
  state_->idle_groups.clear();
  state_->touched.clear();
  return changes;
}

namespace {

Admission::View view_of_lock(const LockNode& node, std::size_t waiters_max) {
  Admission::View view{&node.rules, &node.holders, {}, node.queue.size()};
  for (const auto* waiter : node.queue) {
    if (view.waiters.size() >= waiters_max) break;
    view.waiters.emplace_back(waiter->request.task, waiter->key.requested_at);
  }
  return view;
}

}  // namespace

std::map<std::string, Admission::View> Admission::locks(std::size_t waiters_max) const {
  std::map<std::string, View> views;
  for (const auto& [instance, node] : state_->locks) {
    views.emplace(instance, view_of_lock(*node, waiters_max));
  }
  return views;
}

std::map<std::string, Admission::View> Admission::locks_of(const std::string& group,
                                                           std::size_t waiters_max) const {
  std::map<std::string, View> views;
  const auto place = state_->instances.find(group);
  if (place == state_->instances.end()) return views;
  for (const auto& instance : place->second) {
    auto view = view_of_lock(*state_->locks.at(instance), waiters_max);
    waiters_max -= view.waiters.size();
    views.emplace(instance, std::move(view));
  }
  return views;
}

std::vector<std::string> Admission::waiting_in_order() const {
  Queue queue;
  for (const auto& [name, entry] : state_->entries) {
    if (entry->request.waiting && !entry->tentative) queue.insert(entry.get());
  }
  std::vector<std::string> tasks;
  for (const auto* entry : queue) tasks.push_back(entry->request.task);
  return tasks;
}

Admission::Usage Admission::budget_usage(const std::string& name) const {
  const auto place = state_->budgets.find(name);
  if (place == state_->budgets.end()) return {};
  return {place->second->used, place->second->waiting};
}

Admission::Outcome Admission::run(TimePoint now) {
  state_->now = now;
  state_->inherit_priorities();
  do {
    state_->recheck_starved();
    while (!state_->work.empty()) {
      Entry* first = *state_->work.begin();
      state_->work.erase(state_->work.begin());
      state_->look_at(*first);
      state_->recheck_starved();
    }
  } while (state_->inherit_priorities());
  state_->drop_idle();
  Outcome outcome;
  outcome.granted = std::move(state_->granted);
  state_->granted.clear();
  outcome.parked.assign(state_->parked.begin(), state_->parked.end());
  return outcome;
}

}  // namespace tidelock::planner
