// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/step_run.h"

#include <csignal>

#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/base/plant.h"

namespace tidelock::agent {
namespace {

constexpr Duration kProbeInterval = std::chrono::milliseconds(200);
constexpr Duration kProbeIntervalMax = std::chrono::seconds(2);
constexpr Duration kProofPatience = std::chrono::seconds(10);

}  // namespace

StepRun::StepRun(RunContext& context, const api::DeploymentTask& task, int index,
                 api::StepStatus status)
    : context_(&context),
      uid_(task.metadata.uid),
      task_(task.metadata.key()),
      step_(task.spec.steps[static_cast<std::size_t>(index)].step),
      index_(index),
      status_(std::move(status)) {
  const std::string base = context.task_folder(uid_) + "/" + std::to_string(index) + "." +
                           std::to_string(status_.attempt);
  if (step_.script) lock_file_ = base + ".lock";
  output_file_ = base + ".out";
  deadline_ = *status_.started_at + step_.timeout;
}

StepRun StepRun::adopted(RunContext& context, const api::DeploymentTask& task, int index,
                         api::StepStatus status, const StepRecord& record) {
  StepRun run(context, task, index, std::move(status));
  run.lock_file_ = record.lock_file;
  run.adopted_ = true;
  run.state_ = State::Running;
  return run;
}

void StepRun::start(const StepTask& task, TimePoint now) {
  state_ = State::Running;
  masker_ = task.values.masker();
  stream_ = Masker::Stream(masker_);
  if (step_.script) return start_script(task, *step_.script, now);
  if (step_.package) return start_package(task, *step_.package, now);
  if (step_.http) return start_http(task, *step_.http, now);
  finish(api::StepPhase::Failed, "the step has nothing to do", now);
}

void StepRun::start_script(const StepTask& task, const api::ScriptStep& script, TimePoint now) {
  const std::string folder = context_->task_folder(uid_);
  ProcessSpec spec;
  spec.working_directory = folder + "/work";
  spec.lock_file = lock_file_;
  spec.environment = script_environment(task, step_.name, status_.attempt);
  spec.environment["PATH"] = context_->options.path;
  spec.environment["HOME"] = spec.working_directory;
  spec.environment["TIDELOCK_OUTPUT"] = output_file_;
  auto argv = script_argv(context_->outside.disk, script, folder + "/" + std::to_string(index_) + ".sh");
  if (!argv) return finish(api::StepPhase::Failed, argv.error().message, now);
  spec.argv = std::move(*argv);
  auto started = context_->outside.processes.start(spec);
  if (!started) return finish(api::StepPhase::Failed, started.error().message, now);
  process_ = *started;
  context_->processes[*started] = uid_;
}

void StepRun::start_package(const StepTask& task, const api::PackageStep& package, TimePoint now) {
  const api::Package* found = nullptr;
  for (const api::Package& candidate : task.object.spec.packages) {
    if (candidate.step == step_.name) found = &candidate;
  }
  if (found == nullptr) {
    return finish(api::StepPhase::Failed,
                  "release " + task.object.spec.version + " has no package for this step", now);
  }
  PackageJob job;
  job.url = found->url;
  job.sha256 = found->sha256;
  job.directory = task.install_path;
  job.substitute = package.substitute;
  if (!job.substitute.empty()) job.values = task.values.all(task.steps);
  await(context_->outside.fetcher.start(job));
}

void StepRun::start_http(const StepTask& task, const api::HttpStep& http, TimePoint now) {
  const auto job = http_job(task, http, step_.timeout);
  if (!job) return finish(api::StepPhase::Failed, job.error().message, now);
  await(context_->outside.fetcher.start(*job));
}

void StepRun::await(Ticket ticket) {
  ticket_ = ticket;
  context_->tickets[ticket] = uid_;
}

void StepRun::write_log(const std::string& text, TimePoint now) {
  last_line_.add(text);
  context_->logs.append(task_, {step_.name, status_.attempt}, text, now);
}

void StepRun::output(std::string_view bytes, TimePoint now) { write_log(stream_.write(bytes), now); }

void StepRun::exited(const ProcessEvent& event, TimePoint now) {
  process_.reset();
  write_log(stream_.finish(), now);
  status_.exit_code = event.exit_code;
  if (stopped_as_) {
    if (state_ != State::Killing) proving_since_ = now;
    state_ = State::Proving;
    next_ = now;
    return;
  }
  if (event.exit_code != 0) {
    const std::string last = last_line_.text();
    return finish(api::StepPhase::Failed, exit_text(event) + (last.empty() ? "" : ": " + last), now);
  }
  read_outputs();
  if (!status_.message.empty()) return finish(api::StepPhase::Failed, status_.message, now);
  finish(api::StepPhase::Succeeded, "", now);
}

// Leaves a message if they cannot be taken.
void StepRun::read_outputs() {
  const auto text =
      context_->outside.disk.read_file(output_file_, limits::kStepOutputFileBytesMax);
  if (!text && text.error().reason == Reason::NotFound) return;
  if (!text && text.error().reason == Reason::RequestEntityTooLarge) {
    status_.message = "TIDELOCK_OUTPUT: more than " +
                      std::to_string(limits::kStepOutputFileBytesMax) + " bytes";
    return;
  }
  if (!text) {
    status_.message = "TIDELOCK_OUTPUT: " + text.error().message;
    return;
  }
  auto outputs = parse_outputs(*text);
  if (!outputs) {
    status_.message = outputs.error().message;
    return;
  }
  for (auto& [name, value] : *outputs) status_.outputs[name] = masker_->mask(value);
}

void StepRun::fetched(const Result<std::string>& result, TimePoint now) {
  ticket_.reset();
  if (result && !result->empty()) write_log(masker_->mask(*result + "\n"), now);
  if (!result) write_log(masker_->mask(result.error().message + "\n"), now);
  if (stopped_as_) return finish(*stopped_as_, "", now);
  if (!result) return finish(api::StepPhase::Failed, result.error().message, now);
  finish(api::StepPhase::Succeeded, "", now);
}

void StepRun::stop(api::StepPhase as, TimePoint now) {
  if (stopped_as_ || done()) return;
  stopped_as_ = as;
  if (state_ == State::Waiting) return finish(as, "", now);
  if (ticket_) {
    context_->outside.fetcher.cancel(*ticket_);
  } else if (process_) {
    context_->outside.processes.signal(*process_, SIGTERM);
    state_ = State::Stopping;
    next_ = now + context_->options.kill_grace;
  } else {
    state_ = State::Proving;
    proving_since_ = now;
    next_ = now;
  }
}

TimePoint StepRun::advance(TimePoint now) {
  if (state_ == State::Running && !stopped_as_ && now >= deadline_) {
    stop(api::StepPhase::TimedOut, now);
  }
  switch (state_) {
    case State::Waiting: return kNever;
    case State::Running: return adopted_ ? watch_adopted(now) : stopped_as_ ? kNever : deadline_;
    case State::Stopping:
      if (now < next_) return next_;
      context_->outside.processes.signal(*process_, SIGKILL);
      state_ = State::Killing;
      proving_since_ = now;
      return now + kProofPatience;
    case State::Killing:
      // Stuck in the kernel.
      unproven_ = now - proving_since_ >= kProofPatience;
      return unproven_ ? kNever : proving_since_ + kProofPatience;
    case State::Proving: return prove(now);
    case State::Done: return kNever;
  }
  return kNever;
}

TimePoint StepRun::watch_adopted(TimePoint now) {
  if (now < next_ && next_ != kNever) return std::min(next_, deadline_);
  const Liveness liveness =
      lock_file_.empty() || TIDELOCK_PLANT(AdoptNothing)
          ? Liveness::Dead
          : context_->outside.processes.probe(lock_file_);
  if (liveness == Liveness::Dead) {
    finish(api::StepPhase::Interrupted, "the agent restarted while the step ran", now);
    return kNever;
  }
  unproven_ = liveness == Liveness::Unknown;
  next_ = now + (unproven_ ? kProbeIntervalMax : kProbeInterval);
  return std::min(next_, deadline_);
}

// Whatever left the process group is killed too; the result counts when the lock is free.
TimePoint StepRun::prove(TimePoint now) {
  if (now < next_) return next_;
  if (!lock_file_.empty() && !TIDELOCK_PLANT(TrustKill)) {
    if (context_->outside.processes.probe(lock_file_) != Liveness::Dead) {
      context_->outside.processes.kill_holders(lock_file_);
    }
    if (context_->outside.processes.probe(lock_file_) != Liveness::Dead) {
      unproven_ = now - proving_since_ >= kProofPatience;
      next_ = now + (unproven_ ? kProbeIntervalMax : kProbeInterval);
      return next_;
    }
  }
  finish(*stopped_as_, "", now);
  return kNever;
}

void StepRun::finish(api::StepPhase phase, std::string message, TimePoint now) {
  if (phase == api::StepPhase::TimedOut && message.empty()) {
    message = "still running after " + format_duration(now - *status_.started_at);
  }
  status_.phase = phase;
  status_.finished_at = now;
  if (masker_) message = masker_->mask(message);
  status_.message = shortened(printable(message), limits::kStepMessageBytesMax);
  unproven_ = false;
  state_ = State::Done;
}

}  // namespace tidelock::agent
