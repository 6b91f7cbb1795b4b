// SPDX-License-Identifier: Apache-2.0
#include "controller/base/time.h"

#include <catch2/catch.hpp>

using namespace tidelock;
using namespace std::chrono_literals;

namespace {
TimePoint at_micros(std::int64_t micros) { return TimePoint{Duration{micros}}; }
std::string reformatted(std::string_view text) {
  const auto parsed = parse_time(text);
  return parsed ? format_micro_time(*parsed) : "refused";
}
}  // namespace

TEST_CASE("a time is written with seconds, a micro time with six digits", "[base][time]") {
  CHECK(format_time(at_micros(0)) == "1970-01-01T00:00:00Z");
  CHECK(format_micro_time(at_micros(0)) == "1970-01-01T00:00:00.000000Z");
  CHECK(format_micro_time(at_micros(1'000'000'000'000'042)) == "2001-09-09T01:46:40.000042Z");
  CHECK(format_micro_time(at_micros(-1)) == "1969-12-31T23:59:59.999999Z");
  CHECK(format_time(at_micros(951'782'400'000'000)) == "2000-02-29T00:00:00Z");
}

TEST_CASE("a time outside the years 0 to 9999 is clamped", "[base][time]") {
  CHECK(format_time(kNever) == "9999-12-31T23:59:59Z");
  CHECK(format_time(TimePoint::min()) == "0000-01-01T00:00:00Z");
}

TEST_CASE("every RFC 3339 form is read into UTC", "[base][time]") {
  CHECK(reformatted("2026-11-23T10:00:00Z") == "2026-11-23T10:00:00.000000Z");
  CHECK(reformatted("2026-11-23T10:00:00.5Z") == "2026-11-23T10:00:00.500000Z");
  CHECK(reformatted("2026-11-23T10:00:00.123456789Z") == "2026-11-23T10:00:00.123456Z");
  CHECK(reformatted("2026-11-23T10:00:00+05:30") == "2026-11-23T04:30:00.000000Z");
  CHECK(reformatted("2026-12-31T23:30:00-01:00") == "2027-01-01T00:30:00.000000Z");
  CHECK(reformatted("2024-02-29T00:00:00Z") == "2024-02-29T00:00:00.000000Z");
}

TEST_CASE("what is not RFC 3339 is refused", "[base][time]") {
  for (const char* text :
       {"", "2026-11-23", "2026-11-23T10:00:00", "2026-11-23 10:00:00Z", "2026-11-23t10:00:00z",
        "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z",
        "2026-11-31T00:00:00Z", "2026-11-23T24:00:00Z", "2026-11-23T10:60:00Z",
        "2026-11-23T10:00:60Z", "2026-11-23T10:00:00.Z", "2026-11-23T10:00:00+0530",
        "2026-11-23T10:00:00+24:00", "2026-11-23T10:00:00Zx", "26-11-23T10:00:00Z",
        "+2026-11-23T10:00:00Z"}) {
    CAPTURE(text);
    REQUIRE_FALSE(parse_time(text).has_value());
    CHECK(parse_time(text).error().reason == Reason::Invalid);
  }
}

TEST_CASE("any micro time survives being written and read", "[base][time]") {
  for (std::int64_t micros = -60'000'000'000'000'000; micros < 200'000'000'000'000'000;
       micros += 1'234'567'890'123'457) {
    CHECK(parse_time(format_micro_time(at_micros(micros))) == at_micros(micros));
  }
}

TEST_CASE("durations are read as Go reads them", "[base][duration]") {
  CHECK(parse_duration("0") == Duration{0});
  CHECK(parse_duration("30s") == Duration{30s});
  CHECK(parse_duration("1h30m") == Duration{90min});
  CHECK(parse_duration("500ms") == Duration{500ms});
  CHECK(parse_duration("2m0.5s") == Duration{120'500ms});
  CHECK(parse_duration(".5s") == Duration{500ms});
  CHECK(parse_duration("1.s") == Duration{1s});
  CHECK(parse_duration("+5s") == Duration{5s});
  CHECK(parse_duration("7us") == Duration{7us});
  CHECK(parse_duration("7\u00b5s") == Duration{7us});
  CHECK(parse_duration("7\u03bcs") == Duration{7us});
  CHECK(parse_duration("0.3333333333333333333h") == Duration{20min});
}

TEST_CASE("a positive duration below a microsecond is not zero", "[base][duration]") {
  CHECK(parse_duration("1ns") == Duration{1});
  CHECK(parse_duration("1001ns") == Duration{2});
  CHECK(parse_duration("2000ns") == Duration{2});
}

TEST_CASE("a duration holds at most what Go's holds", "[base][duration]") {
  CHECK(parse_duration("9223372036854775807ns").has_value());
  CHECK_FALSE(parse_duration("9223372036854775808ns").has_value());
  CHECK(parse_duration("2562047h47m16.854775807s").has_value());
  CHECK_FALSE(parse_duration("2562047h47m16.854775808s").has_value());
  CHECK_FALSE(parse_duration("99999999999999999999999h").has_value());
}

TEST_CASE("what is not a duration is refused", "[base][duration]") {
  for (const char* text : {"", "+", "-1s", "1", "s", ".s", "1x", "1 s", " 1s", "1s ", "1d", "1h-5m",
                           "1e3s", "--1s", "1.2.3s"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_duration(text).has_value());
  }
}

TEST_CASE("durations are written as Go writes them", "[base][duration]") {
  CHECK(format_duration(0s) == "0s");
  CHECK(format_duration(30s) == "30s");
  CHECK(format_duration(90s) == "1m30s");
  CHECK(format_duration(1h) == "1h0m0s");
  CHECK(format_duration(90min) == "1h30m0s");
  CHECK(format_duration(1500ms) == "1.5s");
  CHECK(format_duration(1500us) == "1.5ms");
  CHECK(format_duration(42us) == "42\u00b5s");
  CHECK(format_duration(100h) == "100h0m0s");
  CHECK(format_duration(-1500ms) == "-1.5s");
  CHECK(format_duration(Duration::min()) == "-2562047788h0m54.775808s");
  CHECK(parse_duration(format_duration(Duration{3'723'000'123})) == Duration{3'723'000'123});
}

TEST_CASE("ages are written as kubectl writes them", "[base][duration]") {
  CHECK(format_age(0s) == "0s");
  CHECK(format_age(-1s) == "0s");
  CHECK(format_age(-2s) == "<invalid>");
  CHECK(format_age(119s) == "119s");
  CHECK(format_age(120s) == "2m");
  CHECK(format_age(123s) == "2m3s");
  CHECK(format_age(599s) == "9m59s");
  CHECK(format_age(605s) == "10m");
  CHECK(format_age(179min) == "179m");
  CHECK(format_age(180min) == "3h");
  CHECK(format_age(184min) == "3h4m");
  CHECK(format_age(8h + 5min) == "8h");
  CHECK(format_age(47h) == "47h");
  CHECK(format_age(48h) == "2d");
  CHECK(format_age(122h) == "5d2h");
  CHECK(format_age(24h * 8) == "8d");
  CHECK(format_age(24h * 400) == "400d");
  CHECK(format_age(24h * 731) == "2y1d");
  CHECK(format_age(24h * 365 * 9) == "9y");
}
