// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/opening_hours.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "controller/base/limits.h"
#include "controller/base/random.h"
#include "tests/support/effort.h"

using namespace tidelock;
using namespace tidelock::planner;
using namespace std::chrono_literals;

namespace {

TimePoint utc(const std::string& text) {
  const auto time = parse_time(text);
  REQUIRE(time.has_value());
  return *time;
}

api::DeploymentWindowSpec spec(const std::string& schedule, Duration duration,
                               const std::string& zone = "UTC") {
  api::DeploymentWindowSpec made;
  made.schedule = schedule;
  made.time_zone = zone;
  made.duration = duration;
  return made;
}

OpeningHours hours(const api::DeploymentWindowSpec& from) {
  const auto made = OpeningHours::read(from);
  INFO((made ? "" : made.error().message));
  REQUIRE(made.has_value());
  return *made;
}

// "open until …", "closed until …", "gone until …".
std::string state(const OpeningHours& of, const std::string& time) {
  const auto now = of.at(utc(time));
  CHECK((now.exists || !now.open));
  CHECK(now.certain_until > utc(time));
  if (now.next_change) CHECK(now.certain_until <= *now.next_change);
  const std::string until = now.next_change ? format_time(*now.next_change) : "ever";
  return std::string(now.open ? "open" : now.exists ? "closed" : "gone") + " until " + until;
}

// The changes of `open` that it says of itself, from one to the next.
std::vector<std::string> changes(const OpeningHours& of, const std::string& from,
                                 std::size_t count) {
  std::vector<std::string> found;
  std::optional<TimePoint> time = utc(from);
  while (found.size() < count && (time = of.at(*time).next_change)) {
    found.push_back((of.at(*time).open ? "opens " : "closes ") + format_time(*time));
  }
  return found;
}
using Changes = std::vector<std::string>;

std::string refusal(const api::DeploymentWindowSpec& from) {
  const auto made = OpeningHours::read(from);
  return made ? "accepted" : made.error().message;
}

// The definition, minute by minute: an opening is a minute whose local time matches and was not
// shown before; where a wall clock jumps over matching times, the first minute after the jump.
std::vector<TimePoint> openings_by_walk(const CronSchedule& schedule, const TimeZone& zone,
                                        TimePoint first, TimePoint last) {
  std::vector<TimePoint> found;
  LocalMinutes shown =
      std::chrono::floor<std::chrono::minutes>(zone.local(first)) - std::chrono::minutes{1};
  for (TimePoint time = first; time < last; time += 1min) {
    const auto local = std::chrono::floor<std::chrono::minutes>(zone.local(time));
    bool opens = false;
    for (; shown < local; shown += std::chrono::minutes{1})
      opens |= schedule.matches(shown + std::chrono::minutes{1});
    if (opens) found.push_back(time);
  }
  return found;
}

}  // namespace

TEST_CASE("a window opens by its schedule and closes after its duration", "[planner][windows]") {
  const auto nights = hours(spec("0 22 * * *", 2h));
  CHECK(state(nights, "2026-06-01T21:59:59.999999Z") == "closed until 2026-06-01T22:00:00Z");
  CHECK(state(nights, "2026-06-01T22:00:00Z") == "open until 2026-06-02T00:00:00Z");
  CHECK(state(nights, "2026-06-01T23:59:59.999999Z") == "open until 2026-06-02T00:00:00Z");
  CHECK(state(nights, "2026-06-02T00:00:00Z") == "closed until 2026-06-02T22:00:00Z");
  CHECK(nights.at(utc("2026-06-02T05:00:00Z")).closed_at == utc("2026-06-02T00:00:00Z"));
  CHECK(nights.at(utc("2026-06-01T22:00:00Z")).closed_at == std::nullopt);
}

