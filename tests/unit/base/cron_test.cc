// SPDX-License-Identifier: Apache-2.0
#include "controller/base/cron.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "controller/base/limits.h"
#include "controller/base/random.h"
#include "tests/support/effort.h"

using namespace tidelock;
using namespace std::chrono_literals;
namespace chr = std::chrono;

namespace {

// "2026-03-01 05:30", a Sunday.
LocalMinutes at(const std::string& text) {
  const auto part = [&](std::size_t from, std::size_t size) {
    return std::stoi(text.substr(from, size));
  };
  const auto date = chr::year{part(0, 4)} / part(5, 2) / part(8, 2);
  REQUIRE(date.ok());
  return chr::local_days{date} + chr::hours{part(11, 2)} + chr::minutes{part(14, 2)};
}

std::string digits(int value, std::size_t width) {
  std::string text = std::to_string(value);
  return std::string(width - std::min(width, text.size()), '0') + text;
}

std::string text_of(std::optional<LocalMinutes> time) {
  if (!time) return "never";
  const auto day = chr::floor<chr::days>(*time);
  const chr::year_month_day date{day};
  const auto minutes = (*time - day).count();
  return digits(int{date.year()}, 4) + "-" + digits(static_cast<int>(unsigned{date.month()}), 2) +
         "-" + digits(static_cast<int>(unsigned{date.day()}), 2) + " " +
         digits(static_cast<int>(minutes / 60), 2) + ":" +
         digits(static_cast<int>(minutes % 60), 2);
}

CronSchedule cron(const std::string& text) {
  const auto schedule = CronSchedule::parse(text);
  INFO(text << ": " << (schedule ? "" : schedule.error().message));
  REQUIRE(schedule.has_value());
  return *schedule;
}

std::string refusal(const std::string& text) {
  const auto schedule = CronSchedule::parse(text);
  if (schedule) return "accepted";
  CHECK(schedule.error().reason == Reason::Invalid);
  return schedule.error().message;
}

std::string next(const std::string& schedule, const std::string& from) {
  return text_of(cron(schedule).next(at(from)));
}
std::string previous(const std::string& schedule, const std::string& until) {
  return text_of(cron(schedule).previous(at(until)));
}

// A field as a set of values, and one of the many ways to write it.
struct RandomField {
  std::string text;
  std::set<int> values;
};

RandomField random_field(Random& random, int low, int high) {
  const auto below = [&](int bound) {
    return static_cast<int>(random.below(static_cast<std::uint64_t>(bound)));
  };
  RandomField field;
  const int items = 1 + below(3);
  for (int i = 0; i < items; ++i) {
    const int first = low + below(high - low + 1);
    const int last = first + below(high - first + 1);
    const int step = 1 + below(4);
    if (!field.text.empty()) field.text += ",";
    if (below(2) == 0) {
      field.text += std::to_string(first);
      field.values.insert(first);
    } else {
      field.text += std::to_string(first) + "-" + std::to_string(last) + "/" + std::to_string(step);
      for (int value = first; value <= last; value += step) field.values.insert(value);
    }
  }
  return field;
}

RandomField star(int low, int high, int step) {
  RandomField field{"*/" + std::to_string(step), {}};
  for (int value = low; value <= high; value += step) field.values.insert(value);
  return field;
}

// The rule as it is written down, on sets: slow and obvious.
struct Oracle {
  RandomField minute, hour, day, month, weekday;
  std::string text() const {
    return minute.text + " " + hour.text + " " + day.text + " " + month.text + " " + weekday.text;
  }
  bool matches(LocalMinutes time) const {
    const auto midnight = chr::floor<chr::days>(time);
    const chr::year_month_day date{midnight};
    const auto minutes = static_cast<int>((time - midnight).count());
    const bool of_month = day.values.count(static_cast<int>(unsigned{date.day()})) != 0;
    const int number = static_cast<int>(chr::weekday{midnight}.c_encoding());
    const bool of_week =
        weekday.values.count(number) != 0 || (number == 0 && weekday.values.count(7) != 0);
    const bool restricted = day.text[0] != '*' && weekday.text[0] != '*';
    return minute.values.count(minutes % 60) != 0 && hour.values.count(minutes / 60) != 0 &&
           month.values.count(static_cast<int>(unsigned{date.month()})) != 0 &&
           (restricted ? of_month || of_week : of_month && of_week);
  }
};

Oracle random_schedule(Random& random) {
  const auto often_star = [&](int low, int high) {
    return random.below(2) == 0 ? star(low, high, 1 + static_cast<int>(random.below(3)))
                                : random_field(random, low, high);
  };
  return {random_field(random, 0, 59), often_star(0, 23), often_star(1, 31), often_star(1, 12),
          random.below(2) == 0 ? star(0, 6, 1 + static_cast<int>(random.below(3)))
                               : random_field(random, 0, 7)};
}

}  // namespace

