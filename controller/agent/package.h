// SPDX-License-Identifier: Apache-2.0
// A package from its URL to a durable folder: cache, check, unpack, substitute, move into place.
// Blocking; thread-safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <set>
#include <string>

#include "controller/agent/fetcher.h"
#include "controller/base/result.h"

namespace tidelock::agent {

// Files by their SHA-256. Many tasks that want the same one at once share one download.
class PackageCache {
 public:
  explicit PackageCache(std::string directory) : directory_(std::move(directory)) {}
  // The path of the file with that digest. "sha256 mismatch: want …, got …" if the URL has another.
  Result<std::string> get(const std::string& url, const std::string& sha256,
                          const std::atomic<bool>& cancelled);

 private:
  Result<void> fill(const std::string& url, const std::string& sha256,
                    const std::atomic<bool>& cancelled);
  bool verified_on_disk(const std::string& sha256) const;
  std::string path_of(const std::string& sha256) const { return directory_ + "/" + sha256; }

  const std::string directory_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::set<std::string> busy_;      // being downloaded or checked
  std::set<std::string> verified_;  // by this process
};

// Returns a line for the log.
Result<std::string> install_package(PackageCache& cache, const PackageJob& job,
                                    const std::atomic<bool>& cancelled);

}  // namespace tidelock::agent
