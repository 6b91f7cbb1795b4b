// SPDX-License-Identifier: Apache-2.0
// Threads that call the handler, so that one that computes or waits holds up no other connection.
//
// The queue is bounded by the number of connections: each has one request in work at most.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace tidelock::http {

class WorkerPool {
 public:
  explicit WorkerPool(int threads);
  // Drops what has not begun and waits for the rest.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // A job must not throw.
  void run(std::function<void()> job);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;  // guarded by mutex_
  bool stopping_ = false;                   // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace tidelock::http