TEST_CASE("a schedule finds its next match, the given minute included", "[base][cron]") {
  CHECK(next("* * * * *", "2026-03-01 05:30") == "2026-03-01 05:30");
  CHECK(next("0 22 * * *", "2026-03-01 22:00") == "2026-03-01 22:00");
  CHECK(next("0 22 * * *", "2026-03-01 22:01") == "2026-03-02 22:00");
  CHECK(next("*/15 9-17 * * *", "2026-03-01 17:46") == "2026-03-02 09:00");
  CHECK(next("5,35 */6 * * *", "2026-03-01 06:06") == "2026-03-01 06:35");
  CHECK(next("10-40/15 3 * * *", "2026-03-01 03:11") == "2026-03-01 03:25");
  CHECK(next("59 23 31 12 *", "2026-12-31 23:59") == "2026-12-31 23:59");
  CHECK(next("59 23 31 12 *", "2027-01-01 00:00") == "2027-12-31 23:59");
}

TEST_CASE("a schedule finds its previous match, the given minute included", "[base][cron]") {
  CHECK(previous("0 22 * * *", "2026-03-01 22:00") == "2026-03-01 22:00");
  CHECK(previous("0 22 * * *", "2026-03-01 21:59") == "2026-02-28 22:00");
  CHECK(previous("30 0 * * *", "2026-03-01 00:29") == "2026-02-28 00:30");
  CHECK(previous("*/15 9-17 * * *", "2026-03-01 03:00") == "2026-02-28 17:45");
  CHECK(previous("0 0 1 1 *", "2026-01-01 00:00") == "2026-01-01 00:00");
  CHECK(previous("0 0 1 1 *", "2025-12-31 23:59") == "2025-01-01 00:00");
}

TEST_CASE("months and weekdays have names, and 7 is Sunday", "[base][cron]") {
  CHECK(cron("0 0 * JAN-MAR,dec SUN") == cron("0 0 * 1-3,12 0"));
  CHECK(cron("0 0 * * 7") == cron("0 0 * * 0"));
  CHECK(cron("0 0 * * Mon-Fri") == cron("0 0 * * 1-5"));
  CHECK(cron("0 0 * * SAT-SUN") == cron("0 0 * * 6,0"));
  CHECK(cron("0 0 * * 5-7") == cron("0 0 * * FRI,SAT,SUN"));
  CHECK(cron("  0\t0  * * 0-7/7 ") == cron("0 0 * * 0"));
  CHECK(next("0 8 * * SUN", "2026-03-02 00:00") == "2026-03-08 08:00");
}

TEST_CASE("a step over all weekdays counts Sunday once", "[base][cron]") {
  CHECK(cron("0 0 * * */2") == cron("0 0 * * */2,0-6/2"));
  CHECK(cron("0 0 * * */7") == cron("0 0 * * */7,0"));
  CHECK_FALSE(cron("0 0 * * */4").matches(at("2026-03-03 00:00")));  // Tuesday
  CHECK(cron("0 0 * * */4").matches(at("2026-03-05 00:00")));        // Thursday
}

