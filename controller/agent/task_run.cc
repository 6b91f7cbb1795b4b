// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/task_run.h"

#include <algorithm>

#include "controller/agent/secret_values.h"
#include "controller/api/codec.h"
#include "controller/api/when.h"
#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/base/plant.h"
#include "controller/client/reflector.h"

namespace tidelock::agent {
namespace {

constexpr Duration kSecretRetry = std::chrono::seconds(1);
constexpr std::size_t kWaitsMax = 20;
constexpr Duration kRefusedRetry = std::chrono::seconds(1);
constexpr Duration kTimeoutToldAfter = std::chrono::seconds(1);

bool failed_phase(api::StepPhase phase) {
  return phase == api::StepPhase::Failed || phase == api::StepPhase::TimedOut;
}

}  // namespace

TaskRun::TaskRun(RunContext& context, TaskPtr task, TargetPtr target, TimePoint now)
    : context_(context), task_(std::move(task)), target_(std::move(target)), due_(now) {
  version_ = task_->metadata.resource_version;
  if (secrets().empty()) set_secrets({});
  recover(context_.journal.find(uid()));
}

TaskRun::~TaskRun() = default;

void TaskRun::set_task(TaskPtr task, TimePoint now) {
  due_ = now;
  const bool wanted = task != nullptr && !api::is_terminal(task->status.phase);
  if (task != nullptr) {
    task_ = std::move(task);
    if (client::older_version(version_, task_->metadata.resource_version)) {
      version_ = task_->metadata.resource_version;
      write_at_ = now;  // a conflict is over
    }
  }
  if (!wanted && stage_ != Stage::Over) abandon(now);
}

// The object is gone, or somebody ended it: what runs is killed, and nothing more is written.
void TaskRun::abandon(TimePoint now) {
  abandoned_ = true;
  stop_all(api::StepPhase::Cancelled, now);
  // A disk job that still works in the install directory ends first.
  if (runs_.empty() && !ticket_) become_over();
}

bool TaskRun::needs_secrets(TimePoint now) const {
  return !values_ && stage_ == Stage::Idle && now >= secrets_at_ && new_grant() != nullptr;
}

std::map<std::string, api::SecretKeyReference> TaskRun::secrets() const {
  return secrets_of(spec());
}

void TaskRun::set_secrets(const std::map<std::string, std::string>& values) {
  values_.emplace(spec(), values, target_.get());
}

void TaskRun::secrets_failed(const Error& error, TimePoint now) {
  due_ = now;
  const bool final = error.reason == Reason::NotFound || error.reason == Reason::Forbidden;
  if (final) return end({api::TaskPhase::Failed, "SecretMissing", error.message}, now);
  secrets_at_ = now + kSecretRetry;
}

void TaskRun::process_event(const ProcessEvent& event, TimePoint now) {
  for (StepRun& run : runs_) {
    if (!run.owns(event.id)) continue;
    if (event.kind == ProcessEvent::Kind::Output) {
      run.output(event.bytes, now);
    } else {
      run.exited(event, now);
      due_ = now;
    }
    return;
  }
}

void TaskRun::ticket_done(const FetchDone& done, TimePoint now) {
  due_ = now;
  if (ticket_ == done.ticket) {
    ticket_.reset();
    if (abandoned_) return become_over();
    if (stage_ == Stage::Finishing) return finished(now);
    if (stage_ != Stage::Preparing) return;
    stage_ = Stage::Idle;
    if (done.result) {
      folder_ = *done.result;
    } else {
      end({api::TaskPhase::Failed, "InstallDirectory", done.result.error().message}, now);
    }
    return;
  }
  for (StepRun& run : runs_) {
    if (run.owns_ticket(done.ticket)) return run.fetched(done.result, now);
  }
}

void TaskRun::advance(TimePoint now) {
  due_ = kNever;
  while (advance_once(now)) {
  }
  due_ = std::min(due_, write_due());
}

// True: something changed, look again.
bool TaskRun::advance_once(TimePoint now) {
  switch (stage_) {
    case Stage::Idle: return advance_idle(now);
    case Stage::Running: return advance_running(now);
    case Stage::Finishing: return advance_finishing(now);
    case Stage::Preparing:
    case Stage::Reporting:
    case Stage::Over: return false;
  }
  return false;
}

bool TaskRun::advance_idle(TimePoint now) {
  const api::TaskGrant* grant = new_grant();
  if (spec().cancel && task_->status.phase != api::TaskPhase::Pending) {
    end(cancelled(), now);
    return true;
  }
  if (grant == nullptr) return false;
  if (refused_by_lock(*grant)) {
    // Its holder may end without a word about this task.
    due_ = std::min(due_, now + kRefusedRetry);
    return false;
  }
  if (!values_) {
    due_ = std::min(due_, secrets_at_);
    return false;
  }
  if (spec().timeout && executed_ >= *spec().timeout) {
    end({api::TaskPhase::TimedOut, "TaskTimeout",
         "ran for " + format_duration(executed_) + ", allowed are " +
             format_duration(*spec().timeout)},
        now);
    return true;
  }
  hold_locks(*grant);
  if (spec().action != api::Action::Remove && folder_.empty()) {
    prepare();
    return false;
  }
  start_group(*grant, now);
  return true;
}

const api::TaskGrant* TaskRun::new_grant() const {
  const api::DeploymentTaskStatus& status = task_->status;
  if (status.phase != api::TaskPhase::Running || !status.grant) return nullptr;
  if (status.grant->step_count == 0 && !spec().steps.empty()) return nullptr;
  return status.grant->fence > fence_ || TIDELOCK_PLANT(IgnoreGrantFence) ? &*status.grant : nullptr;
}

// Fences are kept of runs that are not over. The deployment locks of such a run are its own whatever
// the fence of another grant: its object may be gone while its processes still die, or a planner that
// lost its lease was late. The same holds for step locks while the step runs.
bool TaskRun::refused_by_lock(const api::TaskGrant& grant) {
  for (const auto* locks : {&grant.locks, &grant.step_locks}) {
    for (const api::TaskLock& lock : *locks) {
      if (lock.mode != api::LockMode::Exclusive) continue;
      const auto held = context_.lock_fences.find({key().ns, lock.instance});
      if (held == context_.lock_fences.end() || held->second.second == uid()) continue;
      if (refused_ != grant.fence) {
        log_warn("grant refused: another task that is not over holds the lock",
                 {{"task", key().name}, {"lock", lock.instance}});
      }
      refused_ = grant.fence;
      return true;
    }
  }
  return false;
}

void TaskRun::hold_locks(const api::TaskGrant& grant) {
  for (const auto* locks : {&grant.locks, &grant.step_locks}) {
    for (const api::TaskLock& lock : *locks) {
      if (lock.mode == api::LockMode::Exclusive) {
        context_.lock_fences[{key().ns, lock.instance}] = {grant.fence, uid()};
      }
    }
  }
}

void TaskRun::free_locks() {
  std::erase_if(context_.lock_fences,
                [this](const auto& entry) { return entry.second.second == uid(); });
}

void TaskRun::free_step_locks() {
  std::erase_if(context_.lock_fences, [this](const auto& entry) {
    return entry.second.second == uid() &&
           std::none_of(spec().locks.begin(), spec().locks.end(), [&](const api::TaskLock& lock) {
             return lock.instance == entry.first.second;
           });
  });
}

void TaskRun::prepare() {
  stage_ = Stage::Preparing;
  ticket_ = context_.outside.fetcher.start(
      [&disk = context_.outside.disk, path = spec().install_directory, version = spec().version,
       digest = spec().digest, attempt = spec().attempt]() {
        return InstallDirectory(disk, path).prepare(version, digest, attempt);
      });
  context_.tickets[*ticket_] = uid();
}

void TaskRun::start_group(const api::TaskGrant& grant, TimePoint now) {
  fence_ = grant.fence;
  stage_ = Stage::Running;
  running_written_ = false;
  group_started_ = now;
  if (!started_at_) started_at_ = now;
  const int end = std::min(grant.step + grant.step_count, static_cast<int>(steps_.size()));
  const bool failed = failed_before(grant.step);
  for (int i = std::max(0, grant.step); i < end; ++i) {
    if (steps_[static_cast<std::size_t>(i)].phase != api::StepPhase::Pending) continue;
    if (wants_to_run(i, failed)) start_step(i, grant, now);
  }
}

// False: it is skipped, or its condition cannot be read and it failed.
bool TaskRun::wants_to_run(int index, bool failed) {
  const auto i = static_cast<std::size_t>(index);
  const auto wanted = api::evaluate_when(spec().steps[i].step.when, failed,
                                         values_->lookup(steps_));
  if (wanted && *wanted) return true;
  steps_[i].phase = wanted ? api::StepPhase::Skipped : api::StepPhase::Failed;
  if (!wanted) {
    steps_[i].message = "when: " + wanted.error().message;
    steps_[i].attempt = spec().steps[i].step.retry.limit + 1;  // again would be the same
  }
  return false;
}

void TaskRun::start_step(int index, const api::TaskGrant& grant, TimePoint now) {
  api::StepStatus& status = steps_[static_cast<std::size_t>(index)];
  status.phase = api::StepPhase::Running;
  ++status.attempt;
  status.started_at = now;
  status.finished_at.reset();
  status.retry_at.reset();
  status.exit_code.reset();
  status.message.clear();
  status.outputs.clear();
  status.waits.insert(status.waits.end(), grant.waits.begin(), grant.waits.end());
  if (status.waits.size() > kWaitsMax) {
    status.waits.erase(status.waits.begin(), status.waits.end() - kWaitsMax);
  }
  runs_.emplace_back(context_, *task_, index, status);
  context_.journal.add_start({uid(), key().ns, key().name, spec().attempt,
                              api::to_integer(grant.fence), folder_, index, status.attempt,
                              runs_.back().lock_file(), now});
}

bool TaskRun::has_journalled() const {
  return std::any_of(runs_.begin(), runs_.end(), [](const StepRun& run) { return run.waiting(); });
}

void TaskRun::start_journalled(TimePoint now) {
  due_ = now;
  const bool scripts = std::any_of(runs_.begin(), runs_.end(), [](const StepRun& run) {
    return !run.lock_file().empty();
  });
  if (scripts && !work_folder_made_) {
    // A failure shows at the start of the process.
    work_folder_made_ = context_.outside.disk
                            .make_scratch_directories(context_.task_folder(uid()) + "/work", 0700)
                            .has_value();
  }
  for (StepRun& run : runs_) {
    if (run.waiting()) run.start(step_task(), now);
  }
}

StepTask TaskRun::step_task() const {
  return {*task_, *values_, steps_,
          InstallDirectory(context_.outside.disk, spec().install_directory).release_path(folder_)};
}

bool TaskRun::advance_running(TimePoint now) {
  if (spec().cancel && spec().cancel->mode == api::CancelMode::Now) {
    stop_all(api::StepPhase::Cancelled, now);
  }
  watch_timeout(now);
  bool done = true;
  bool unproven = false;
  for (StepRun& run : runs_) {
    const bool was_done = run.done();
    due_ = std::min(due_, run.advance(now));
    done = done && run.done();
    unproven = unproven || run.unproven();
    if (run.done() && !was_done) due_ = std::min(due_, now);
  }
  if (unproven != orphaned_) dirty_ = true;
  if (abandoned_ && unproven) free_locks();  // an operator freed what cannot be proven
  if (!done) return false;
  settle_group(now);
  return true;
}

// The locks stay until the death is proven; that the time is up is said when that is not soon.
void TaskRun::watch_timeout(TimePoint now) {
  if (!spec().timeout || runs_.empty()) return;
  const TimePoint deadline = group_started_ + (*spec().timeout - executed_);
  if (now < deadline) {
    due_ = std::min(due_, deadline);
    return;
  }
  if (!timed_out_at_) {
    timed_out_at_ = now;
    stop_all(api::StepPhase::TimedOut, now);
  }
  if (timeout_told_) return;
  if (now >= *timed_out_at_ + kTimeoutToldAfter) {
    timeout_told_ = true;
    dirty_ = true;
  } else {
    due_ = std::min(due_, *timed_out_at_ + kTimeoutToldAfter);
  }
}

void TaskRun::stop_all(api::StepPhase as, TimePoint now) {
  for (StepRun& run : runs_) run.stop(as, now);
}

void TaskRun::settle_group(TimePoint now) {
  for (const StepRun& run : runs_) {
    steps_[static_cast<std::size_t>(run.index())] = run.status();
    context_.journal.add_result(uid(), run.index(), run.status());
  }
  if (!runs_.empty()) executed_ += now - group_started_;
  runs_.clear();
  free_step_locks();
  stage_ = Stage::Idle;
  if (abandoned_) return become_over();
  auto ending = ending_of_steps();
  if (!ending) {
    if (!spec().cancel) allow_retries(now);
    skip_ahead();
    ending = outcome();
  }
  if (!ending && spec().cancel) {
    ending = cancelled();
  }
  if (ending) return end(std::move(*ending), now);
  dirty_ = true;
}

// Waiting too long for a lock is a failure; every other cancel is somebody's wish.
TaskRun::Ending TaskRun::cancelled() const {
  const api::TaskCancel& cancel = *spec().cancel;
  const bool late = cancel.reason == "LockWaitTimeout";
  return {late ? api::TaskPhase::Failed : api::TaskPhase::Cancelled, cancel.reason, cancel.message};
}

// What ends the task whatever steps are left.
std::optional<TaskRun::Ending> TaskRun::ending_of_steps() const {
  for (const api::StepStatus& step : steps_) {
    if (step.phase == api::StepPhase::Interrupted) {
      return Ending{api::TaskPhase::Interrupted, "AgentRestarted",
                    "step " + step.name + ": " + step.message};
    }
  }
  if (timed_out_at_) {
    return Ending{api::TaskPhase::TimedOut, "TaskTimeout",
                  "still running after " + format_duration(*spec().timeout)};
  }
  for (const api::StepStatus& step : steps_) {
    if (step.phase != api::StepPhase::Cancelled) continue;
    return spec().cancel ? cancelled() : Ending{api::TaskPhase::Cancelled, "Cancelled", ""};
  }
  return std::nullopt;
}

void TaskRun::allow_retries(TimePoint now) {
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const api::StepRetry& retry = spec().steps[i].step.retry;
    if (!failed_phase(steps_[i].phase) || steps_[i].attempt > retry.limit) continue;
    if (TIDELOCK_PLANT(RetrySameAttempt)) --steps_[i].attempt;
    steps_[i].phase = api::StepPhase::Pending;
    steps_[i].retry_at = steps_[i].finished_at.value_or(now) + retry.backoff;
  }
}

