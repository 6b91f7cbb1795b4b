// SPDX-License-Identifier: Apache-2.0
#include "controller/base/time_zone.h"

#include <catch2/catch.hpp>
#include <string>

#include "controller/base/limits.h"
#include "controller/base/random.h"

using namespace tidelock;
using namespace std::chrono_literals;
namespace chr = std::chrono;

namespace {

TimeZone zone(const std::string& name) {
  const auto found = TimeZone::load(name);
  INFO((found ? "" : found.error().message));
  REQUIRE(found.has_value());
  return *found;
}

TimePoint utc(const std::string& text) {
  const auto time = parse_time(text);
  REQUIRE(time.has_value());
  return *time;
}

// "2026-03-29T02:30:00": written and read as if it were UTC.
LocalSeconds wall(const std::string& text) {
  return LocalSeconds{chr::floor<chr::seconds>(utc(text + "Z")).time_since_epoch()};
}
std::string text_of(LocalSeconds local) {
  const std::string text = format_time(TimePoint{local.time_since_epoch()});
  return text.substr(0, text.size() - 1);
}

std::string local(const std::string& name, const std::string& time) {
  return text_of(zone(name).local(utc(time)));
}
std::string latest(const std::string& name, const std::string& time) {
  return text_of(zone(name).latest_local(utc(time)));
}
std::string begin(const std::string& name, const std::string& text) {
  return format_time(zone(name).begin(wall(text)));
}

}  // namespace

TEST_CASE("a zone tells what its wall clocks show", "[base][time_zone]") {
  CHECK(local("UTC", "2026-07-01T12:00:00Z") == "2026-07-01T12:00:00");
  CHECK(local("Europe/Berlin", "2026-07-01T12:00:00Z") == "2026-07-01T14:00:00");
  CHECK(local("Europe/Berlin", "2026-12-31T23:30:00Z") == "2027-01-01T00:30:00");
  CHECK(local("America/New_York", "2026-07-01T02:00:00Z") == "2026-06-30T22:00:00");
  CHECK(local("Asia/Kathmandu", "2026-07-01T12:00:00Z") == "2026-07-01T17:45:00");
  CHECK(local("Australia/Lord_Howe", "2026-07-01T12:00:00Z") == "2026-07-01T22:30:00");
  CHECK(local("Australia/Lord_Howe", "2026-12-01T12:00:00Z") == "2026-12-01T23:00:00");
  CHECK(local("Europe/Dublin", "2026-07-01T12:00:00Z") == "2026-07-01T13:00:00");
  CHECK(local("Etc/GMT+5", "2026-07-01T12:00:00Z") == "2026-07-01T07:00:00");
  CHECK(local("UTC", "1969-12-31T23:59:59.5Z") == "1969-12-31T23:59:59");
}

TEST_CASE("summer time goes on after the table of the zone's file ends", "[base][time_zone]") {
  CHECK(local("Europe/Berlin", "2037-12-01T12:00:00Z") == "2037-12-01T13:00:00");
  CHECK(local("Europe/Berlin", "2040-07-01T12:00:00Z") == "2040-07-01T14:00:00");
  CHECK(local("America/New_York", "2095-07-01T12:00:00Z") == "2095-07-01T08:00:00");
  CHECK(begin("Europe/Berlin", "2040-03-25T02:30:00") == "2040-03-25T01:00:00Z");
}

TEST_CASE("a local time begins when the wall clock shows it", "[base][time_zone]") {
  CHECK(begin("UTC", "2026-03-29T02:30:00") == "2026-03-29T02:30:00Z");
  CHECK(begin("Europe/Berlin", "2026-01-01T00:00:00") == "2025-12-31T23:00:00Z");
  CHECK(begin("America/New_York", "2026-07-04T22:00:00") == "2026-07-05T02:00:00Z");
  CHECK(begin("Asia/Kathmandu", "2026-07-04T05:45:00") == "2026-07-04T00:00:00Z");
}

TEST_CASE("a local time that does not exist begins at the first instant after the gap",
          "[base][time_zone]") {
  CHECK(begin("Europe/Berlin", "2026-03-29T01:59:59") == "2026-03-29T00:59:59Z");
  CHECK(begin("Europe/Berlin", "2026-03-29T02:00:00") == "2026-03-29T01:00:00Z");
  CHECK(begin("Europe/Berlin", "2026-03-29T02:59:59") == "2026-03-29T01:00:00Z");
  CHECK(begin("Europe/Berlin", "2026-03-29T03:00:00") == "2026-03-29T01:00:00Z");
  CHECK(begin("Europe/Berlin", "2026-03-29T03:00:01") == "2026-03-29T01:00:01Z");
  CHECK(begin("America/New_York", "2026-03-08T02:30:00") == "2026-03-08T07:00:00Z");
  CHECK(begin("Australia/Lord_Howe", "2026-10-04T02:15:00") == "2026-10-03T15:30:00Z");
  CHECK(begin("Australia/Lord_Howe", "2026-10-04T02:30:00") == "2026-10-03T15:30:00Z");
  // Samoa had no 30 December 2011.
  CHECK(begin("Pacific/Apia", "2011-12-30T12:00:00") == "2011-12-30T10:00:00Z");
}

