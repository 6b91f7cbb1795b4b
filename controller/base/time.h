// SPDX-License-Identifier: Apache-2.0
// Time as a value. All above platform/ gets `now` as an argument or from a Clock it was given.
//
// TimePoint is UTC with microseconds, the precision of Kubernetes' MicroTime.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace tidelock {

using Duration = std::chrono::microseconds;
using TimePoint = std::chrono::time_point<std::chrono::system_clock, Duration>;

// "Never": the deadline of something that waits for an event only.
inline constexpr TimePoint kNever = TimePoint::max();

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual TimePoint now() = 0;
};

// Called from any thread to make a component's loop call step() again soon. Must not block.
using Wake = std::function<void()>;

// One piece of a program that is driven from outside: on a thread of its own in production, by the
// virtual clock in tests. step() does all work that is due, never sleeps, and returns when it wants
// to be called again at the latest (kNever = only when woken). Not thread-safe.
class Component {
 public:
  virtual ~Component() = default;
  virtual TimePoint step(TimePoint now) = 0;
};

// RFC 3339 in UTC: "2026-11-23T10:00:00Z" (seconds, meta/v1.Time) and
// "2026-11-23T10:00:00.000000Z" (six digits, meta/v1.MicroTime).
std::string format_time(TimePoint time);  // years 0–9999; what lies outside is clamped
std::string format_micro_time(TimePoint time);
Result<TimePoint> parse_time(std::string_view text);

// Go's durations as Kubernetes users write them: "30s", "1h30m", "500ms", "2m0.5s"; not negative.
// Rounded up to the microsecond, so that a positive text is never zero. Formatted as Go does.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);
// kubectl's age form: "5s", "2m3s", "3h4m", "5d2h", "400d".
std::string format_age(Duration duration);

}  // namespace tidelock
