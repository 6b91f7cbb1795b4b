// SPDX-License-Identifier: Apache-2.0
// What became of the newest task of a pair that succeeded: is what it brought still installed
// (drift), and does it work (health)? Both are reported in the status of that task.
//
//   Idle ─look()→ Looking ─as it should be→ Checking → Idle      (Checking only if it was asked for)
//                    └drift, or it cannot be told→ Idle
// Holds no lock and no slot; the owner ends it before a newer task of the pair runs.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "controller/agent/check_run.h"
#include "controller/agent/health_verdict.h"
#include "controller/agent/install_directory.h"
#include "controller/agent/run_context.h"
#include "controller/agent/task_values.h"

namespace tidelock::agent {

class PairWatch {
 public:
  using TaskPtr = std::shared_ptr<const api::DeploymentTask>;
  using TargetPtr = std::shared_ptr<const api::Target>;

  // Begins with what the task's status has. `folder` is for this watch alone.
  PairWatch(RunContext& context, TaskPtr task, TargetPtr target, std::string folder, TimePoint now);

  const TaskPtr& task() const { return task_; }
  const std::string& uid() const { return task_->metadata.uid; }
  api::ObjectKey key() const { return task_->metadata.key(); }
  bool idle() const { return !look_ && !check_; }
  // When it wants to be looked at; a check comes with a look.
  TimePoint look_at() const { return look_at_; }
  TimePoint check_at() const { return check_at_; }
  void look(bool check, TimePoint now);
  // Calls for this watch's own processes and tickets; others are ignored.
  void process_event(const ProcessEvent& event, TimePoint now);
  void ticket_done(const FetchDone& done, TimePoint now);
  // Does what is due; returns when to be called again at the latest.
  TimePoint advance(TimePoint now);
  // A newer task runs, or the object is gone: kills what runs.
  void end();

  // When the API should hear something.
  TimePoint write_due() const { return dirty_ ? write_at_ : kNever; }
  // The report for this version of the object and no other.
  client::Call write(const std::string& resource_version);
  void written(const Result<std::string>& result, TimePoint now);

 private:
  struct Look {
    Result<InstalledState> found;
  };
  void looked(TimePoint now);
  void set_drift(std::optional<api::DriftReport> drift, TimePoint now);
  void cannot_tell(const Error& error, TimePoint now);
  void start_check(const std::string& release_folder, TimePoint now);
  void take_result(const Result<void>& result, TimePoint now);
  const api::DeploymentTaskSpec& spec() const { return task_->spec; }

  RunContext& context_;
  const TaskPtr task_;
  const TargetPtr target_;
  const std::string folder_;
  std::optional<TaskValues> values_;  // made for the first check, again after a failure
  HealthVerdict verdict_;
  std::optional<api::DriftReport> drift_;
  std::shared_ptr<Look> look_;        // filled by a disk job
  std::optional<Ticket> ticket_;      // of that
  bool check_wanted_ = false;
  std::unique_ptr<CheckRun> check_;
  TimePoint begun_;                   // look or check
  int untold_ = 0;                    // looks in a row that could not tell
  TimePoint look_at_;
  TimePoint check_at_ = kNever;

  bool dirty_ = false;
  TimePoint write_at_;
  int write_failures_ = 0;
};

}  // namespace tidelock::agent
