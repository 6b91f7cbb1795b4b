// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/opening_hours.h"

#include "controller/base/limits.h"

namespace tidelock::planner {

namespace chr = std::chrono;

Result<OpeningHours> OpeningHours::read(const api::DeploymentWindowSpec& spec) {
  const auto schedule = CronSchedule::parse(spec.schedule);
  if (!schedule) return fail(Reason::Invalid, "spec.schedule: " + schedule.error().message);
  auto zone = TimeZone::load(spec.time_zone);
  if (!zone) return fail(Reason::Invalid, "spec.timeZone: " + zone.error().message);
  if (spec.duration <= Duration::zero()) {
    return fail(Reason::Invalid, "spec.duration: must be longer than 0s");
  }
  OpeningHours hours(*schedule, std::move(*zone));
  hours.duration_ = spec.duration;
  hours.from_ = spec.from;
  hours.until_ = spec.until;
  return hours;
}

// The last opening at or before `time`. An opening has come when the wall clock has shown its time.
std::optional<TimePoint> OpeningHours::opening_up_to(TimePoint time) const {
  const auto shown = chr::floor<chr::minutes>(zone_.latest_local(time));
  const auto opening = schedule_.previous(shown);
  if (!opening) return std::nullopt;
  return zone_.begin(*opening);
}

std::optional<TimePoint> OpeningHours::opening_after(TimePoint time) const {
  const auto shown = chr::floor<chr::minutes>(zone_.latest_local(time));
  const auto opening = schedule_.next(shown + chr::minutes{1});
  if (!opening) return std::nullopt;
  return zone_.begin(*opening);
}

// Open by `opening`: until the first end that no other opening covers.
OpeningState OpeningHours::open_since(TimePoint opening) const {
  OpeningState state{true, true, {}, {}, kNever};
  TimePoint end = opening + duration_;
  for (int merged = 0; merged < limits::kWindowOpeningsAhead; ++merged) {
    if (until_ && end >= *until_) {
      state.next_change = state.certain_until = *until_;
      return state;
    }
    // Of the openings until the end, it included, the last one lasts longest.
    const auto last = opening_up_to(end);
    if (!last || *last <= opening) {
      state.next_change = state.certain_until = end;
      return state;
    }
    opening = *last;
    end = opening + duration_;
  }
  state.certain_until = end;
  return state;
}

OpeningState OpeningHours::closed(TimePoint now, std::optional<TimePoint> last_opening) const {
  OpeningState state{true, false, {}, {}, until_.value_or(kNever)};
  if (last_opening) {
    const TimePoint end = *last_opening + duration_;
    if (!from_ || end > *from_) state.closed_at = end;
  }
  const auto next = opening_after(now);
  if (next && (!until_ || *next < *until_)) state.next_change = state.certain_until = *next;
  return state;
}

OpeningState OpeningHours::at(TimePoint now) const {
  if ((until_ && now >= *until_) || (from_ && until_ && *from_ >= *until_)) return {};
  if (from_ && now < *from_) {
    // Nothing of it before `from`; open at that moment if an opening covers it.
    const OpeningState first = at(*from_);
    return {false, false, first.open ? from_ : first.next_change, {}, *from_};
  }
  const auto last = opening_up_to(now);
  if (last && *last + duration_ > now) return open_since(*last);
  return closed(now, last);
}

}  // namespace tidelock::planner
