// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/watch_hub.h"

#include <utility>

namespace tidelock::apiserver {

std::uint64_t WatchHub::add(Wake wake) {
  const std::lock_guard lock(mutex_);
  wakes_[next_] = std::move(wake);
  return next_++;
}

void WatchHub::remove(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  wakes_.erase(id);
}

void WatchHub::wake_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, wake] : wakes_) {
    if (wake) wake();
  }
}

}  // namespace tidelock::apiserver
