// SPDX-License-Identifier: Apache-2.0
// Cron schedules: minute hour day-of-month month day-of-week, on a wall clock.
//
// Pure: knows no time zone (time_zone.h turns local times into instants). A field is a list of *,
// n, a-b, */step and a-b/step; months and weekdays also have names (JAN–DEC, SUN–SAT, in any case),
// 7 is Sunday. As Vixie cron has it, a day matches when day-of-month or day-of-week matches if both
// are restricted, and when both match otherwise; a field that begins with * ("*/2" too) is not
// restricted.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

#include "controller/base/result.h"

namespace tidelock {

// What a clock on the wall shows.
using LocalSeconds = std::chrono::local_time<std::chrono::seconds>;
using LocalMinutes = std::chrono::local_time<std::chrono::minutes>;

class CronSchedule {
 public:
  // Errors are Invalid and name the field and what is wrong: `hour "25": must be from 0 to 23`.
  // A schedule that never comes (30 February) is refused.
  static Result<CronSchedule> parse(std::string_view text);

  bool matches(LocalMinutes time) const;
  // The first match at or after `from`, the last at or before `until`. Both look 400 years far,
  // after which the calendar repeats: empty only past the years that a date can hold.
  std::optional<LocalMinutes> next(LocalMinutes from) const;
  std::optional<LocalMinutes> previous(LocalMinutes until) const;

  bool operator==(const CronSchedule&) const = default;

 private:
  friend class CronParser;
  CronSchedule() = default;
  bool matches_day(std::chrono::year_month_day date) const;
  std::optional<LocalMinutes> next_day(std::chrono::year_month_day date) const;
  std::optional<LocalMinutes> previous_day(std::chrono::year_month_day date) const;

  // Bit n = the value n.
  std::uint64_t minutes_ = 0;
  std::uint64_t hours_ = 0;
  std::uint64_t days_ = 0;
  std::uint64_t months_ = 0;
  std::uint64_t weekdays_ = 0;
  bool either_day_ = false;  // day-of-month or day-of-week
};

}  // namespace tidelock
