// SPDX-License-Identifier: Apache-2.0
// A clock that stands still until it is told otherwise. Thread-safe.
#pragma once

#include <atomic>

#include "controller/base/time.h"

namespace tidelock::testing {

// 2026-01-01T00:00:00Z, where fakes begin: a real-looking date makes real-looking objects.
inline constexpr TimePoint kEpoch = TimePoint{std::chrono::seconds{1'767'225'600}};

class FakeClock final : public Clock {
 public:
  explicit FakeClock(TimePoint now = kEpoch) : micros_(now.time_since_epoch().count()) {}

  TimePoint now() override { return TimePoint{Duration{micros_.load()}}; }
  // Back is allowed: wall clocks jump.
  void set(TimePoint now) { micros_ = now.time_since_epoch().count(); }
  void advance(Duration by) { micros_ += by.count(); }

 private:
  std::atomic<std::int64_t> micros_;
};

}  // namespace tidelock::testing
