// SPDX-License-Identifier: Apache-2.0
// Threads that run jobs in the order of their arrival; made when needed, at most `threads_max`.
// The destructor lets running jobs end and drops the rest. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tidelock::agent {

class WorkPool {
 public:
  explicit WorkPool(int threads_max) : threads_max_(static_cast<std::size_t>(threads_max)) {}
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;
  void add(std::function<void()> job);

 private:
  void run();

  const std::size_t threads_max_;
  std::mutex mutex_;  // guards all below
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace tidelock::agent
