// SPDX-License-Identifier: Apache-2.0
// One attempt of one step, from its journalled start to a result that is proven.
//
//   Waiting ─start()→ Running ─exit→ Done
//                        └stop()→ Stopping ─grace→ Killing ─exit→ Proving ─lock free→ Done
// An adopted one (the agent that started it is gone) is Running without a process of ours: it is
// Done when its lock file is free, and its exit code is unknown.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "controller/agent/masker.h"
#include "controller/agent/run_context.h"
#include "controller/agent/step_job.h"
#include "controller/agent/step_outputs.h"
#include "controller/agent/task_values.h"

namespace tidelock::agent {

class StepRun {
 public:
  StepRun(RunContext& context, const api::DeploymentTask& task, int index, api::StepStatus status);
  static StepRun adopted(RunContext& context, const api::DeploymentTask& task, int index,
                         api::StepStatus status, const StepRecord& record);

  int index() const { return index_; }
  const api::StepStatus& status() const { return status_; }
  const std::string& lock_file() const { return lock_file_; }
  bool waiting() const { return state_ == State::Waiting; }
  bool done() const { return state_ == State::Done; }
  // Nobody can say whether a process of it lives, for so long that it must be shown.
  bool unproven() const { return unproven_; }

  void start(const StepTask& task, TimePoint now);
  void output(std::string_view bytes, TimePoint now);
  void exited(const ProcessEvent& event, TimePoint now);
  void fetched(const Result<std::string>& result, TimePoint now);
  bool owns(ProcessId process) const { return process_ == process; }
  bool owns_ticket(Ticket ticket) const { return ticket_ == ticket; }
  // Ends it as TimedOut or Cancelled, as soon as its death is proven.
  void stop(api::StepPhase as, TimePoint now);
  // Does what is due; returns when to be called again at the latest.
  TimePoint advance(TimePoint now);

 private:
  enum class State { Waiting, Running, Stopping, Killing, Proving, Done };
  void start_script(const StepTask& task, const api::ScriptStep& script, TimePoint now);
  void start_package(const StepTask& task, const api::PackageStep& package, TimePoint now);
  void start_http(const StepTask& task, const api::HttpStep& http, TimePoint now);
  void await(Ticket ticket);
  TimePoint watch_adopted(TimePoint now);
  TimePoint prove(TimePoint now);
  void write_log(const std::string& text, TimePoint now);
  void read_outputs();
  void finish(api::StepPhase phase, std::string message, TimePoint now);

  RunContext* context_;
  std::string uid_;
  api::ObjectKey task_;
  api::Step step_;
  int index_;
  api::StepStatus status_;
  std::string lock_file_;
  std::string output_file_;
  std::shared_ptr<const Masker> masker_;
  Masker::Stream stream_{nullptr};
  LastLine last_line_;
  State state_ = State::Waiting;
  bool adopted_ = false;
  bool unproven_ = false;
  std::optional<ProcessId> process_;
  std::optional<Ticket> ticket_;
  std::optional<api::StepPhase> stopped_as_;
  TimePoint deadline_;       // of the step
  TimePoint next_ = kNever;  // of what the state waits for
  TimePoint proving_since_;  // first SIGKILL, or the exit
};

}  // namespace tidelock::agent
