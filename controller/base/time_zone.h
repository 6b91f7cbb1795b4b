// SPDX-License-Identifier: Apache-2.0
// Time zones of the IANA database, as installed on this machine (tzdata; $TZDIR when set).
//
// A zone is read once per process and never changes afterwards. What a wall clock does twice or
// never: a local time that does not exist (spring) begins at the first instant after the gap; one
// that exists twice (autumn) begins once, at the first.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "controller/base/cron.h"
#include "controller/base/time.h"

namespace tidelock {

// A cheap value; equal when the names are. Thread-safe.
class TimeZone {
 public:
  // "Europe/Berlin", "UTC". Errors: Invalid, with the name.
  static Result<TimeZone> load(std::string_view name);

  const std::string& name() const;
  // What the wall clock shows at `time`, seconds rounded down.
  LocalSeconds local(TimePoint time) const;
  // When the wall clock shows `local` first, or first shows a later time.
  TimePoint begin(LocalSeconds local) const;
  // The latest time that the wall clock has shown until `time`, `time` included. It is local(time),
  // but for the hour that comes twice. begin(x) <= time exactly for all x <= latest_local(time).
  LocalSeconds latest_local(TimePoint time) const;

  bool operator==(const TimeZone& other) const { return name() == other.name(); }

 private:
  struct Data;
  explicit TimeZone(std::shared_ptr<const Data> data) : data_(std::move(data)) {}
  std::shared_ptr<const Data> data_;
};

}  // namespace tidelock
