// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/event_loop.h"

#include <algorithm>

#include "controller/base/invariant.h"

namespace tidelock::platform {

void Waker::wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  condition_.notify_one();
}

bool Waker::wait_until(TimePoint deadline) {
  // system_clock counts nanoseconds: kNever would overflow, so a far deadline is reached in hops.
  constexpr std::chrono::hours kHop{1};
  std::unique_lock lock(mutex_);
  while (!woken_) {
    const auto now = std::chrono::floor<Duration>(std::chrono::system_clock::now());
    if (now >= deadline) return false;
    condition_.wait_until(lock, std::min<TimePoint>(deadline, now + kHop));
  }
  woken_ = false;
  return true;
}

Wake Waker::handle() {
  return [this] { wake(); };
}

ComponentThread::ComponentThread(Component& component, Waker& waker, Clock& clock)
    : component_(component), waker_(waker), clock_(clock) {}

ComponentThread::~ComponentThread() { stop(); }

void ComponentThread::start() {
  INVARIANT(!thread_.joinable());
  thread_ = std::jthread([this](std::stop_token stop) { run(std::move(stop)); });
}

void ComponentThread::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  waker_.wake();
  thread_.join();
}

void ComponentThread::run(std::stop_token stop) {
  while (!stop.stop_requested()) waker_.wait_until(component_.step(clock_.now()));
}

}  // namespace tidelock::platform