int TaskRun::first_pending() const {
  const auto found = std::find_if(steps_.begin(), steps_.end(), [](const auto& step) {
    return step.phase == api::StepPhase::Pending;
  });
  return found == steps_.end() ? -1 : static_cast<int>(found - steps_.begin());
}

bool TaskRun::failed_before(int index) const {
  return std::any_of(steps_.begin(), steps_.begin() + index,
                     [](const auto& step) { return failed_phase(step.phase); });
}

// Marks the next steps that will not run, up to the first group of which one will.
void TaskRun::skip_ahead() {
  if (!values_) return;
  for (int first = first_pending(); first >= 0; first = first_pending()) {
    if (steps_[static_cast<std::size_t>(first)].retry_at) return;  // its outcome decides
    const bool failed = failed_before(first);
    bool any_runs = false;
    for (auto i = static_cast<std::size_t>(first); i < steps_.size(); ++i) {
      const bool in_group = i == static_cast<std::size_t>(first) ||
                            spec().steps[i].step.start == api::StepStart::WithPrevious;
      if (!in_group) break;
      if (steps_[i].phase != api::StepPhase::Pending) continue;
      if (wants_to_run(static_cast<int>(i), failed)) any_runs = true;
    }
    if (any_runs) return;
  }
}

// How the task ends when no step is left; nullopt while one is.
std::optional<TaskRun::Ending> TaskRun::outcome() const {
  if (first_pending() >= 0) return std::nullopt;
  for (const api::StepStatus& step : steps_) {
    if (!failed_phase(step.phase)) continue;
    const bool late = step.phase == api::StepPhase::TimedOut;
    return Ending{late ? api::TaskPhase::TimedOut : api::TaskPhase::Failed,
                  late ? "StepTimeout" : "StepFailed", "step " + step.name + ": " + step.message};
  }
  return Ending{};
}

}  // namespace tidelock::agent
