// SPDX-License-Identifier: Apache-2.0
// The pairs that this agent watches: for each the newest task that succeeded, unless it removed the
// release or a newer task runs. Starts looks and checks when they are due, few at once, the oldest
// first, and writes what changed.
//
// Begins from the task objects alone, so a restart of the agent is nothing special.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "controller/agent/pair_watch.h"
#include "controller/agent/run_context.h"
#include "controller/agent/target_book.h"
#include "controller/client/reflector.h"

namespace tidelock::agent {

class WatchBook {
 public:
  using TaskPtr = PairWatch::TaskPtr;
  using Tasks = client::Reflector<api::DeploymentTask>;
  WatchBook(RunContext& context, Tasks& tasks, const TargetBook& targets)
      : context_(context), tasks_(tasks), targets_(targets) {}
  // Ends what runs, unlike steps: nobody would end it at its timeout.
  ~WatchBook();
  WatchBook(const WatchBook&) = delete;
  WatchBook& operator=(const WatchBook&) = delete;

  // Ends and removes what checks of an earlier life of the agent left behind.
  void clean_up();
  // A task appeared, changed or went away: old and new as the reflector gives them.
  void changed(const TaskPtr& old_task, const TaskPtr& new_task);
  // Its target became ours.
  void look_again(const api::DeploymentTask& task) { stale_.insert(pair_of(task)); }
  void process_event(const std::string& uid, const ProcessEvent& event, TimePoint now);
  void ticket_done(const std::string& uid, const FetchDone& done, TimePoint now);
  // Ends the watches of pairs of which a newer task runs, and begins those that are due. Before the
  // steps of those tasks start.
  void settle(TimePoint now);
  // Returns when to be called again at the latest.
  TimePoint step(TimePoint now);

 private:
  using Pair = std::pair<std::string, std::string>;  // namespace, installation
  using Age = std::pair<TimePoint, int>;             // creation, attempt
  using Agenda = std::set<std::pair<TimePoint, std::string>>;  // uids of idle watches

  static Pair pair_of(const api::DeploymentTask& task) {
    return {task.metadata.ns, task.spec.installation};
  }
  static Age age_of(const api::DeploymentTask& task);
  TaskPtr wanted(const Pair& pair) const;
  void settle(const Pair& pair, TimePoint now);
  void begin(const Pair& pair, const TaskPtr& task, TimePoint now);
  void end(const std::string& uid);
  void remove(const std::string& folder);
  PairWatch* find(const std::string& uid);
  void plan(const PairWatch& watch);
  void unplan(const PairWatch& watch);
  TimePoint start_due(Agenda& agenda, std::set<std::string>& busy, std::size_t busy_max, bool check,
                      TimePoint now);
  TimePoint advance_busy(std::set<std::string>& busy, TimePoint now);
  TimePoint write(TimePoint now);

  RunContext& context_;
  Tasks& tasks_;
  const TargetBook& targets_;
  std::map<Pair, std::map<Age, api::ObjectKey>> tasks_of_;
  std::set<Pair> stale_;  // to be settled
  std::map<Pair, std::string> uid_of_;
  std::map<std::string, std::unique_ptr<PairWatch>> watches_;  // by uid
  std::map<std::string, std::string> folder_of_;               // by uid
  Agenda looks_;
  Agenda checks_;
  std::set<std::string> looking_;   // uids: busy with a look alone
  std::set<std::string> checking_;  // uids: busy with a look and a check
  std::set<std::string> unwritten_;
  int folders_ = 0;
};

}  // namespace tidelock::agent
