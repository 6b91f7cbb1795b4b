// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/pair_watch.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/agent/drift.h"
#include "controller/agent/secret_values.h"
#include "controller/api/codec.h"
#include "controller/base/log.h"

namespace tidelock::agent {
namespace {

constexpr Duration kIntervalMin = std::chrono::milliseconds(100);
constexpr Duration kRetry = std::chrono::seconds(1);
constexpr int kUntoldMax = 3;

int threshold_of(const api::DeploymentTaskSpec& task) {
  return task.health_check ? std::max(1, task.health_check->failure_threshold) : 1;
}

}  // namespace

PairWatch::PairWatch(RunContext& context, TaskPtr task, TargetPtr target, std::string folder,
                     TimePoint now)
    : context_(context),
      task_(std::move(task)),
      target_(std::move(target)),
      folder_(std::move(folder)),
      verdict_(threshold_of(task_->spec), task_->status.health),
      drift_(task_->status.drift),
      look_at_(now) {
  if (spec().health_check) check_at_ = now;
}

void PairWatch::look(bool check, TimePoint now) {
  begun_ = now;
  check_wanted_ = check;
  look_ = std::make_shared<Look>();
  ticket_ = context_.outside.fetcher.start(
      [look = look_, directory = InstallDirectory(context_.outside.disk,
                                                  spec().install_directory)]() mutable
      -> Result<std::string> {
        look->found = directory.look();
        return "";
      });
  context_.tickets[*ticket_] = uid();
}

void PairWatch::process_event(const ProcessEvent& event, TimePoint now) {
  if (!check_ || !check_->owns(event.id)) return;
  if (event.kind == ProcessEvent::Kind::Output) return check_->output(event.bytes);
  check_->exited(event, now);
}

void PairWatch::ticket_done(const FetchDone& done, TimePoint now) {
  if (check_ && check_->owns_ticket(done.ticket)) return check_->fetched(done.result);
  if (ticket_ != done.ticket) return;
  ticket_.reset();
  if (!done.result) look_->found = fail(done.result.error());
  looked(now);
}

void PairWatch::looked(TimePoint now) {
  const std::shared_ptr<Look> look = std::move(look_);
  look_.reset();
  look_at_ = now + context_.options.drift_interval;
  if (check_wanted_) {
    check_at_ = std::max(now, begun_ + std::max(spec().health_check->interval, kIntervalMin));
  }
  if (!look->found) return cannot_tell(look->found.error(), now);
  untold_ = 0;
  set_drift(drift_of(spec(), *look->found), now);
  if (check_wanted_ && !drift_) start_check(look->found->receipt.folder, now);
}

// An error of the disk may pass by; one that stays is a difference like any other.
void PairWatch::cannot_tell(const Error& error, TimePoint now) {
  if (++untold_ < kUntoldMax) {
    look_at_ = now + kRetry;
    return;
  }
  set_drift(api::DriftReport{TimePoint{}, "", "", "what is installed cannot be read: " + error.message},
            now);
}

void PairWatch::set_drift(std::optional<api::DriftReport> drift, TimePoint now) {
  if (drift) drift->since = drift_ ? drift_->since : now;
  if (drift == drift_) return;
  if (drift) {
    log_warn("drift", {{"task", key().name}, {"directory", spec().install_directory},
                       {"message", drift->message}});
    verdict_.forget();  // what works there, if anything, is something else
  } else {
    log_info("drift is over", {{"task", key().name}});
  }
  drift_ = std::move(drift);
  dirty_ = true;
}

void PairWatch::start_check(const std::string& release_folder, TimePoint now) {
  if (!values_) {
    const auto secrets = read_secrets(context_.outside.api, key().ns, secrets_of(spec()));
    if (!secrets) {
      const bool final = secrets.error().reason == Reason::NotFound ||
                         secrets.error().reason == Reason::Forbidden;
      if (final) return take_result(fail(secrets.error()), now);
      check_at_ = now + kRetry;
      return;
    }
    values_.emplace(spec(), *secrets, target_.get());
  }
  const std::string path =
      InstallDirectory(context_.outside.disk, spec().install_directory).release_path(release_folder);
  begun_ = now;
  check_ = std::make_unique<CheckRun>(context_, *spec().health_check, uid(), folder_);
  check_->start({*task_, *values_, task_->status.steps, path}, now);
}

TimePoint PairWatch::advance(TimePoint now) {
  if (!check_) return kNever;
  const TimePoint next = check_->advance(now);
  if (!check_->done()) return next;
  const Result<void> result = check_->result();
  check_.reset();
  check_at_ = std::max(now, begun_ + std::max(spec().health_check->interval, kIntervalMin));
  look_at_ = std::max(look_at_, now + context_.options.drift_interval);
  take_result(result, now);
  return now;
}

void PairWatch::take_result(const Result<void>& result, TimePoint now) {
  // A secret may have been changed since it was read.
  if (!result && !secrets_of(spec()).empty()) values_.reset();
  const bool changed =
      result ? verdict_.succeeded(now) : verdict_.failed(result.error().message, now);
  if (!changed) return;
  dirty_ = true;
  log_info(result ? "healthy" : "unhealthy",
           {{"task", key().name}, {"message", verdict_.report()->message}});
}

void PairWatch::end() {
  if (check_) check_->end();
}

client::Call PairWatch::write(const std::string& resource_version) {
  api::DeploymentTask holder;
  holder.status.health = verdict_.report();
  holder.status.drift = drift_;
  const nlohmann::json all = api::encode_status(holder);
  nlohmann::json status = nlohmann::json::object();
  for (const char* field : {"health", "drift"}) {
    status[field] = all.contains(field) ? all[field] : nlohmann::json(nullptr);
  }
  client::Call call;
  call.verb = client::Call::Verb::Patch;
  call.resource = client::resource_of<api::DeploymentTask>();
  call.ns = key().ns;
  call.name = key().name;
  call.subresource = "status";
  call.body = nlohmann::json{{"metadata", {{"resourceVersion", resource_version}}},
                             {"status", std::move(status)}}
                  .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  return call;
}

void PairWatch::written(const Result<std::string>& result, TimePoint now) {
  if (result) {
    dirty_ = false;
    write_failures_ = 0;
    return;
  }
  // A conflict too: the cache has the newer version soon.
  const Error& error = result.error();
  if (error.reason != Reason::Conflict && error.reason != Reason::NotFound) {
    log_warn("report not written", {{"task", key().name}, {"error", error.message}});
  }
  write_at_ = now + status_retry(write_failures_);
  ++write_failures_;
}

}  // namespace tidelock::agent