TEST_CASE("a window opens by the wall clocks of its zone", "[planner][windows]") {
  const std::string noon = "2026-06-01T12:00:00Z";
  CHECK(state(hours(spec("0 22 * * *", 2h, "Europe/Berlin")), noon) ==
        "closed until 2026-06-01T20:00:00Z");
  CHECK(state(hours(spec("0 22 * * *", 2h, "America/New_York")), noon) ==
        "closed until 2026-06-02T02:00:00Z");
  CHECK(state(hours(spec("0 22 * * *", 2h, "Asia/Kathmandu")), noon) ==
        "closed until 2026-06-01T16:15:00Z");
  CHECK(state(hours(spec("0 22 * * *", 2h, "Australia/Lord_Howe")), noon) ==
        "open until 2026-06-01T13:30:00Z");
  // Monday in Kathmandu begins on Sunday.
  CHECK(state(hours(spec("0 0 * * MON", 1h, "Asia/Kathmandu")), "2026-06-02T00:00:00Z") ==
        "closed until 2026-06-07T18:15:00Z");
}

TEST_CASE("a start that does not exist in spring is at the first instant after the gap",
          "[planner][windows]") {
  CHECK(changes(hours(spec("30 2 * * *", 1h, "Europe/Berlin")), "2026-03-27T12:00:00Z", 6) ==
        Changes{"opens 2026-03-28T01:30:00Z", "closes 2026-03-28T02:30:00Z",  //
                "opens 2026-03-29T01:00:00Z", "closes 2026-03-29T02:00:00Z",  // 03:00 for 02:30
                "opens 2026-03-30T00:30:00Z", "closes 2026-03-30T01:30:00Z"});
  CHECK(changes(hours(spec("15 2 * * *", 10min, "Australia/Lord_Howe")), "2026-10-03T00:00:00Z",
                4) == Changes{"opens 2026-10-03T15:30:00Z",
                              "closes 2026-10-03T15:40:00Z",  // 02:30 for 02:15
                              "opens 2026-10-04T15:15:00Z", "closes 2026-10-04T15:25:00Z"});
  CHECK(changes(hours(spec("30 2 8 3 *", 1h, "America/New_York")), "2026-01-01T00:00:00Z", 2) ==
        Changes{"opens 2026-03-08T07:00:00Z", "closes 2026-03-08T08:00:00Z"});
  // Some starts in the gap are one opening.
  CHECK(changes(hours(spec("*/20 2 * * *", 10min, "Europe/Berlin")), "2026-03-28T12:00:00Z", 3) ==
        Changes{"opens 2026-03-29T01:00:00Z", "closes 2026-03-29T01:10:00Z",
                "opens 2026-03-30T00:00:00Z"});
}

TEST_CASE("a start that comes twice in autumn opens once, at the first", "[planner][windows]") {
  CHECK(changes(hours(spec("30 2 * * *", 20min, "Europe/Berlin")), "2026-10-24T12:00:00Z", 4) ==
        Changes{"opens 2026-10-25T00:30:00Z", "closes 2026-10-25T00:50:00Z",  //
                "opens 2026-10-26T01:30:00Z", "closes 2026-10-26T01:50:00Z"});
  CHECK(state(hours(spec("30 2 * * *", 20min, "Europe/Berlin")), "2026-10-25T01:35:00Z") ==
        "closed until 2026-10-26T01:30:00Z");  // 02:35 for the second time
  CHECK(changes(hours(spec("45 1 * * *", 10min, "Australia/Lord_Howe")), "2026-04-04T12:00:00Z",
                3) == Changes{"opens 2026-04-04T14:45:00Z", "closes 2026-04-04T14:55:00Z",
                              "opens 2026-04-05T15:15:00Z"});
  CHECK(changes(hours(spec("0 1 * * *", 30min, "America/New_York")), "2026-11-01T00:00:00Z", 3) ==
        Changes{"opens 2026-11-01T05:00:00Z", "closes 2026-11-01T05:30:00Z",
                "opens 2026-11-02T06:00:00Z"});
}

TEST_CASE("the duration is elapsed time, not wall time", "[planner][windows]") {
  const auto nights = hours(spec("0 22 * * *", 8h, "Europe/Berlin"));
  CHECK(changes(nights, "2026-03-28T12:00:00Z", 2) ==
        Changes{"opens 2026-03-28T21:00:00Z", "closes 2026-03-29T05:00:00Z"});  // 07:00
  CHECK(changes(nights, "2026-10-24T12:00:00Z", 2) ==
        Changes{"opens 2026-10-24T20:00:00Z", "closes 2026-10-25T04:00:00Z"});  // 05:00
  // So whole days leave an hour in autumn, and overlap in spring.
  const auto days = hours(spec("0 0 * * *", 24h, "Europe/Berlin"));
  CHECK(changes(days, "2026-06-01T00:00:00Z", 2) ==
        Changes{"closes 2026-10-25T22:00:00Z", "opens 2026-10-25T23:00:00Z"});
}

