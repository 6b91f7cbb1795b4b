// SPDX-License-Identifier: Apache-2.0
// A Fetcher without network and threads: packages come from a table, http steps from a function.
//
// Everything is answered by the next poll(), in the order of its start, unless it is held. Not
// thread-safe.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "controller/agent/fetcher.h"
#include "tests/support/memory_disk.h"

namespace tidelock::testing {

class FakeFetcher final : public agent::Fetcher {
 public:
  using Files = std::map<std::string, std::string>;  // path below the package → content

  explicit FakeFetcher(MemoryDisk& disk, Wake wake = {}) : disk_(disk), wake_(std::move(wake)) {}

  // --- test side ---
  std::map<std::string, Result<Files>> packages;  // by URL; others are not found
  std::function<Result<std::string>(const agent::HttpJob&)> http;
  bool hold = false;  // packages and http steps are not answered unless cancelled
  std::vector<agent::PackageJob> package_jobs;  // all that were asked for
  std::vector<agent::HttpJob> http_jobs;
  std::size_t most_disk_jobs = 0;  // that were not answered at one time
  void set_wake(Wake wake) { wake_ = std::move(wake); }
  // The agent died: nobody waits for an answer any more.
  void agent_crashed() { queue_.clear(); }

  // --- Fetcher ---
  agent::Ticket start(const agent::PackageJob& job) override {
    package_jobs.push_back(job);
    return add(job);
  }
  agent::Ticket start(const agent::HttpJob& job) override {
    http_jobs.push_back(job);
    return add(job);
  }
  agent::Ticket start(agent::DiskJob job) override {
    const auto others = std::count_if(queue_.begin(), queue_.end(), [](const auto& entry) {
      return std::holds_alternative<agent::DiskJob>(entry.second);
    });
    most_disk_jobs = std::max(most_disk_jobs, static_cast<std::size_t>(others) + 1);
    return add(std::move(job));
  }
  void cancel(agent::Ticket ticket) override {
    cancelled_.insert(ticket);
    if (wake_) wake_();
  }
  std::vector<agent::FetchDone> poll() override {
    std::vector<agent::FetchDone> done;
    std::deque<std::pair<agent::Ticket, Job>> held;
    for (auto& [ticket, job] : std::exchange(queue_, {})) {
      const bool disk_job = std::holds_alternative<agent::DiskJob>(job);
      if (cancelled_.contains(ticket) && !disk_job) {
        done.push_back({ticket, fail(Reason::Timeout, "cancelled")});
      } else if (hold && !disk_job) {
        held.emplace_back(ticket, std::move(job));
      } else {
        done.push_back({ticket, std::visit([this](auto& one) { return run(one); }, job)});
      }
    }
    queue_ = std::move(held);
    return done;
  }

 private:
  using Job = std::variant<agent::PackageJob, agent::HttpJob, agent::DiskJob>;

  agent::Ticket add(Job job) {
    queue_.emplace_back(next_, std::move(job));
    if (wake_) wake_();
    return next_++;
  }
  // As the real one: a whole tree, durable, or an error and nothing.
  Result<std::string> run(const agent::PackageJob& job) {
    const auto found = packages.find(job.url);
    if (found == packages.end()) return fail(Reason::NotFound, job.url + ": HTTP 404");
    if (!found->second) return fail(found->second.error());
    for (const auto& [path, content] : *found->second) {
      disk_.write_unsynced(job.directory + "/" + path, content);
    }
    auto synced = disk_.sync_tree(job.directory);
    if (!synced) return fail(synced.error());
    return "unpacked " + std::to_string(found->second->size()) + " entries";
  }
  Result<std::string> run(const agent::HttpJob& job) {
    if (http) return http(job);
    return "HTTP " + std::to_string(job.expect);
  }
  static Result<std::string> run(agent::DiskJob& job) { return job(); }

  MemoryDisk& disk_;
  Wake wake_;
  agent::Ticket next_ = 1;
  std::deque<std::pair<agent::Ticket, Job>> queue_;
  std::set<agent::Ticket> cancelled_;
};

}  // namespace tidelock::testing
