// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/journal.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/api/codec.h"
#include "controller/base/digest.h"
#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/base/plant.h"

namespace tidelock::agent {
namespace {

using nlohmann::json;

constexpr std::size_t kChecksumDigits = 16;

std::string line_of(const json& record) {
  const std::string text = record.dump(-1, ' ', false, json::error_handler_t::replace);
  return sha256_hex(text).substr(0, kChecksumDigits) + " " + text + "\n";
}

json start_record(const std::string& uid, const TaskRecord& task, int step, const StepRecord& run) {
  return {{"t", "start"},        {"uid", uid},
          {"ns", task.ns},       {"name", task.name},
          {"attempt", task.attempt}, {"fence", task.fence},
          {"folder", task.release_folder}, {"step", step},
          {"stepAttempt", run.attempt}, {"lock", run.lock_file},
          {"at", run.started_at.time_since_epoch().count()}};
}

json result_record(const std::string& uid, int step, const api::StepStatus& status) {
  // The codec has no StepStatus of its own; a status with one step has.
  api::DeploymentTask holder;
  holder.status.steps.push_back(status);
  return {{"t", "result"},
          {"uid", uid},
          {"step", step},
          {"status", api::encode_status(holder).at("steps").at(0)}};
}

Result<api::StepStatus> step_status_of(const json& value) {
  json holder{{"apiVersion", api::kApiVersion},
              {"kind", "DeploymentTask"},
              {"metadata", {{"name", "journal"}}},
              {"status", {{"phase", "Running"}, {"steps", json::array({value})}}}};
  auto task = api::decode<api::DeploymentTask>(holder);
  if (!task) return fail(task.error());
  if (task->status.steps.size() != 1) return fail(Reason::Invalid, "no step status");
  return task->status.steps[0];
}

}  // namespace

Result<Journal> Journal::open(Disk& disk, const std::string& path) {
  Journal journal(disk, path);
  auto bytes = disk.read_file(path, limits::kJournalBytesMax);
  if (!bytes && bytes.error().reason != Reason::NotFound) return fail(bytes.error());
  if (bytes) journal.read(*bytes);
  return journal;
}

void Journal::read(std::string_view bytes) {
  size_ = bytes.size();
  while (!bytes.empty()) {
    const std::size_t end = bytes.find('\n');
    const std::string_view line = bytes.substr(0, end);
    const bool whole = end != std::string_view::npos && line.size() > kChecksumDigits &&
                       sha256_hex(line.substr(kChecksumDigits + 1)).starts_with(
                           line.substr(0, kChecksumDigits));
    if (whole) {
      apply(line.substr(kChecksumDigits + 1));
    } else {
      damaged_ = true;
      if (end != std::string_view::npos) log_error("journal: damaged record", {{"file", path_}});
    }
    bytes.remove_prefix(end == std::string_view::npos ? bytes.size() : end + 1);
  }
}

void Journal::apply(std::string_view record) {
  auto parsed = api::parse_json(record, limits::kJournalBytesMax);
  if (!parsed) return;
  try {
    const json& value = *parsed;
    TaskRecord& task = tasks_[value.at("uid").get<std::string>()];
    StepRecord& step = task.steps[value.at("step").get<int>()];
    if (value.at("t") == "start") {
      task.ns = value.at("ns");
      task.name = value.at("name");
      task.attempt = value.at("attempt");
      task.fence = std::max(task.fence, value.at("fence").get<std::int64_t>());
      task.release_folder = value.at("folder");
      step.attempt = value.at("stepAttempt");
      step.lock_file = value.at("lock");
      step.started_at = TimePoint{Duration{value.at("at").get<std::int64_t>()}};
      step.result.reset();
    } else if (auto status = step_status_of(value.at("status"))) {
      step.attempt = status->attempt;
      step.result = std::move(*status);
    }
  } catch (const json::exception& error) {
    log_error("journal: record of an unknown form", {{"error", error.what()}});
  }
}

const TaskRecord* Journal::find(const std::string& uid) const {
  const auto found = tasks_.find(uid);
  return found == tasks_.end() ? nullptr : &found->second;
}

void Journal::add_start(const Start& start) {
  TaskRecord& task = tasks_[start.uid];
  task.ns = start.ns;
  task.name = start.name;
  task.attempt = start.attempt;
  task.fence = std::max(task.fence, start.fence);
  task.release_folder = start.release_folder;
  StepRecord& step = task.steps[start.step];
  step = {start.step_attempt, start.lock_file, start.at, std::nullopt};
  pending_ += line_of(start_record(start.uid, task, start.step, step));
}

void Journal::add_result(const std::string& uid, int step, const api::StepStatus& status) {
  StepRecord& record = tasks_[uid].steps[step];
  record.attempt = status.attempt;
  record.result = status;
  pending_ += line_of(result_record(uid, step, status));
}

void Journal::forget(const std::string& uid) { tasks_.erase(uid); }

Result<void> Journal::commit() {
  if (TIDELOCK_PLANT(JournalInMemory)) pending_.clear();
  if (pending_.empty()) return {};
  if (damaged_ || size_ + pending_.size() > rewrite_at_) return rewrite();
  auto written = disk_->append_file(path_, pending_);
  if (!written) {
    damaged_ = true;  // a part of it may be there
    return written;
  }
  size_ += pending_.size();
  pending_.clear();
  return {};
}

// The tasks in memory are what the file and the pending records say together.
Result<void> Journal::rewrite() {
  std::string bytes;
  for (const auto& [uid, task] : tasks_) {
    for (const auto& [index, step] : task.steps) {
      bytes += line_of(start_record(uid, task, index, step));
      if (step.result) bytes += line_of(result_record(uid, index, *step.result));
    }
  }
  auto written = disk_->write_file(path_, bytes, 0600);
  if (!written) return written;
  size_ = bytes.size();
  rewrite_at_ = std::max(limits::kJournalRewriteBytes, 4 * size_);
  pending_.clear();
  damaged_ = false;
  return {};
}

}  // namespace tidelock::agent
