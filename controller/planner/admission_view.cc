// SPDX-License-Identifier: Apache-2.0
// What can be asked of Admission.
#include <algorithm>

#include "controller/planner/admission_state.h"

namespace tidelock::planner {
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

FairShare share_in(const Counter& counter, const Entry& entry) {
  for (std::size_t i = 0; i < entry.budgets.size(); ++i) {
    if (entry.budgets[i] != &counter || entry.group == nullptr) continue;
    const auto& part = entry.group->parts[i];
    if (part.contest->share == kNoShare) return {};
    return {counter.name, part.stake->used, part.contest->share, part.contest->rollouts};
  }
  return {};
}

// The budget whose share puts `entry` behind `waiter`, which asked later.
FairShare share_behind(const Entry& waiter, const Entry& entry) {
  if (waiter.key < entry.key || waiter.key.priority != entry.key.priority) return {};
  for (const auto* budget : entry.budgets) {
    auto share = share_in(*budget, entry);
    if (!share.budget.empty() && share.used >= share.share) return share;
  }
  return {};
}

Obstacle counter_obstacle(const Counter& counter, const Entry& entry) {
  Obstacle obstacle;
  obstacle.kind = &counter == entry.window ? Obstacle::Kind::Window : Obstacle::Kind::Budget;
  obstacle.name = counter.name;
  obstacle.used = counter.used;
  obstacle.max = counter.max.value_or(0);
  if (obstacle.kind == Obstacle::Kind::Budget) obstacle.share = share_in(counter, entry);
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
  if (found.waiter != nullptr) obstacle.share = share_behind(*found.waiter, entry);
  const std::size_t position = lock.queue.place(entry, position_max);
  if (position <= position_max) obstacle.position = static_cast<int>(position);
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
    // One past the depth: it may have been within before.
    for (const auto* waiter : lock->queue.front(depth + 1)) changes.tasks.insert(waiter->request.task);
  }
  changes.groups.merge(state_->idle_groups);
  state_->idle_groups.clear();
  state_->touched.clear();
  return changes;
}

namespace {

Admission::View view_of_lock(const LockNode& node, std::size_t waiters_max) {
  Admission::View view{&node.rules, &node.holders, {}, node.queue.size()};
  for (const auto* waiter : node.queue.front(waiters_max)) {
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
  std::vector<const Entry*> queue;
  for (const auto& [name, entry] : state_->entries) {
    if (entry->request.waiting && !entry->tentative) queue.push_back(entry.get());
  }
  std::sort(queue.begin(), queue.end(),
            [](const Entry* a, const Entry* b) { return before(*a, *b); });
  std::vector<std::string> tasks;
  for (const auto* entry : queue) tasks.push_back(entry->request.task);
  return tasks;
}

Admission::Usage Admission::budget_usage(const std::string& name) const {
  const auto place = state_->budgets.find(name);
  if (place == state_->budgets.end()) return {};
  return {place->second->used, place->second->waiting};
}

}  // namespace tidelock::planner