TEST_CASE("either day matches when both are restricted, else both must", "[base][cron]") {
  // 2026-03-13 is a Friday.
  CHECK(next("0 0 13 * FRI", "2026-03-02 00:00") == "2026-03-06 00:00");
  CHECK(next("0 0 13 * FRI", "2026-03-07 00:00") == "2026-03-13 00:00");
  CHECK(next("0 0 14 * FRI", "2026-03-14 00:00") == "2026-03-14 00:00");
  CHECK(next("0 0 * * FRI", "2026-03-07 00:00") == "2026-03-13 00:00");
  CHECK(next("0 0 14 * *", "2026-03-01 00:00") == "2026-03-14 00:00");
  // A field that begins with * is not restricted: odd days that are Fridays.
  CHECK(next("0 0 */2 * FRI", "2026-03-01 00:00") == "2026-03-13 00:00");
  CHECK(next("0 0 */2 * FRI", "2026-03-14 00:00") == "2026-03-27 00:00");
  CHECK(next("0 0 13 * */5", "2026-03-02 00:00") == "2026-03-13 00:00");
}

TEST_CASE("month ends and leap years are kept", "[base][cron]") {
  CHECK(next("0 0 31 * *", "2026-02-01 00:00") == "2026-03-31 00:00");
  CHECK(next("0 0 31 * *", "2026-04-01 00:00") == "2026-05-31 00:00");
  CHECK(previous("0 0 30 * *", "2026-03-01 00:00") == "2026-01-30 00:00");
  CHECK(next("0 0 29 2 *", "2026-01-01 00:00") == "2028-02-29 00:00");
  CHECK(next("0 0 29 2 *", "2096-03-01 00:00") == "2104-02-29 00:00");  // 2100 is no leap year
  CHECK(previous("0 0 29 2 *", "2104-02-28 23:59") == "2096-02-29 00:00");
  CHECK(next("0 0 29 2 *", "1999-01-01 00:00") == "2000-02-29 00:00");
  // 29 February on a Sunday (0, by the star both must match), after 2004.
  CHECK(next("0 0 29 2 */7", "2004-03-01 00:00") == "2032-02-29 00:00");
}

TEST_CASE("a schedule that never comes is refused", "[base][cron]") {
  CHECK(refusal("0 0 30 2 *") == "day-of-month \"30\" never comes in month \"2\"");
  CHECK(refusal("0 0 31 APR,JUN,9,11 *") ==
        "day-of-month \"31\" never comes in month \"APR,JUN,9,11\"");
  CHECK(next("0 0 30 2 MON", "2026-02-01 00:00") == "2026-02-02 00:00");  // Mondays of February
}

