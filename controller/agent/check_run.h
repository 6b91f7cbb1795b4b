// SPDX-License-Identifier: Apache-2.0
// One run of a health check: a process of its own or a request, ended at the check's timeout.
//
//   start() → Running ─exit or answer→ Done
//               └timeout: result, kill→ Killing ─exit, or patience is over→ Done
// No part of a task: not journalled, no locks, no log. Its process and all descendants hold a lock
// file of their own; whatever of them outlives the check is killed, at the latest by the next agent.
#pragma once

#include <optional>
#include <string>

#include "controller/agent/run_context.h"
#include "controller/agent/step_job.h"
#include "controller/agent/step_outputs.h"

namespace tidelock::agent {

class CheckRun {
 public:
  // `folder` is for this watch of the pair alone.
  CheckRun(RunContext& context, api::HealthCheck check, std::string uid, std::string folder);

  void start(const StepTask& task, TimePoint now);
  void output(std::string_view bytes);
  void exited(const ProcessEvent& event, TimePoint now);
  void fetched(const Result<std::string>& result);
  bool owns(ProcessId process) const { return process_ == process; }
  bool owns_ticket(Ticket ticket) const { return ticket_ == ticket; }
  // Does what is due; returns when to be called again at the latest.
  TimePoint advance(TimePoint now);
  // Nobody wants to know any more: kills what runs.
  void end();

  bool done() const { return state_ == State::Done; }
  // Of one that is done. An error has one line for the status, without secrets.
  const Result<void>& result() const { return *result_; }

 private:
  enum class State { Running, Killing, Done };
  Result<void> start_script(const StepTask& task, const api::ScriptStep& script);
  void fail_with(const std::string& message);

  RunContext& context_;
  const api::HealthCheck check_;
  const std::string uid_;
  const std::string folder_;
  const std::string lock_file_;
  std::shared_ptr<const Masker> masker_;
  Masker::Stream stream_{nullptr};
  LastLine last_line_;
  State state_ = State::Running;
  std::optional<Result<void>> result_;
  std::optional<ProcessId> process_;
  std::optional<Ticket> ticket_;
  TimePoint next_ = kNever;
};

}  // namespace tidelock::agent
