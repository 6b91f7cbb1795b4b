// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/reference.h"

#include <algorithm>

namespace tidelock::planner {
namespace {

struct Task {
  Request request;
  OrderKey key;
  std::map<std::string, LockDemand> wants;
  bool waiting = false;
  bool has_slot = false;
  bool has_share = false;  // its rollout has its fair share; as of the last sorted()
};

std::map<std::string, LockDemand> parts(const std::vector<Request::Lock>& locks) {
  std::map<std::string, LockDemand> all;
  for (const auto& lock : locks) {
    for (const auto& part : parts_of(lock.lock)) {
      const auto [place, added] = all.emplace(part.instance, part.demand);
      if (added) continue;
      if (part.demand.mode == api::LockMode::Exclusive) place->second.mode = part.demand.mode;
      place->second.units = std::max(place->second.units, part.demand.units);
    }
  }
  return all;
}

class Reference {
 public:
  Reference(const ReferenceInput& input, Passes& passes) : input_(input), passes_(passes) {
    for (const auto& request : input.requests) {
      Task task{request, {}, {}, request.waiting, request.uses_slot, false};
      task.key = {request.priority, request.started, request.wave, request.requested_at,
                  request.work,     request.rank,    request.task};
      if (request.waiting) task.wants = parts(request.wants);
      for (const auto& [instance, demand] : parts(request.holds)) {
        holders_[instance].add(request.task, {demand, {}, -1});
      }
      if (request.started) ++window_used_[request.window];
      if (request.uses_slot) count_slots(request, 1);
      tasks_.emplace(request.task, std::move(task));
    }
  }

  // Each grant and each slot that is given up may change who stands where; priorities are inherited
  // anew only when nobody else can go.
  ReferenceOutcome decide() {
    inherit();
    do {
      while (one_pass(sorted())) {
      }
    } while (inherit());
    return outcome_;
  }

 private:
  void count_slots(const Request& request, int by) {
    for (const auto& budget : request.budgets) {
      used_[budget] += by;
      used_by_[{budget, request.rollout}] += by;
    }
  }
  bool full(const std::string& budget) const {
    const auto max = input_.budgets.find(budget);
    return max != input_.budgets.end() && used(budget) >= max->second;
  }
  int used(const std::string& budget) const {
    const auto place = used_.find(budget);
    return place == used_.end() ? 0 : place->second;
  }
  bool window_full(const std::string& window) const {
    const auto max = input_.windows.find(window);
    if (max == input_.windows.end() || !max->second) return false;
    const auto place = window_used_.find(window);
    return (place == window_used_.end() ? 0 : place->second) >= *max->second;
  }
  bool fits(const std::string& instance, const std::string& task, const LockDemand& demand) const {
    const auto place = holders_.find(instance);
    return place == holders_.end() || place->second.fits(input_.rules_of(instance), task, demand);
  }
  bool fit_beside(const std::string& instance, const LockDemand& a, const LockDemand& b) const {
    const auto place = holders_.find(instance);
    return fit_together(input_.rules_of(instance),
                        place == holders_.end() ? 0 : place->second.units(), a, b);
  }

  std::vector<Task*> sorted() {
    std::vector<Task*> order;
    for (auto& [name, task] : tasks_) {
      if (!task.waiting) continue;
      task.has_share = has_share(task);
      order.push_back(&task);
    }
    std::sort(order.begin(), order.end(),
              [](const Task* a, const Task* b) { return before(*a, *b); });
    return order;
  }
  static bool before(const Task& a, const Task& b) {
    const bool same_level = a.key.priority == b.key.priority && a.key.started == b.key.started;
    if (same_level && a.has_share != b.has_share) return b.has_share;
    return a.key < b.key;
  }

  bool has_share(const Task& task) const {
    const auto& budgets = task.request.budgets;
    return std::any_of(budgets.begin(), budgets.end(), [&](const auto& budget) {
      const auto max = input_.budgets.find(budget);
      const auto rollouts = static_cast<int>(waiting_rollouts(budget, task.key.priority).size());
      if (max == input_.budgets.end() || rollouts < 2) return false;
      const auto used = used_by_.find({budget, task.request.rollout});
      return used != used_by_.end() && used->second >= std::max(1, max->second / rollouts);
    });
  }
  std::set<std::string> waiting_rollouts(const std::string& budget, int priority) const {
    std::set<std::string> rollouts;
    for (const auto& [name, task] : tasks_) {
      const auto& budgets = task.request.budgets;
      if (task.waiting && !task.has_slot && task.key.priority == priority &&
          std::find(budgets.begin(), budgets.end(), budget) != budgets.end()) {
        rollouts.insert(task.request.rollout);
      }
    }
    return rollouts;
  }

  // Whether somebody's priority changed.
  bool inherit() {
    bool changed = false;
    for (auto& [name, task] : tasks_) {
      if (!task.waiting) continue;
      const int priority = effective_priority(task);
      changed = changed || priority != task.key.priority;
      task.key.priority = priority;
    }
    return changed;
  }

  // The highest priority of those who wait for what this task holds.
  int effective_priority(const Task& task) const {
    int priority = task.request.priority;
    for (const auto& [instance, demand] : parts(task.request.holds)) {
      for (const auto& [name, waiter] : tasks_) {
        const auto wanted = waiter.wants.find(instance);
        if (!waiter.waiting || &waiter == &task || wanted == waiter.wants.end()) continue;
        if (!fits(instance, name, wanted->second))
          priority = std::max(priority, waiter.request.priority);
      }
    }
    return priority;
  }

