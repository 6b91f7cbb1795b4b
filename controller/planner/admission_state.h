// SPDX-License-Identifier: Apache-2.0
// The tables behind Admission: entries of tasks, lock nodes, counters, and the queues between them.
#pragma once

#include "controller/planner/admission.h"

namespace tidelock::planner {

struct Entry;
struct ByOrder {
  bool operator()(const Entry* a, const Entry* b) const;
};
using Queue = std::set<Entry*, ByOrder>;

struct LockNode {
  std::string instance;
  LockRules rules;
  LockHolders holders;
  Queue queue;  // all waiting entries that want it
  Queue filed;  // those whose obstacle it is
  // What the waiters of `queue` want at most: whether a later candidate can hurt any of them.
  int exclusive_waiters = 0;
  std::multiset<int> units;       // of the shared waiters
  std::multiset<int> priorities;  // own priorities of the waiters
};

// A budget, or the started window of a rollout.
struct Counter {
  std::string name;
  std::optional<int> max;  // absent = unbounded
  int used = 0;
  int waiting = 0;
  Queue filed_started;
  Queue filed_unstarted;
  Queue at_boundary;  // those that use a slot and may have to give it up
  Queue starved;      // started waiters that lack only a slot of some budget, and want this one
  bool full() const { return max && used >= *max; }
};

struct Need {
  LockNode* lock = nullptr;
  LockDemand demand;
  int step = -1;
};

struct LockObstacle {
  const Need* need = nullptr;  // null = all locks are grantable
  Entry* waiter = nullptr;     // null = the holders are in the way
};

struct Entry {
  Request request;
  OrderKey key;
  std::vector<LockNode*> held;
  std::vector<Need> needs;  // of a waiting entry
  std::vector<Counter*> budgets;
  Counter* window = nullptr;
  bool tentative = false;  // granted by run(), not yet seen as a fact
  bool has_slot = false;
  bool in_window = false;
  bool starved = false;
  LockNode* filed_lock = nullptr;
  Counter* filed_counter = nullptr;
  std::map<std::string, int> passed;  // how often, per lock with maxBypass
  // Memo of lock_obstacle() at one version of the tables.
  std::uint64_t memo_version = 0;
  LockObstacle memo;
};

struct Admission::State {
  RulesOf rules_of;
  std::map<std::string, std::unique_ptr<Entry>> entries;
  std::map<std::string, std::unique_ptr<LockNode>> locks;
  std::map<std::string, std::set<std::string>> instances;  // by lock group
  std::map<std::string, std::unique_ptr<Counter>> budgets;
  std::map<std::string, std::unique_ptr<Counter>> windows;
  Queue work;                     // to be looked at by run()
  Queue starved;                  // started waiters that lack only a slot; few
  std::set<LockNode*> contended;  // holders or waiters changed: inheritance may have
  std::set<LockNode*> touched;    // since the last take_changed()
  std::set<LockNode*> maybe_idle;
  std::set<std::string> changed;  // tasks, since the last take_changed()
  std::set<std::string> changed_budgets;
  std::set<std::string> idle_groups;  // of locks that nobody holds or wants any more
  std::vector<std::string> granted;
  std::set<std::string> parked;
  std::uint64_t version = 1;  // of everything that lock_obstacle() reads
  TimePoint now;

  // admission.cc: facts in, and the queues.
  LockNode& lock(const std::string& instance);
  void attach(Entry& entry);
  void detach(Entry& entry);
  void hold(Entry& entry, LockNode& lock, const LockHold& hold);
  void enqueue(Entry& entry);
  void dequeue(Entry& entry);
  void unfile(Entry& entry);
  void take_slots(Entry& entry);
  void release_slots(Entry& entry);
  void note(LockNode& lock);
  void wake(LockNode& lock);
  void wake(Counter& counter);
  void wake_locks(const Entry& entry);

  // admission_run.cc: decisions.
  LockObstacle lock_obstacle(Entry& entry);
  LockObstacle find_lock_obstacle(Entry& entry);
  Entry* waiter_in_the_way(const Need& need, const Entry& candidate);
  bool blocks_others(Entry& waiter);
  Counter* slot_obstacle(Entry& entry);
  bool reserved(Counter& counter, const Entry& candidate);
  static Entry* boundary_victim(const Counter& counter, const Entry& candidate);
  void recheck_starved();
  void look_at(Entry& entry);
  void look_at_next(Entry& entry, LockNode* lock, Counter* counter);
  void grant(Entry& entry);
  void count_passes(const Entry& entry);
  void give_up_slot(Entry& entry);
  void file(Entry& entry, LockNode* lock, Counter* counter);
  bool inherit_priorities();
  static int inherited_priority(const Entry& entry);
  void rekey(Entry& entry, int priority);
  void drop_idle();
};

// What `entry` wants of `lock`; it does want it.
const Need& need_of(const Entry& entry, const LockNode& lock);

}  // namespace tidelock::planner