TEST_CASE("openings that overlap or touch are one", "[planner][windows]") {
  CHECK(state(hours(spec("0 9-16 * * *", 1h)), "2026-06-01T09:30:00Z") ==
        "open until 2026-06-01T17:00:00Z");
  CHECK(state(hours(spec("0 9,10,12 * * *", 90min)), "2026-06-01T09:30:00Z") ==
        "open until 2026-06-01T11:30:00Z");
  CHECK(state(hours(spec("0 9,11 * * *", 119min)), "2026-06-01T10:00:00Z") ==
        "open until 2026-06-01T10:59:00Z");
  // Longer than its period: open from the first opening to the last.
  CHECK(state(hours(spec("0 0 * 12 *", 72h)), "2026-12-10T00:00:00Z") ==
        "open until 2027-01-03T00:00:00Z");
  CHECK(state(hours(spec("0 0 * 12 *", 24h)), "2026-12-31T23:59:59Z") ==
        "open until 2027-01-01T00:00:00Z");
  CHECK(state(hours(spec("0 0 29 2 *", 48h)), "2026-12-31T00:00:00Z") ==
        "closed until 2028-02-29T00:00:00Z");
  CHECK(state(hours(spec("0 0 31 * *", 24h)), "2026-02-01T00:00:00Z") ==
        "closed until 2026-03-31T00:00:00Z");
}

TEST_CASE("a window that never closes says no change", "[planner][windows]") {
  const auto always = hours(spec("0 * * * *", 2h));
  const auto now = always.at(utc("2026-06-01T12:30:00Z"));
  CHECK(now.open);
  CHECK(now.next_change == std::nullopt);
  // Asked again after so many openings, each the last one before the end of the one before.
  CHECK(now.certain_until == utc("2026-06-01T14:00:00Z") + limits::kWindowOpeningsAhead * 2h);
}

TEST_CASE("touching openings are followed so far and no farther", "[planner][windows][limits]") {
  auto busy = spec("* * * * *", 1min);
  const TimePoint start = utc("2026-06-01T12:00:00Z");
  busy.until = start + limits::kWindowOpeningsAhead * 1min;
  CHECK(hours(busy).at(start).next_change == busy.until);
  busy.until = start + (limits::kWindowOpeningsAhead + 1) * 1min;
  CHECK(hours(busy).at(start).next_change == std::nullopt);
  CHECK(hours(busy).at(start).certain_until == *busy.until);
}

TEST_CASE("a window exists between from and until only", "[planner][windows]") {
  auto nights = spec("0 22 * * *", 2h);
  nights.from = utc("2026-06-01T23:00:00Z");
  nights.until = utc("2026-06-03T23:00:00Z");
  const auto bounded = hours(nights);
  CHECK(state(bounded, "2026-06-01T22:30:00Z") == "gone until 2026-06-01T23:00:00Z");
  CHECK(state(bounded, "2026-06-01T23:00:00Z") ==
        "open until 2026-06-02T00:00:00Z");  // opened before it was there
  CHECK(state(bounded, "2026-06-03T22:59:59Z") == "open until 2026-06-03T23:00:00Z");
  CHECK(state(bounded, "2026-06-03T23:00:00Z") == "gone until ever");
  CHECK(bounded.at(utc("2026-06-03T23:00:00Z")).certain_until == kNever);

  nights.from = utc("2026-06-01T12:00:00Z");
  nights.until = utc("2026-06-02T12:00:00Z");
  const auto day = hours(nights);
  CHECK(state(day, "2026-06-01T00:30:00Z") == "gone until 2026-06-01T22:00:00Z");
  CHECK(day.at(utc("2026-06-01T00:30:00Z")).certain_until == *nights.from);
  CHECK(day.at(utc("2026-06-01T12:00:00Z")).closed_at ==
        std::nullopt);  // it was not there at midnight
  CHECK(state(day, "2026-06-02T01:00:00Z") == "closed until ever");
  CHECK(day.at(utc("2026-06-02T01:00:00Z")).certain_until == *nights.until);

  nights.from = nights.until;
  CHECK(state(hours(nights), "2026-06-02T12:00:00Z") == "gone until ever");
  CHECK(state(hours(nights), "2026-06-02T00:00:00Z") == "gone until ever");
}