  // True when somebody was granted or parked.
  bool one_pass(const std::vector<Task*>& order) {
    for (auto* task : order) {
      if (!task->waiting) continue;
      if (lock_blocked(*task)) {
        if (!task->has_slot) continue;
        give_up_slot(*task);
        return true;
      }
      if (!slot_free(*task)) continue;
      grant(*task);
      return true;
    }
    return false;
  }

  bool lock_blocked(const Task& task) const {
    for (const auto& [instance, demand] : task.wants) {
      if (!fits(instance, task.request.task, demand)) return true;
    }
    for (const auto& [instance, demand] : task.wants) {
      for (const auto& [name, waiter] : tasks_) {
        if (stands_before(waiter, task) && in_the_way(waiter, instance, demand) &&
            passed(name, instance) >= input_.rules_of(instance).max_bypass) {
          return true;
        }
      }
    }
    return false;
  }
  bool stands_before(const Task& waiter, const Task& task) const {
    return waiter.waiting && before(waiter, task);
  }
  // Whether `demand` would take from the waiter what it waits for.
  bool in_the_way(const Task& waiter, const std::string& instance, const LockDemand& demand) const {
    const auto wanted = waiter.wants.find(instance);
    if (wanted == waiter.wants.end() || fit_beside(instance, demand, wanted->second)) return false;
    return waiter.request.started || lock_blocked(waiter);
  }
  int passed(const std::string& task, const std::string& instance) const {
    const auto place = passes_.find(task);
    if (place == passes_.end()) return 0;
    const auto lock = place->second.find(instance);
    return lock == place->second.end() ? 0 : lock->second;
  }

  bool slot_free(const Task& task) const {
    if (!task.request.started && window_full(task.request.window)) return false;
    if (task.has_slot) return true;
    for (const auto& budget : task.request.budgets) {
      if (full(budget)) {
        if (!task.request.started || victim(task, budget) == nullptr) return false;
      } else if (reserved(task, budget)) {
        return false;
      }
    }
    return true;
  }
  // A started waiter before it that lacks only slots would lose the last one of this budget.
  bool reserved(const Task& task, const std::string& budget) const {
    const auto max = input_.budgets.find(budget);
    if (max == input_.budgets.end() || used(budget) + 1 < max->second) return false;
    return std::any_of(tasks_.begin(), tasks_.end(), [&](const auto& entry) {
      const Task& waiter = entry.second;
      const auto& budgets = waiter.request.budgets;
      return stands_before(waiter, task) && waiter.request.started && !waiter.has_slot &&
             std::find(budgets.begin(), budgets.end(), budget) != budgets.end() &&
             !lock_blocked(waiter);
    });
  }
  const Task* victim(const Task& task, const std::string& budget) const {
    if (used(budget) > input_.budgets.at(budget)) return nullptr;
    const Task* last = nullptr;
    for (const auto& [name, other] : tasks_) {
      const auto& budgets = other.request.budgets;
      if (!other.waiting || !other.has_slot ||
          std::find(budgets.begin(), budgets.end(), budget) == budgets.end())
        continue;
      if (last == nullptr || before(*last, other)) last = &other;
    }
    return last != nullptr && before(task, *last) ? last : nullptr;
  }

  void grant(Task& task) {
    std::map<std::string, const Task*> victims;
    for (const auto& budget : task.request.budgets) {
      if (!task.has_slot && full(budget)) victims[budget] = victim(task, budget);
    }
    count_passes(task);
    for (const auto& budget : task.request.budgets) {
      if (victims.count(budget) != 0 && full(budget)) {
        give_up_slot(tasks_.at(victims.at(budget)->request.task));
      }
    }
    task.waiting = false;
    if (!task.has_slot) count_slots(task.request, 1);
    if (!task.request.started) ++window_used_[task.request.window];
    for (const auto& [instance, demand] : task.wants) {
      if (holders_[instance].all().count(task.request.task) == 0) {
        holders_[instance].add(task.request.task, {demand, {}, -1});
      }
    }
    outcome_.parked.erase(task.request.task);
    outcome_.granted.push_back(task.request.task);
  }
  void count_passes(const Task& task) {
    std::vector<std::pair<std::string, std::string>> all;
    for (const auto& [instance, demand] : task.wants) {
      if (input_.rules_of(instance).max_bypass == 0) continue;
      for (const auto& [name, waiter] : tasks_) {
        if (stands_before(waiter, task) && in_the_way(waiter, instance, demand))
          all.emplace_back(name, instance);
      }
    }
    for (const auto& [name, instance] : all) ++passes_[name][instance];
  }
  void give_up_slot(Task& task) {
    task.has_slot = false;
    count_slots(task.request, -1);
    outcome_.parked.insert(task.request.task);
  }

  const ReferenceInput& input_;
  Passes& passes_;
  std::map<std::string, Task> tasks_;
  std::map<std::string, LockHolders> holders_;
  std::map<std::string, int> used_;
  std::map<std::pair<std::string, std::string>, int> used_by_;  // budget and rollout
  std::map<std::string, int> window_used_;
  ReferenceOutcome outcome_;
};

}  // namespace

ReferenceOutcome decide_from_scratch(const ReferenceInput& input, Passes& passes) {
  return Reference(input, passes).decide();
}

}  // namespace tidelock::planner
