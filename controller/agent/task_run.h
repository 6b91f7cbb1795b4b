// SPDX-License-Identifier: Apache-2.0
// One task on this machine, from its first grant to the acknowledged terminal status.
//
//   Idle ─grant→ Preparing ─folder→ Running ─group done→ Idle … ─no step left→ Finishing
//   Finishing ─installed, receipt read→ Reporting ─status acknowledged→ Over
// A run that is made after a restart of the agent begins with what journal and status say together:
// see task_recovery.cc. advance() decides and queues journal records; start_journalled() starts what
// they stand for once they are durable; write() is the status that the API does not have yet.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/agent/install_directory.h"
#include "controller/agent/run_context.h"
#include "controller/agent/step_run.h"
#include "controller/agent/task_values.h"

namespace tidelock::agent {

using TaskPtr = std::shared_ptr<const api::DeploymentTask>;
using TargetPtr = std::shared_ptr<const api::Target>;

class TaskRun {
 public:
  TaskRun(RunContext& context, TaskPtr task, TargetPtr target, TimePoint now);
  ~TaskRun();
  TaskRun(const TaskRun&) = delete;
  TaskRun& operator=(const TaskRun&) = delete;

  const std::string& uid() const { return task_->metadata.uid; }
  api::ObjectKey key() const { return task_->metadata.key(); }
  // A newer version of the object; null: it is gone, and what runs is killed.
  void set_task(TaskPtr task, TimePoint now);

  // Secrets that its variables name; the answers by variable name, all at once.
  bool needs_secrets(TimePoint now) const;
  std::map<std::string, api::SecretKeyReference> secrets() const;
  void set_secrets(const std::map<std::string, std::string>& values);
  void secrets_failed(const Error& error, TimePoint now);

  void process_event(const ProcessEvent& event, TimePoint now);
  void ticket_done(const FetchDone& done, TimePoint now);
  void advance(TimePoint now);
  bool has_journalled() const;
  void start_journalled(TimePoint now);

  std::optional<client::Call> write(TimePoint now);
  void written(const Result<std::string>& result, TimePoint now);

  // Reported, or nobody wants a report any more.
  bool over() const { return stage_ == Stage::Over; }
  TimePoint due() const { return due_; }
  void touch() { due_ = TimePoint{}; }

 private:
  enum class Stage { Idle, Preparing, Running, Finishing, Reporting, Over };
  struct Finish;  // filled by a disk job
  struct Ending {
    api::TaskPhase phase = api::TaskPhase::Succeeded;
    std::string reason;
    std::string message;
  };

  void recover(const TaskRecord* record);
  void recover_step(int index, const StepRecord& record);

  bool advance_once(TimePoint now);
  bool advance_idle(TimePoint now);
  bool advance_running(TimePoint now);
  const api::TaskGrant* new_grant() const;
  bool refused_by_lock(const api::TaskGrant& grant);
  void hold_locks(const api::TaskGrant& grant);
  void free_locks();
  void free_step_locks();
  void prepare();
  void start_group(const api::TaskGrant& grant, TimePoint now);
  bool wants_to_run(int index, bool failed);
  void start_step(int index, const api::TaskGrant& grant, TimePoint now);
  void watch_timeout(TimePoint now);
  void stop_all(api::StepPhase as, TimePoint now);
  void settle_group(TimePoint now);
  void allow_retries(TimePoint now);
  void skip_ahead();
  bool failed_before(int index) const;
  int first_pending() const;
  std::optional<Ending> outcome() const;
  std::optional<Ending> ending_of_steps() const;
  Ending cancelled() const;

  void abandon(TimePoint now);
  void end(Ending ending, TimePoint now);
  void start_finish();
  void finished(TimePoint now);
  bool advance_finishing(TimePoint now);
  void become_over();

  std::string status_body() const;
  void status_phase(api::DeploymentTaskStatus& status) const;
  void status_ending(api::DeploymentTaskStatus& status) const;
  void status_unproven(api::DeploymentTaskStatus& status) const;
  TimePoint write_due() const;
  const api::DeploymentTaskSpec& spec() const { return task_->spec; }
  StepTask step_task() const;

  RunContext& context_;
  TaskPtr task_;
  TargetPtr target_;
  Stage stage_ = Stage::Idle;
  TimePoint due_;
  std::optional<TaskValues> values_;
  TimePoint secrets_at_;        // not before: an earlier try failed
  std::string folder_;          // below releases/; empty = not prepared
  bool work_folder_made_ = false;
  api::Fence fence_;            // highest that was accepted
  api::Fence refused_;          // last one that was refused, to say so once
  std::vector<api::StepStatus> steps_;
  std::vector<StepRun> runs_;   // of the group
  std::optional<TimePoint> timed_out_at_;  // the task
  bool timeout_told_ = false;   // that its time is up although it is not proven dead
  bool abandoned_ = false;
  Duration executed_{0};        // by groups that are done
  TimePoint group_started_;
  std::optional<TimePoint> started_at_;

  std::optional<Ticket> ticket_;  // of Preparing and Finishing
  std::shared_ptr<Finish> finish_;
  std::optional<Ending> ending_;
  TimePoint finished_at_;
  TimePoint finish_at_;  // not before: the receipt could not be read
  std::string reported_version_;
  std::string reported_digest_;
  bool nothing_installed_ = false;

  bool dirty_ = false;          // the API does not have the newest status
  bool running_written_ = false;  // of this group
  bool orphaned_ = false;       // as the API has it
  bool shortened_ = false;      // the server refused the full status
  int write_failures_ = 0;
  TimePoint write_at_;
  std::string version_;         // newest of the object that is known: what a write is conditional on
};

}  // namespace tidelock::agent
