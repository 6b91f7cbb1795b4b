// SPDX-License-Identifier: Apache-2.0
// Who may go now: the candidates of a namespace against its locks and budgets (semantics.md §2,
// §3).
//
// The rules in one place:
//  - A candidate is granted all it wants at once, or nothing.
//  - Candidates are looked at in order (OrderKey). A later one may not take from a lock what an
//    earlier waiter needs, unless that lock's maxBypass allows. An unstarted waiter that lacks only
//    a slot reserves nothing; a started one reserves its locks and slots.
//  - A task at a step boundary keeps its slot unless its next locks are not free or a started task
//    before it in the order needs the slot. Then it parks.
//  - Fair share (fair_share.h): among candidates of one priority, all started or none, those stand
//    last whose rollout has its share in any budget they ask that other rollouts wait for, too.
//    Always on: it keeps nothing free, and changes nothing for a rollout that waits alone. A higher
//    priority does not mind shares.
//
// Nobody starves and nothing locks up: at each moment the order is total. A share is one slot at
// least, so a rollout that is put back has tasks that run. When they end it has less than its
// share, and among those the order is as without shares; so it is where a budget has fewer slots
// than rollouts wait. A waiter put back in the line of a lock is not passed: maxBypass counts who
// came by while he stood in front.
//
// Incremental: every waiter is filed under the one lock or budget that it failed at (its obstacle);
// a release looks at those only, in order, and stops where all that follow must fail too. That is
// sound because a waiter can only be held back by earlier ones. reference.h does the same without
// any of it. Grants made by run() stay until the task's next update(). Not thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/planner/lock_table.h"

namespace tidelock::planner {

// One unfinished task as admission sees it.
struct Request {
  std::string task;
  std::string rollout;  // that shares; those of none share as one
  int priority = 0;
  int wave = 0;
  bool started = false;
  TimePoint requested_at;
  double work = 0;  // among those that asked within one limits::kLearnedOrderPeriod; zero = strict order
  int rank = 0;     // among those that asked at the same time
  struct Lock {
    api::TaskLock lock;
    int step = -1;    // index; -1 = deployment level
    TimePoint since;  // of what is held
    bool operator==(const Lock&) const = default;
  };
  std::vector<Lock> holds;
  bool waiting = false;     // a candidate
  std::vector<Lock> wants;  // of a candidate; in the order of explanations
  bool uses_slot = false;   // of each budget; with waiting: at a step boundary
  std::vector<std::string> budgets;
  std::string window;  // in-flight counter of its rollout; empty = none
  bool operator==(const Request&) const = default;
};

// The order but for shares, which come after `started`.
struct OrderKey {
  int priority = 0;  // effective
  bool started = false;
  int wave = 0;
  TimePoint requested_at;
  double work = 0;
  int rank = 0;
  std::string task;
  bool operator<(const OrderKey& other) const;
};

// Of a budget that several rollouts wait for.
struct FairShare {
  std::string budget;  // empty = none
  int used = 0;        // slots of the candidate's rollout
  int share = 0;       // of each
  int rollouts = 0;
};

// Why a candidate is not granted: the first obstacle in the order locks, window, budgets.
struct Obstacle {
  enum class Kind { None, Lock, Window, Budget };
  Kind kind = Kind::None;
  std::string name;              // lock instance, rollout, budget
  std::string holder;            // a task that holds it, else the waiter before
  std::optional<LockHold> hold;  // of holder
  std::optional<int> position;   // in the lock's queue; absent beyond the asked depth
  int used = 0, max = 0;         // of a budget or window
  FairShare share;               // of the budget, or that which puts it behind the waiter it names
  std::optional<Duration> wait_timeout;
};

class Admission {
 public:
  using RulesOf = std::function<LockRules(const std::string& instance)>;
  explicit Admission(RulesOf rules_of);
  ~Admission();

  void update(Request request);
  void remove(const std::string& task);
  // The rules of one lock, of all of a group may have changed.
  void refresh_rules(const std::string& instance);
  void refresh_group(const std::string& group);
  // A budget that nobody set is unbounded.
  void set_budget(const std::string& name, int max);
  void remove_budget(const std::string& name);
  void set_window(const std::string& name, std::optional<int> max);

  struct Outcome {
    std::vector<std::string> granted;  // since the last run(), in the order of grants
    std::vector<std::string> parked;   // had a slot at a step boundary and has to give it up
  };
  Outcome run(TimePoint now);  // what is granted is held since `now`
  // Of `tasks`, those granted a slot that is there only because `parking` give theirs up. Their grants must not
  // be written before the parkings are facts: a planner that came after would let both sides go on.
  std::set<std::string> on_slots_of(const std::vector<std::string>& parking,
                                    const std::vector<std::string>& tasks) const;

  Obstacle obstacle(const std::string& task, std::size_t position_max) const;
  // Where a waiter was filed last: kind and name only. Cheap, may name an earlier obstacle.
  Obstacle filed(const std::string& task) const;
  // What may look different since the last call; of the waiters of a lock at most `depth`.
  struct Changes {
    std::set<std::string> tasks, groups, budgets;
  };
  Changes take_changed(std::size_t depth);

  struct View {
    const LockRules* rules = nullptr;
    const LockHolders* holders = nullptr;
    std::vector<std::pair<std::string, TimePoint>> waiters;  // task and since, in queue order
    std::size_t waiting = 0;                                 // all of them
  };
  std::map<std::string, View> locks(std::size_t waiters_max) const;
  // Of one group; at most `waiters_max` waiters over all its instances.
  std::map<std::string, View> locks_of(const std::string& group, std::size_t waiters_max) const;
  std::vector<std::string> waiting_in_order() const;
  struct Usage {
    int used = 0;
    int waiting = 0;
  };
  Usage budget_usage(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tidelock::planner
