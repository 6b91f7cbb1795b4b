// SPDX-License-Identifier: Apache-2.0
// The end of a task, and what it tells the API.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/agent/drift.h"
#include "controller/agent/task_run.h"
#include "controller/api/codec.h"
#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/base/plant.h"
#include "controller/client/json_scan.h"

namespace tidelock::agent {
namespace {

constexpr Duration kRunningWriteAfter = std::chrono::seconds(1);
constexpr int kReceiptTries = 15;
constexpr Duration kReceiptRetry = std::chrono::seconds(1);

Receipt receipt_of(const api::DeploymentTaskSpec& spec, const std::string& folder, TimePoint now) {
  Receipt receipt;
  receipt.project = spec.project;
  receipt.version = spec.version;
  receipt.digest = spec.digest;
  receipt.environment = spec.environment;
  receipt.tenant = spec.tenant;
  receipt.target = spec.target;
  receipt.installation_uid = spec.installation_uid;
  receipt.attempt = spec.attempt;
  receipt.time = now;
  receipt.folder = folder;
  return receipt;
}

}  // namespace

struct TaskRun::Finish {
  Result<void> installed;
  Result<Receipt> receipt;  // as read back
  int tries = 0;            // at reading it
};

void TaskRun::end(Ending ending, TimePoint now) {
  ending_ = std::move(ending);
  stage_ = Stage::Finishing;
  finished_at_ = now;
  finish_at_ = now;
  context_.logs.end(key());
  finish_ = std::make_shared<Finish>();
  for (api::StepStatus& step : steps_) {
    if (step.phase == api::StepPhase::Pending) step.phase = api::StepPhase::Cancelled;
  }
  start_finish();
}

// On success the release becomes current (or the installation goes); in any case the receipt is
// read, for it alone says what the target has.
void TaskRun::start_finish() {
  const bool installs = ending_->phase == api::TaskPhase::Succeeded && finish_->tries == 0;
  ticket_ = context_.outside.fetcher.start(
      [finish = finish_, installs,
       directory = InstallDirectory(context_.outside.disk, spec().install_directory),
       receipt = receipt_of(spec(), folder_, finished_at_), keep = spec().retention_releases,
       alone = installs_alone(spec()),
       removes = spec().action == api::Action::Remove,
       uid = spec().installation_uid]() mutable -> Result<std::string> {
        if (installs) {
          finish->installed =
              removes ? directory.remove(uid) : directory.finish(std::move(receipt), keep, alone);
        }
        finish->receipt = directory.read_receipt();
        return "";
      });
  context_.tickets[*ticket_] = uid();
}

// A receipt that cannot be read is no proof that nothing is installed.
void TaskRun::finished(TimePoint now) {
  if (!finish_->receipt && ++finish_->tries < kReceiptTries) {
    finish_at_ = now + kReceiptRetry;
    return;
  }
  stage_ = Stage::Reporting;
  dirty_ = true;
  if (finish_->receipt) {
    reported_version_ = TIDELOCK_PLANT(ReportTheWish) ? spec().version : finish_->receipt->version;
    reported_digest_ = finish_->receipt->digest;
    nothing_installed_ = reported_digest_.empty();
  } else {
    log_error("receipt cannot be read",
              {{"task", key().name}, {"error", finish_->receipt.error().message}});
  }
  if (!finish_->installed) {
    ending_ = Ending{api::TaskPhase::Failed, "InstallDirectory", finish_->installed.error().message};
  }
  finish_.reset();
}

bool TaskRun::advance_finishing(TimePoint now) {
  if (ticket_) return false;
  if (now >= finish_at_) {
    start_finish();
  } else {
    due_ = std::min(due_, finish_at_);
  }
  return false;
}

void TaskRun::become_over() {
  if (stage_ == Stage::Over) return;
  stage_ = Stage::Over;
  due_ = kNever;
  dirty_ = false;
  context_.logs.end(key());
  context_.journal.forget(uid());
  free_locks();
  // Nobody waits for it.
  context_.outside.fetcher.start(
      [&disk = context_.outside.disk, path = context_.task_folder(uid())]() -> Result<std::string> {
        auto removed = disk.remove_all(path);
        if (!removed) return fail(removed.error());
        return "";
      });
}

// When the API should hear something. The results of the last step and of the task go together, so
// nothing is written while the release is made current.
TimePoint TaskRun::write_due() const {
  if (abandoned_ || stage_ == Stage::Finishing || stage_ == Stage::Over) return kNever;
  if (dirty_) return write_at_;
  if (stage_ != Stage::Running || running_written_ || runs_.empty()) return kNever;
  return std::max(write_at_, group_started_ + kRunningWriteAfter);
}

void TaskRun::status_phase(api::DeploymentTaskStatus& status) const {
  if (stage_ == Stage::Reporting) return status_ending(status);
  if (timeout_told_) {
    status.reason = "TaskTimeout";
    status.message = "its time of " + format_duration(*spec().timeout) +
                     " is up, but its processes are not proven dead yet; its locks are kept";
  }
  status_unproven(status);
}

void TaskRun::status_ending(api::DeploymentTaskStatus& status) const {
  status.phase = ending_->phase;
  status.reason = ending_->reason;
  status.message = shortened(printable(ending_->message), limits::kStepMessageBytesMax);
  if (values_) status.message = values_->masker()->mask(status.message);
  status.finished_at = finished_at_;
  status.reported_version = reported_version_;
  status.reported_digest = reported_digest_;
  status.nothing_installed = nothing_installed_;
}

void TaskRun::status_unproven(api::DeploymentTaskStatus& status) const {
  for (const StepRun& run : runs_) {
    if (!run.unproven()) continue;
    const api::StepStatus& step = run.status();
    status.phase = api::TaskPhase::Orphaned;
    if (status.reason.empty()) status.reason = "LivenessUnknown";
    status.message = "step " + step.name + " started at " + format_time(*step.started_at) +
                     ": it cannot be told whether a process of it still runs";
    return;
  }
}

// A merge patch of the agent's own fields; `grant` and the rest are the planner's.
std::string TaskRun::status_body() const {
  api::DeploymentTaskStatus status;
  status.steps = steps_;
  for (api::StepStatus& step : status.steps) {
    if (shortened_) step.outputs.clear();
  }
  status.started_at = started_at_;
  status.phase = api::TaskPhase::Running;
  status_phase(status);
  api::DeploymentTask holder;
  holder.status = std::move(status);
  const nlohmann::json all = api::encode_status(holder);
  nlohmann::json patch = nlohmann::json::object();
  for (const char* field : {"steps", "startedAt", "finishedAt", "reason", "message",
                            "reportedVersion", "reportedDigest", "nothingInstalled"}) {
    if (all.contains(field)) patch[field] = all[field];
  }
  const bool orphaned = holder.status.phase == api::TaskPhase::Orphaned;
  // Running is the planner's word, but it is the agent that takes Orphaned back.
  if (holder.status.phase != api::TaskPhase::Running || orphaned_) patch["phase"] = all["phase"];
  if (orphaned_ && holder.status.phase == api::TaskPhase::Running && !timeout_told_) {
    patch["reason"] = nullptr;
    patch["message"] = nullptr;
  }
  if (!orphaned && stage_ != Stage::Reporting) patch.erase("finishedAt");
  // Conditional: a write that was held up on its way must not undo what was reported since, for nobody
  // would report it again.
  return nlohmann::json{{"metadata", {{"resourceVersion", version_}}}, {"status", std::move(patch)}}.dump(
      -1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::optional<client::Call> TaskRun::write(TimePoint now) {
  if (write_due() > now) return std::nullopt;
  client::Call call;
  call.verb = client::Call::Verb::Patch;
  call.resource = client::resource_of<api::DeploymentTask>();
  call.ns = key().ns;
  call.name = key().name;
  call.subresource = "status";
  call.body = status_body();
  return call;
}

void TaskRun::written(const Result<std::string>& result, TimePoint now) {
  due_ = now;
  if (result) {
    version_ = client::json_string(
        client::json_member(client::json_member(*result, "metadata"), "resourceVersion"));
    dirty_ = false;
    write_failures_ = 0;
    running_written_ = stage_ == Stage::Running;
    orphaned_ = std::any_of(runs_.begin(), runs_.end(),
                            [](const StepRun& run) { return run.unproven(); });
    if (stage_ == Stage::Reporting) become_over();
    return;
  }
  const Error& error = result.error();
  if (error.reason == Reason::NotFound) return abandon(now);
  if (error.reason == Reason::Invalid || error.reason == Reason::RequestEntityTooLarge) {
    log_error("task status was refused", {{"task", key().name}, {"error", error.message}});
    shortened_ = true;
  }
  dirty_ = true;
  write_at_ = now + status_retry(write_failures_);
  ++write_failures_;
}

}  // namespace tidelock::agent
