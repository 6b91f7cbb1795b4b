// SPDX-License-Identifier: Apache-2.0
// Results of finished tasks become the status of their installation.
#include <algorithm>

#include "controller/api/codec.h"
#include "controller/base/limits.h"
#include "controller/planner/decision.h"

namespace tidelock::planner {
namespace {

using api::DeploymentTask;
using api::InstallationStatus;
using api::TaskPhase;

bool is_recorded(const InstallationStatus& status, int attempt) {
  const auto& history = status.history;
  // Before the oldest one there may be a gap.
  if (history.size() >= limits::kInstallationHistoryMax && attempt < history[history.size() - 2].attempt)
    return true;
  return std::any_of(history.begin(), history.end(),
                     [&](const api::HistoryEntry& entry) { return entry.attempt == attempt; });
}

// Whether all of it is one row of failures.
bool is_row_of_failures(const std::vector<api::HistoryEntry>& history) {
  const auto& newest = history.front();
  return std::all_of(history.begin(), history.end(), [&](const api::HistoryEntry& entry) {
    const bool failed = entry.phase == "Failed" || entry.phase == "TimedOut" || entry.phase == "Interrupted";
    return failed && entry.digest == newest.digest && entry.generation == newest.generation;
  });
}

// Only what the target reports counts, never what was sent.
void take_report(const DeploymentTask& task, InstallationStatus& status) {
  const bool succeeded = task.status.phase == TaskPhase::Succeeded;
  const std::string before = status.actual_release;
  const std::string digest_before = status.actual_digest;
  if (succeeded && task.spec.action == api::Action::Remove) {
    status.actual_release.clear();
    status.actual_digest.clear();
  } else if (!task.status.reported_digest.empty()) {
    status.actual_release = task.status.reported_version;
    status.actual_digest = task.status.reported_digest;
  } else if (task.status.nothing_installed) {
    status.actual_release.clear();
    status.actual_digest.clear();
  }
  const bool moved = status.actual_digest != digest_before;
  // What a pair was taken back from is not good.
  if (succeeded && moved && !before.empty() && task.spec.action != api::Action::Rollback) {
    status.previous_good_release = before;
    status.previous_good_digest = digest_before;
  }
}

}  // namespace

InstallationStatus absorb(const api::Installation& installation,
                          const Attempts& attempts) {
  InstallationStatus status = installation.status;
  for (const auto& [attempt, task] : attempts) {
    status.attempts = std::max(status.attempts, attempt);
    if (!api::is_terminal(task->status.phase) || task->status.phase == TaskPhase::Superseded)
      continue;
    // A report for an object that is gone, of the same name, says nothing about this one.
    if (task->spec.installation_uid != installation.metadata.uid) continue;
    if (is_recorded(status, attempt)) continue;
    take_report(*task, status);
    status.history.push_back({task->spec.version, task->spec.digest, attempt,
                              std::string(api::to_string(task->status.phase)),
                              task->status.finished_at.value_or(task->spec.requested_at),
                              installation.metadata.generation});
    std::sort(status.history.begin(), status.history.end(),
              [](const auto& a, const auto& b) { return a.attempt > b.attempt; });
    if (status.history.size() <= limits::kInstallationHistoryMax) continue;
    // The first failure of a row stays, since it tells how many there were.
    const bool row = is_row_of_failures(status.history);
    status.history.erase(status.history.end() - (row ? 2 : 1));
  }
  return status;
}

}  // namespace tidelock::planner
