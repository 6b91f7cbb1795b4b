// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/check_run.h"

#include <csignal>

#include "controller/base/limits.h"

namespace tidelock::agent {
namespace {

constexpr const char* kStepName = "health-check";
constexpr Duration kKillPatience = std::chrono::seconds(5);

}  // namespace

CheckRun::CheckRun(RunContext& context, api::HealthCheck check, std::string uid, std::string folder)
    : context_(context),
      check_(std::move(check)),
      uid_(std::move(uid)),
      folder_(std::move(folder)),
      lock_file_(folder_ + "/lock") {}

void CheckRun::start(const StepTask& task, TimePoint now) {
  masker_ = task.values.masker();
  stream_ = Masker::Stream(masker_);
  next_ = now + check_.timeout;
  Result<void> started;
  if (check_.script) {
    started = start_script(task, *check_.script);
  } else if (check_.http) {
    const auto job = http_job(task, *check_.http, check_.timeout);
    if (job) ticket_ = context_.outside.fetcher.start(*job);
    if (job) context_.tickets[*ticket_] = uid_;
    if (!job) started = fail(job.error());
  } else {
    started = fail(Reason::Invalid, "the health check has nothing to do");
  }
  if (started) return;
  fail_with(started.error().message);
  state_ = State::Done;
}

Result<void> CheckRun::start_script(const StepTask& task, const api::ScriptStep& script) {
  ProcessSpec spec;
  spec.working_directory = folder_ + "/work";
  spec.lock_file = lock_file_;
  spec.environment = script_environment(task, kStepName, 1);
  spec.environment["PATH"] = context_.options.path;
  spec.environment["HOME"] = spec.working_directory;
  spec.environment["TIDELOCK_OUTPUT"] = "/dev/null";
  auto made = context_.outside.disk.make_scratch_directories(spec.working_directory, 0700);
  if (!made) return made;
  auto argv = script_argv(context_.outside.disk, script, folder_ + "/check.sh");
  if (!argv) return fail(argv.error());
  spec.argv = std::move(*argv);
  const auto started = context_.outside.processes.start(spec);
  if (!started && started.error().reason == Reason::Conflict) {
    context_.outside.processes.kill_holders(lock_file_);
    return fail(Reason::Conflict, "an earlier run of the check cannot be ended");
  }
  if (!started) return fail(started.error());
  process_ = *started;
  context_.processes[*started] = uid_;
  return {};
}

void CheckRun::fail_with(const std::string& message) {
  const std::string text = shortened(printable(masker_->mask(message)), limits::kStepMessageBytesMax);
  if (!result_) result_ = Result<void>(fail(Reason::ServiceUnavailable, text));
}

void CheckRun::output(std::string_view bytes) { last_line_.add(stream_.write(bytes)); }

void CheckRun::exited(const ProcessEvent& event, TimePoint now) {
  process_.reset();
  last_line_.add(stream_.finish());
  state_ = State::Done;
  if (context_.outside.processes.probe(lock_file_) != Liveness::Dead) {
    context_.outside.processes.kill_holders(lock_file_);
  }
  if (now >= next_) fail_with("no result after " + format_duration(check_.timeout));
  const std::string last = last_line_.text();
  if (event.exit_code != 0) fail_with(exit_text(event) + (last.empty() ? "" : ": " + last));
  if (!result_) result_ = Result<void>();
}

void CheckRun::fetched(const Result<std::string>& result) {
  ticket_.reset();
  state_ = State::Done;
  if (!result) fail_with(result.error().message);
  if (!result_) result_ = Result<void>();
}

TimePoint CheckRun::advance(TimePoint now) {
  if (state_ == State::Done || now < next_) return state_ == State::Done ? kNever : next_;
  if (state_ == State::Running) {
    fail_with("no result after " + format_duration(check_.timeout));
    end();
    state_ = State::Killing;
    next_ = now + kKillPatience;
    return next_;
  }
  // Stuck in the kernel. The next run will meet its lock file.
  state_ = State::Done;
  return kNever;
}

void CheckRun::end() {
  if (process_) context_.outside.processes.signal(*process_, SIGKILL);
  if (ticket_) context_.outside.fetcher.cancel(*ticket_);
}

}  // namespace tidelock::agent