TEST_CASE("a local time that comes twice begins at the first", "[base][time_zone]") {
  CHECK(begin("Europe/Berlin", "2026-10-25T01:59:59") == "2026-10-24T23:59:59Z");
  CHECK(begin("Europe/Berlin", "2026-10-25T02:00:00") == "2026-10-25T00:00:00Z");
  CHECK(begin("Europe/Berlin", "2026-10-25T02:59:59") == "2026-10-25T00:59:59Z");
  CHECK(begin("Europe/Berlin", "2026-10-25T03:00:00") == "2026-10-25T02:00:00Z");
  CHECK(begin("America/New_York", "2026-11-01T01:30:00") == "2026-11-01T05:30:00Z");
  CHECK(begin("Australia/Lord_Howe", "2026-04-05T01:45:00") == "2026-04-04T14:45:00Z");
}

TEST_CASE("the latest local time does not go back with the clock", "[base][time_zone]") {
  CHECK(latest("Europe/Berlin", "2026-10-25T00:30:00Z") == "2026-10-25T02:30:00");
  CHECK(latest("Europe/Berlin", "2026-10-25T00:59:59Z") == "2026-10-25T02:59:59");
  CHECK(latest("Europe/Berlin", "2026-10-25T01:00:00Z") ==
        "2026-10-25T02:59:59");  // shows 02:00 again
  CHECK(latest("Europe/Berlin", "2026-10-25T01:59:59Z") == "2026-10-25T02:59:59");
  CHECK(latest("Europe/Berlin", "2026-10-25T02:00:00Z") == "2026-10-25T03:00:00");
  CHECK(latest("Europe/Berlin", "2026-03-29T00:59:59Z") == "2026-03-29T01:59:59");
  CHECK(latest("Europe/Berlin", "2026-03-29T01:00:00Z") == "2026-03-29T03:00:00");
  CHECK(latest("UTC", "2026-03-29T01:00:00Z") == "2026-03-29T01:00:00");
}

TEST_CASE("a local time has begun exactly when it is not after the latest one",
          "[base][time_zone]") {
  SeededRandom random(7);
  const auto some = [&](std::int64_t spread) { return Duration{random.between(-spread, spread)}; };
  constexpr std::int64_t kHours = 3LL * 3600 * 1'000'000;
  const TimePoint changes[] = {utc("2026-03-29T01:00:00Z"), utc("2026-10-25T01:00:00Z"),
                               utc("2026-10-03T15:30:00Z"), utc("2026-04-04T15:00:00Z"),
                               utc("2026-11-01T06:00:00Z"), utc("2045-03-26T01:00:00Z")};
  for (const char* name : {"Europe/Berlin", "Australia/Lord_Howe", "America/New_York", "UTC"}) {
    const TimeZone here = zone(name);
    int wrong = 0;
    for (int round = 0; round < 3'000; ++round) {
      const TimePoint time = changes[random.below(6)] + some(kHours);
      const LocalSeconds asked = here.local(time) + chr::floor<chr::seconds>(some(kHours));
      if ((here.begin(asked) <= time) != (asked <= here.latest_local(time))) ++wrong;
    }
    INFO(name);
    CHECK(wrong == 0);
  }
}

TEST_CASE("times at the ends of what there is are answered", "[base][time_zone]") {
  const TimeZone here = zone("Europe/Berlin");
  CHECK(here.local(kNever) > here.local(utc("2500-01-01T00:00:00Z")));
  CHECK(here.local(TimePoint::min()) < here.local(utc("1800-01-01T00:00:00Z")));
  CHECK(here.begin(LocalSeconds::max()) > utc("2500-01-01T00:00:00Z"));
  CHECK(here.begin(LocalSeconds::min()) < utc("1800-01-01T00:00:00Z"));
}

TEST_CASE("what is not a zone of the database is refused by name", "[base][time_zone]") {
  for (const char* name : {"",
                           "Mars/Olympus",
                           "europe/berlin",
                           "Europe",
                           "Europe/",
                           "/Europe/Berlin",
                           "Europe//Berlin",
                           "../../etc/passwd",
                           "Europe/../Europe/Berlin",
                           "/usr/share/zoneinfo/UTC",
                           "posix/UTC",
                           "right/UTC",
                           "localtime",
                           "posixrules",
                           "zone.tab",
                           "leapseconds",
                           "Fixed/UTC+05:30:00",
                           "+05:30",
                           "Europe/Berlin ",
                           "file:/etc/passwd",
                           "libc:localtime",
                           "UTC+1"}) {
    const auto found = TimeZone::load(name);
    CAPTURE(name);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().reason == Reason::Invalid);
    CHECK(found.error().message == "\"" + std::string(name) +
                                       "\" is not a time zone of the IANA database on this machine;"
                                       " it should be a name like Europe/Berlin or UTC");
  }
}

TEST_CASE("the name of a zone has a greatest length", "[base][time_zone][limits]") {
  const std::string longest(limits::kTimeZoneNameBytesMax, 'A');
  CHECK(TimeZone::load(longest).error().message.find("is not a time zone") != std::string::npos);
  CHECK(TimeZone::load(longest + "A").error().message ==
        "the name of a time zone has at most 64 characters");
}

TEST_CASE("a zone is its name", "[base][time_zone]") {
  CHECK(zone("Europe/Berlin").name() == "Europe/Berlin");
  CHECK(zone("Europe/Berlin") == zone("Europe/Berlin"));
  CHECK_FALSE(zone("Europe/Berlin") == zone("Europe/Paris"));
}