TEST_CASE("an opening at the moment of until does not happen", "[planner][windows]") {
  auto nights = spec("0 22 * * *", 2h);
  nights.until = utc("2026-06-01T22:00:00Z");
  CHECK(state(hours(nights), "2026-06-01T21:00:00Z") == "closed until ever");
  CHECK(state(hours(nights), "2026-06-01T22:00:00Z") == "gone until ever");
  nights.until = utc("2026-06-02T00:00:00Z");
  CHECK(state(hours(nights), "2026-06-01T22:00:00Z") == "open until 2026-06-02T00:00:00Z");
}

TEST_CASE("what cannot be read is refused with the field", "[planner][windows]") {
  CHECK(refusal(spec("0 25 * * *", 1h)) == "spec.schedule: hour \"25\": must be from 0 to 23");
  CHECK(refusal(spec("", 1h)).find("spec.schedule: a schedule has five fields") == 0);
  CHECK(refusal(spec("0 0 * * *", 1h, "Mars/Olympus"))
            .find("spec.timeZone: \"Mars/Olympus\" is not a time zone") == 0);
  CHECK(refusal(spec("0 0 * * *", 0s)) == "spec.duration: must be longer than 0s");
  CHECK(refusal(spec("0 0 * * *", 1us)) == "accepted");
}

TEST_CASE("windows are open when a walk through all minutes finds them open",
          "[planner][windows]") {
  const std::vector<std::string> zones{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                       "Asia/Kathmandu", "UTC"};
  // Times of change, and one without.
  const std::vector<std::string> middles{"2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z",
                                         "2026-10-03T15:30:00Z", "2026-04-04T15:00:00Z",
                                         "2026-11-01T06:00:00Z", "2028-02-29T00:00:00Z"};
  SeededRandom random(42);
  const auto some = [&](int bound) {
    return std::to_string(random.below(static_cast<std::uint64_t>(bound)));
  };
  for (int round = 0; round < testing::effort("TIDELOCK_WINDOWS", 100); ++round) {
    const std::string minute =
        random.chance(0.5) ? some(60) : "*/" + std::to_string(1 + random.below(59));
    const std::string hour = random.chance(0.3)   ? "*"
                             : random.chance(0.5) ? "1,2"
                                                  : some(24) + "," + some(24);
    const std::string text = minute + " " + hour + " * * " + (random.chance(0.7) ? "*" : some(8));
    const std::string name = zones[random.below(zones.size())];
    const Duration duration = random.chance(0.5) ? Duration{random.between(1, 90) * 60'000'000}
                                                 : Duration{random.between(1, 40) * 3'600'000'000};
    const auto made = hours(spec(text, duration, name));
    const TimePoint middle = utc(middles[random.below(middles.size())]);
    const TimePoint first = middle - 36h;
    const TimePoint last = middle + 36h;
    const auto openings =
        openings_by_walk(*CronSchedule::parse(text), *TimeZone::load(name), first - 48h, last);
    std::size_t next = 0;
    TimePoint end = TimePoint::min();
    OpeningState now = made.at(first);
    bool was_open = now.open;
    int wrong = 0;
    for (TimePoint time = first - 48h; time < last; time += 1min) {
      while (next < openings.size() && openings[next] <= time) end = openings[next++] + duration;
      if (time < first) continue;
      const bool open = time < end;
      if (open != was_open && time != now.next_change) ++wrong;
      // Each minute near the change and at what was promised, else some.
      const bool near = time > middle - 3h && time < middle + 3h && now.next_change;
      if (near || time >= now.certain_until || open != was_open || random.chance(0.05))
        now = made.at(time);
      if (now.open != open || now.next_change == time || now.certain_until <= time) ++wrong;
      if (now.open && now.closed_at) ++wrong;
      if (!now.open && end > first && now.closed_at != end) ++wrong;
      was_open = open;
    }
    INFO(text << " in " << name << " for " << format_duration(duration) << " around "
              << format_time(middle));
    CHECK(wrong == 0);
  }
}