TEST_CASE("a refusal names the field and what is wrong", "[base][cron]") {
  CHECK(refusal("60 * * * *") == "minute \"60\": must be from 0 to 59");
  CHECK(refusal("* 24 * * *") == "hour \"24\": must be from 0 to 23");
  CHECK(refusal("* * 0 * *") == "day-of-month \"0\": must be from 1 to 31");
  CHECK(refusal("* * 32 * *") == "day-of-month \"32\": must be from 1 to 31");
  CHECK(refusal("* * * 13 *") == "month \"13\": must be from 1 to 12");
  CHECK(refusal("* * * * 8") == "day-of-week \"8\": must be from 0 to 7");
  CHECK(refusal("* * * * Monday") ==
        "day-of-week \"Monday\": \"Monday\" is not a value; it must be from 0 to 7 or SUN to SAT");
  CHECK(refusal("JAN * * * *") ==
        "minute \"JAN\": \"JAN\" is not a value; it must be from 0 to 59");
  CHECK(refusal("-1 * * * *") == "minute \"-1\": a value is missing");
  CHECK(refusal("1- * * * *") == "minute \"1-\": a value is missing");
  CHECK(refusal("1,,2 * * * *") == "minute \"1,,2\": a value is missing");
  CHECK(refusal("1-2-3 * * * *").find("\"2-3\" is not a value") != std::string::npos);
  CHECK(refusal("99999 * * * *").find("\"99999\" is not a value") != std::string::npos);
  CHECK(refusal("* 17-9 * * *") == "hour \"17-9\": the range 17-9 runs backwards");
  CHECK(refusal("* * * * FRI-MON") == "day-of-week \"FRI-MON\": the range FRI-MON runs backwards");
  CHECK(refusal("*/0 * * * *") == "minute \"*/0\": the step after / must be from 1 to 59");
  CHECK(refusal("*/60 * * * *") == "minute \"*/60\": the step after / must be from 1 to 59");
  CHECK(refusal("*/ * * * *") == "minute \"*/\": the step after / must be from 1 to 59");
  CHECK(refusal("1-5/2/2 * * * *") == "minute \"1-5/2/2\": the step after / must be from 1 to 59");
  CHECK(refusal("5/15 * * * *") == "minute \"5/15\": a step needs a range or *, as in 5-59/15");
  CHECK(refusal("*-5 * * * *").find("\"*\" is not a value") != std::string::npos);
  CHECK(refusal("? * * * *").find("\"?\" is not a value") != std::string::npos);
  const std::string five =
      "a schedule has five fields (minute hour day-of-month month day-of-week), but ";
  CHECK(refusal("") == five + "\"\" has 0");
  CHECK(refusal("@daily") == five + "\"@daily\" has 1");
  CHECK(refusal("* * * *") == five + "\"* * * *\" has 4");
  CHECK(refusal("0 0 * * * 2026") == five + "\"0 0 * * * 2026\" has 6");
  CHECK(refusal("0 0\n* * * *").find("hour \"0\n*\": ") == 0);
}

TEST_CASE("a schedule has a greatest length", "[base][cron][limits]") {
  const std::string rest = " * * * *";
  std::string minutes = "0";
  while (minutes.size() + rest.size() + 2 <= limits::kCronBytesMax) minutes += ",0";
  const std::string longest =
      minutes + std::string(limits::kCronBytesMax - minutes.size() - rest.size(), ' ') + rest;
  REQUIRE(longest.size() == limits::kCronBytesMax);
  CHECK(cron(longest) == cron("0 * * * *"));
  CHECK(refusal(longest + " ") == "a schedule may have at most 1024 characters");
}

TEST_CASE("next and previous are what a walk through all minutes finds", "[base][cron]") {
  SeededRandom random(20261125);
  for (int round = 0; round < testing::effort("TIDELOCK_SCHEDULES", 100); ++round) {
    const Oracle oracle = random_schedule(random);
    const auto schedule = CronSchedule::parse(oracle.text());
    if (!schedule) {
      INFO(oracle.text());
      CHECK(schedule.error().message.find("never comes") != std::string::npos);
      continue;
    }
    // Forty days somewhere between 2000 and 2100.
    const LocalMinutes first =
        at("2000-01-01 00:00") + chr::minutes{random.below(100ULL * 365 * 1440)};
    const LocalMinutes last = first + chr::days{40};
    std::optional<LocalMinutes> before;
    LocalMinutes asked = first;  // since the match before
    int wrong = 0;
    for (LocalMinutes time = first; time < last; time += 1min) {
      const bool matches = oracle.matches(time);
      if (schedule->matches(time) != matches) ++wrong;
      if (!matches) continue;
      // From each minute since the match before (in few steps), this is the next; up to each, that
      // the last.
      for (LocalMinutes from = asked; from <= time;
           from += std::max<chr::minutes>(1min, (time - asked) / 7)) {
        if (schedule->next(from) != time) ++wrong;
        if (before && from < time && schedule->previous(from) != before) ++wrong;
      }
      if (schedule->next(time) != time || schedule->previous(time) != time) ++wrong;
      before = time;
      asked = time + 1min;
    }
    INFO(oracle.text() << " from " << text_of(first));
    CHECK(wrong == 0);
  }
}
