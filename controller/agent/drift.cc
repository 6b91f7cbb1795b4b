// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/drift.h"

#include <algorithm>
#include <string_view>

namespace tidelock::agent {
namespace {

constexpr std::string_view kReleases = "releases/";

api::DriftReport report(std::string version, std::string digest, std::string message) {
  return {TimePoint{}, std::move(version), std::move(digest), std::move(message)};
}

// "1.0.0" of "releases/1.0.0-0123456789ab", if that was current once.
std::string version_of(const std::string& link, const Receipt& receipt) {
  if (!link.starts_with(kReleases)) return "";
  const std::string folder = link.substr(kReleases.size());
  const auto& known = receipt.installed;
  if (std::find(known.begin(), known.end(), folder) == known.end()) return "";
  return folder.substr(0, folder.rfind('-'));
}

}  // namespace

bool installs_alone(const api::DeploymentTaskSpec& task) {
  return std::any_of(task.locks.begin(), task.locks.end(), [](const api::TaskLock& lock) {
    return lock.instance.find("/path/") != std::string::npos;
  });
}

std::optional<api::DriftReport> drift_of(const api::DeploymentTaskSpec& task,
                                         const InstalledState& found) {
  const Receipt& receipt = found.receipt;
  if (!found.receipt_problem.empty()) return report("", "", found.receipt_problem);
  if (receipt.installation_uid != task.installation_uid) {
    if (!installs_alone(task)) return std::nullopt;
    return report(receipt.version, receipt.digest, "receipt.json is of another installation");
  }
  if (receipt.digest != task.digest) {
    return report(receipt.version, receipt.digest,
                  "receipt.json names release " + receipt.version + ", not " + task.version +
                      (receipt.version == task.version ? " with this content" : ""));
  }
  const std::string wanted = std::string(kReleases) + receipt.folder;
  if (found.current.empty()) return report("", "", "current is missing or no link");
  if (found.current != wanted) {
    return report(version_of(found.current, receipt), "",
                  "current points to " + found.current + ", not to " + wanted);
  }
  if (!found.folder) return report("", "", "the release folder " + wanted + " is missing");
  return std::nullopt;
}

}  // namespace tidelock::agent
