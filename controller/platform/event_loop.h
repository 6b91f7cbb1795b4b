// SPDX-License-Identifier: Apache-2.0
// Runs a Component on a thread of its own: step(), sleep until its deadline or a wake, again.
//
// A component needs its Wake before it exists, so the Waker is a separate object that must outlive
// component and thread:
//   Waker waker;  Agent agent{..., waker.handle()};  ComponentThread thread{agent, waker, clock};
//   thread.start();  …  thread.stop();
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

#include "controller/base/time.h"

namespace tidelock::platform {

// An event that remembers one wake until a waiter has seen it. Thread-safe.
class Waker {
 public:
  void wake();
  // Returns true as soon as wake() was called after the last return of true, or false at the
  // deadline (wall clock, jumps included; kNever = no deadline).
  bool wait_until(TimePoint deadline);
  // Valid as long as this object.
  Wake handle();

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool woken_ = false;  // guarded by mutex_
};

// Owns the thread, not the component. start() and stop() come from one thread. A wake or a deadline
// that passes during a step leads to another step at once.
class ComponentThread {
 public:
  ComponentThread(Component& component, Waker& waker, Clock& clock);
  ~ComponentThread();  // stop()
  ComponentThread(const ComponentThread&) = delete;
  ComponentThread& operator=(const ComponentThread&) = delete;

  void start();
  // Lets a running step end, then joins. The component is idle afterwards and may be destroyed.
  void stop();
  Wake wake() { return waker_.handle(); }

 private:
  void run(std::stop_token stop);

  Component& component_;
  Waker& waker_;
  Clock& clock_;
  std::jthread thread_;
};

}  // namespace tidelock::platform
