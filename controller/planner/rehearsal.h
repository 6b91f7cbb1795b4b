// SPDX-License-Identifier: Apache-2.0
// What the planner would do with these facts if every write succeeded, and how long that would
// take: a planner of its own whose effects come back as facts of a copy, in a time of its own.
// Pure.
//
// settle() is what `tidectl plan` shows: tasks made, grants given, everybody else with what it
// waits for. run() goes on from there as if every step succeeded and took as long as the caller
// says; it knows nothing of failures, people or machines that come and go.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "controller/planner/facts.h"

namespace tidelock::planner {

class Rehearsal {
 public:
  // Time that a pair's task takes, as far as this rehearsal got.
  struct Times {
    std::optional<TimePoint> started;   // absent: it did not start
    std::optional<TimePoint> finished;  // succeeded then
  };
  // How long a step of a task takes; nullopt = nobody knows.
  using StepTime =
      std::function<std::optional<Duration>(const api::DeploymentTask& task, std::size_t step)>;

  Rehearsal(const Facts& facts, TimePoint now);

  // Writes all that can be written at this time. False: it did not come to rest.
  bool settle();
  // Ends when nothing moves any more, at `until`, or after `events_max` steps. What ended it
  // otherwise is in unknown(): the step whose time nobody knows. False: it did not come to an end.
  bool run(const StepTime& step_time, TimePoint until, int events_max);

  // A person's word comes in now.
  void add(api::Approval approval);

  Planner& planner() { return planner_; }
  const Facts& facts() const { return facts_; }
  TimePoint now() const { return now_; }
  const std::map<std::string, Times>& times() const { return times_; }  // by installation
  const std::string& unknown() const { return unknown_; }  // "step start of project shop on web-01"

 private:
  class Writer;
  void write(const Effect& effect);
  template <class T>
  void put(ByName<T>& objects, T object);
  template <class Kind>
  void erase(const char* kind, ByName<Kind>& objects, const std::string& name);
  template <class T, class Change>
  void change_status(ByName<T>& objects, const Change& change);
  // The task of a conditional write; null when it is not as the planner saw it.
  const api::DeploymentTask* current(const std::string& name, const std::string& based_on) const;
  void schedule(const api::DeploymentTask& task);
  void end_step_group(const std::string& name);
  void end_task(api::DeploymentTask task, api::TaskPhase phase);

  Facts facts_;
  Planner planner_;
  TimePoint now_;
  TimePoint next_plan_ = kNever;
  std::int64_t version_ = 0;
  const StepTime* step_time_ = nullptr;           // while run() is on
  std::multimap<TimePoint, std::string> agenda_;  // tasks whose granted steps are over then
  std::map<std::string, Times> times_;
  std::string unknown_;
};

}  // namespace tidelock::planner
