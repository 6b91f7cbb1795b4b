// SPDX-License-Identifier: Apache-2.0
// The tables behind Admission: entries of tasks, lock nodes, counters, and the queues between them.
#pragma once

#include "controller/planner/admission.h"
#include "controller/planner/waiting_line.h"

namespace tidelock::planner {

struct LockNode {
  std::string instance;
  LockRules rules;
  LockHolders holders;
  Line queue;  // all waiting entries that want it
  Line filed;  // those whose obstacle it is
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
  Line filed_started;
  Line filed_unstarted;
  Line at_boundary;  // those that use a slot and may have to give it up
  Queue starved;     // started waiters that lack only a slot of some budget, and want this one
  Shares shares;     // of a budget
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
  std::vector<Stake*> stakes;  // one for each budget
  Group* group = nullptr;      // of a waiting entry
  Counter* window = nullptr;
  bool tentative = false;  // granted by run(), not yet seen as a fact
  bool has_slot = false;
  bool in_window = false;
  bool starved = false;
  bool queued = false;
  bool counted = false;  // among those who wait for a share
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
  std::map<GroupKey, Group> groups;
  Line work;                      // to be looked at by run()
  Queue starved;                  // started waiters that lack only a slot; few
  std::set<Counter*> woken;       // since the last run() began
  std::set<LockNode*> open;       // not taken whole, and in front of tasks of several groups
  bool reordered = false;         // somebody's share is full or is not any more; see reorder()
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
  void wake_started(Counter& counter);
  void wake_locks(const Entry& entry);
  void join_group(Entry& entry);
  void leave_group(Entry& entry);
  void leave_budgets(Entry& entry);
  void count_share(Entry& entry);
  void reorder();
  void watch(LockNode& lock);

  // admission_run.cc: decisions.
  LockObstacle lock_obstacle(Entry& entry);
  LockObstacle find_lock_obstacle(Entry& entry);
  Entry* waiter_in_the_way(const Need& need, const Entry& candidate);
  bool blocks_others(Entry& waiter);
  Counter* slot_obstacle(Entry& entry);
  bool reserved(Counter& counter, const Entry& candidate);
  static Entry* boundary_victim(const Counter& counter, const Entry& candidate);
  static std::vector<std::pair<Counter*, Entry*>> victims_of(const Entry& entry);
  void wake_reordered();
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

Counter& counter_in(std::map<std::string, std::unique_ptr<Counter>>& counters,
                    const std::string& name);

// What `entry` wants of `lock`; it does want it.
const Need& need_of(const Entry& entry, const LockNode& lock);

}  // namespace tidelock::planner
