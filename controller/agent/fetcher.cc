// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/fetcher.h"

#include <filesystem>
#include <mutex>
#include <utility>

#include "controller/agent/download.h"
#include "controller/agent/package.h"
#include "controller/agent/work_pool.h"

namespace tidelock::agent {
namespace {

class ThreadedFetcher final : public Fetcher {
 public:
  explicit ThreadedFetcher(const FetcherOptions& options)
      : wake_(options.wake),
        cache_(options.cache_dir),
        packages_(options.threads),
        disk_(options.disk_threads),
        http_(options.http_threads) {}

  ~ThreadedFetcher() override {
    const std::lock_guard lock(mutex_);
    for (auto& [ticket, flag] : cancelled_) *flag = true;
  }

  Ticket start(const PackageJob& job) override {
    return run(packages_, [this, job](const std::atomic<bool>& cancelled) {
      return install_package(cache_, job, cancelled);
    });
  }
  Ticket start(const HttpJob& job) override {
    return run(http_, [job](const std::atomic<bool>& cancelled) { return request(job, cancelled); });
  }
  Ticket start(DiskJob job) override {
    return run(disk_, [job = std::move(job)](const std::atomic<bool>&) { return job(); });
  }

  void cancel(Ticket ticket) override {
    const std::lock_guard lock(mutex_);
    const auto found = cancelled_.find(ticket);
    if (found != cancelled_.end()) *found->second = true;
  }

  std::vector<FetchDone> poll() override {
    const std::lock_guard lock(mutex_);
    return std::exchange(done_, {});
  }

 private:
  using Job = std::function<Result<std::string>(const std::atomic<bool>& cancelled)>;

  Ticket run(WorkPool& pool, Job job) {
    auto flag = std::make_shared<std::atomic<bool>>(false);
    const std::unique_lock lock(mutex_);
    const Ticket ticket = next_++;
    cancelled_[ticket] = flag;
    pool.add([this, ticket, flag, job = std::move(job)] {
      // Cancelled while it waited for a thread.
      Result<std::string> result =
          *flag ? Result<std::string>(fail(Reason::Timeout, "cancelled")) : guarded(job, *flag);
      finish(ticket, std::move(result));
    });
    return ticket;
  }

  // std::filesystem throws where a path cannot be read.
  static Result<std::string> guarded(const Job& job, const std::atomic<bool>& cancelled) {
    try {
      return job(cancelled);
    } catch (const std::exception& error) {
      return fail(Reason::InternalError, error.what());
    }
  }

  void finish(Ticket ticket, Result<std::string> result) {
    {
      const std::lock_guard lock(mutex_);
      cancelled_.erase(ticket);
      done_.push_back({ticket, std::move(result)});
    }
    if (wake_) wake_();
  }

  const Wake wake_;
  PackageCache cache_;
  std::mutex mutex_;  // guards the three below
  Ticket next_ = 1;
  std::map<Ticket, std::shared_ptr<std::atomic<bool>>> cancelled_;
  std::vector<FetchDone> done_;
  // Last: their destructors wait for jobs that use what is above.
  WorkPool packages_;
  WorkPool disk_;
  WorkPool http_;
};

}  // namespace

Result<std::unique_ptr<Fetcher>> make_fetcher(const FetcherOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(options.cache_dir, error);
  if (error) return fail(Reason::InternalError, options.cache_dir + ": " + error.message());
  for (const auto& entry : std::filesystem::directory_iterator(options.cache_dir, error)) {
    if (entry.path().extension() == ".part") std::filesystem::remove(entry.path(), error);
  }
  return std::unique_ptr<Fetcher>(std::make_unique<ThreadedFetcher>(options));
}

}  // namespace tidelock::agent
