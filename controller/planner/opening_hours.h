// SPDX-License-Identifier: Apache-2.0
// When a window is open: a cron schedule in a time zone, each opening for a duration. Pure but for
// the zone's file, which is read once per process.
//
// Openings are local times, with the rules of base/time_zone.h: one that does not exist in spring
// is at the first instant after the gap, one that exists twice in autumn is at the first. The
// duration is elapsed time, not wall time: 22:00 for 8h ends at 07:00 or 05:00 in the nights of
// change. Openings that overlap or touch are one. Before `from` and from `until` on, the window
// does not exist.
#pragma once

#include <optional>

#include "controller/api/kinds.h"
#include "controller/base/time_zone.h"

namespace tidelock::planner {

struct OpeningState {
  bool exists = false;
  bool open = false;
  std::optional<TimePoint> next_change;  // of `open`; absent = none in sight
  std::optional<TimePoint> closed_at;    // when it was open last; absent = open, or never was
  TimePoint certain_until = kNever;      // `exists` and `open` stay so until then
  bool operator==(const OpeningState&) const = default;
};

class OpeningHours {
 public:
  // Errors: Invalid, with the field ("spec.schedule: hour …").
  static Result<OpeningHours> read(const api::DeploymentWindowSpec& spec);

  OpeningState at(TimePoint now) const;

 private:
  OpeningHours(CronSchedule schedule, TimeZone zone)
      : schedule_(schedule), zone_(std::move(zone)) {}
  std::optional<TimePoint> opening_up_to(TimePoint time) const;
  std::optional<TimePoint> opening_after(TimePoint time) const;
  OpeningState open_since(TimePoint opening) const;
  OpeningState closed(TimePoint now, std::optional<TimePoint> last_opening) const;

  CronSchedule schedule_;
  TimeZone zone_;
  Duration duration_{};
  std::optional<TimePoint> from_, until_;
};

}  // namespace tidelock::planner
