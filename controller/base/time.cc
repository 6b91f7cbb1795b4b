// SPDX-License-Identifier: Apache-2.0
#include "controller/base/time.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <limits>

namespace tidelock {
namespace {

using std::chrono::days;
using std::chrono::sys_days;

struct Civil {
  int year, month, day, hour, minute, second, micros;
};

// RFC 3339 has four digits for the year; what lies outside is clamped, so kNever prints as the last
// second of 9999.
constexpr TimePoint kFirst = sys_days(std::chrono::year{0} / 1 / 1);
constexpr TimePoint kLast = sys_days(std::chrono::year{10000} / 1 / 1) - Duration{1};

Civil civil(TimePoint time) {
  time = std::min(std::max(time, kFirst), kLast);
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date{day};
  const std::int64_t micros = (time - day).count();
  const std::int64_t seconds = micros / 1'000'000;
  return {static_cast<int>(date.year()),
          static_cast<int>(static_cast<unsigned>(date.month())),
          static_cast<int>(static_cast<unsigned>(date.day())),
          static_cast<int>(seconds / 3600),
          static_cast<int>(seconds / 60 % 60),
          static_cast<int>(seconds % 60),
          static_cast<int>(micros % 1'000'000)};
}

// Reads a text from left to right; every take_* leaves the cursor alone when it does not fit.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}
  bool done() const { return at_ == text_.size(); }
  bool digit_next() const { return !done() && text_[at_] >= '0' && text_[at_] <= '9'; }

  bool take(std::string_view literal) {
    if (text_.substr(at_, literal.size()) != literal) return false;
    at_ += literal.size();
    return true;
  }
  // Exactly `width` digits, low <= value <= high.
  bool take_number(int width, int low, int high, int* value) {
    const std::size_t start = at_;
    *value = 0;
    for (int i = 0; i < width && digit_next(); ++i) *value = *value * 10 + (text_[at_++] - '0');
    if (at_ - start == static_cast<std::size_t>(width) && *value >= low && *value <= high) {
      return true;
    }
    at_ = start;
    return false;
  }
  int take_digit() { return text_[at_++] - '0'; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// Digits after the point; those past the microsecond are dropped.
bool take_fraction(Scanner& scan, int* micros) {
  *micros = 0;
  if (!scan.take(".")) return true;
  if (!scan.digit_next()) return false;
  int unit = 100'000;
  while (scan.digit_next()) {
    *micros += scan.take_digit() * unit;
    unit /= 10;
  }
  return true;
}

// Minutes east of Greenwich.
bool take_zone(Scanner& scan, int* minutes) {
  *minutes = 0;
  if (scan.take("Z")) return true;
  const bool west = scan.take("-");
  if (!west && !scan.take("+")) return false;
  int hour = 0;
  int minute = 0;
  if (!scan.take_number(2, 0, 23, &hour) || !scan.take(":") ||
      !scan.take_number(2, 0, 59, &minute)) {
    return false;
  }
  *minutes = (west ? -1 : 1) * (hour * 60 + minute);
  return true;
}

struct Unit {
  std::string_view name;
  std::uint64_t nanos;
};
// Longer names first: "ms" must not be read as "m". Both spellings of micro that Go knows.
constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"\u00b5s", 1'000},
                                      {"\u03bcs", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000}}};
constexpr auto kNanosMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

// One "1.5h"; adds to *nanos. False when malformed or past Go's range.
bool take_duration_term(Scanner& scan, std::uint64_t* nanos) {
  std::uint64_t whole = 0;
  std::uint64_t fraction = 0;
  std::uint64_t scale = 1;
  bool any = scan.digit_next();
  while (scan.digit_next()) {
    const auto digit = static_cast<std::uint64_t>(scan.take_digit());
    if (whole > (kNanosMax - digit) / 10) return false;
    whole = whole * 10 + digit;
  }
  if (scan.take(".")) {
    any = any || scan.digit_next();
    while (scan.digit_next()) {
      const auto digit = static_cast<std::uint64_t>(scan.take_digit());
      if (scale >= 100'000'000'000'000) continue;  // past one nanosecond of an hour
      fraction = fraction * 10 + digit;
      scale *= 10;
    }
  }
  if (!any) return false;
  for (const Unit& unit : kUnits) {
    if (!scan.take(unit.name)) continue;
    if (whole > kNanosMax / unit.nanos) return false;
    const auto part = static_cast<std::uint64_t>(  // in floating point, as Go does
        static_cast<double>(fraction) *
        (static_cast<double>(unit.nanos) / static_cast<double>(scale)));
    const std::uint64_t term = whole * unit.nanos + part;
    if (term > kNanosMax - *nanos) return false;
    *nanos += term;
    return true;
  }
  return false;
}

// 1.5 for (1500, 1000): no trailing zeros.
std::string decimal(std::uint64_t value, std::uint64_t unit) {
  std::string text = std::to_string(value / unit);
  std::string tail = std::to_string(unit + value % unit).substr(1);
  while (!tail.empty() && tail.back() == '0') tail.pop_back();
  return tail.empty() ? text : text + "." + tail;
}

std::string two_parts(std::int64_t big, const char* big_unit, std::int64_t small,
                      const char* small_unit) {
  std::string text = std::to_string(big) + big_unit;
  return small == 0 ? text : text + std::to_string(small) + small_unit;
}

}  // namespace

std::string format_time(TimePoint time) {
  const Civil c = civil(time);
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02dZ", c.year, c.month, c.day,
                c.hour, c.minute, c.second);
  return text.data();
}

std::string format_micro_time(TimePoint time) {
  const Civil c = civil(time);
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", c.year, c.month,
                c.day, c.hour, c.minute, c.second, c.micros);
  return text.data();
}

Result<TimePoint> parse_time(std::string_view text) {
  const auto refuse = [text] {
    return fail(Reason::Invalid, "\"" + std::string(text) + "\" is not an RFC 3339 time");
  };
  Scanner scan(text);
  Civil c{};
  int zone = 0;
  const bool shaped =
      scan.take_number(4, 0, 9999, &c.year) && scan.take("-") &&
      scan.take_number(2, 1, 12, &c.month) && scan.take("-") &&
      scan.take_number(2, 1, 31, &c.day) && scan.take("T") &&
      scan.take_number(2, 0, 23, &c.hour) && scan.take(":") &&
      scan.take_number(2, 0, 59, &c.minute) && scan.take(":") &&
      scan.take_number(2, 0, 59, &c.second) && take_fraction(scan, &c.micros) &&
      take_zone(scan, &zone) && scan.done();
  if (!shaped) return refuse();
  const std::chrono::year_month_day date{std::chrono::year{c.year},
                                         std::chrono::month{static_cast<unsigned>(c.month)},
                                         std::chrono::day{static_cast<unsigned>(c.day)}};
  if (!date.ok()) return refuse();
  return TimePoint{sys_days{date}} + std::chrono::hours{c.hour} +
         std::chrono::minutes{c.minute - zone} + std::chrono::seconds{c.second} +
         Duration{c.micros};
}

Result<Duration> parse_duration(std::string_view text) {
  const auto refuse = [text] {
    return fail(Reason::Invalid,
                "\"" + std::string(text) + "\" is not a duration like 30s, 1h30m or 500ms");
  };
  Scanner scan(text);
  (void)scan.take("+");
  if (scan.done()) return refuse();
  if (text == "0" || text == "+0") return Duration{0};
  std::uint64_t nanos = 0;
  while (!scan.done()) {
    if (!take_duration_term(scan, &nanos)) return refuse();
  }
  return Duration{static_cast<std::int64_t>(nanos / 1000 + (nanos % 1000 != 0 ? 1 : 0))};
}

std::string format_duration(Duration duration) {
  const bool negative = duration < Duration::zero();
  const std::string sign = negative ? "-" : "";
  const auto raw = static_cast<std::uint64_t>(duration.count());
  const std::uint64_t micros = negative ? 0 - raw : raw;
  if (micros == 0) return "0s";
  if (micros < 1'000) return sign + std::to_string(micros) + "\u00b5s";
  if (micros < 1'000'000) return sign + decimal(micros, 1'000) + "ms";
  const std::uint64_t minutes = micros / 60'000'000;
  const std::string seconds = decimal(micros % 60'000'000, 1'000'000) + "s";
  if (minutes == 0) return sign + seconds;
  if (minutes < 60) return sign + std::to_string(minutes) + "m" + seconds;
  return sign + std::to_string(minutes / 60) + "h" + std::to_string(minutes % 60) + "m" + seconds;
}

std::string format_age(Duration duration) {
  const std::int64_t seconds = duration.count() / 1'000'000;
  const std::int64_t minutes = seconds / 60;
  const std::int64_t hours = minutes / 60;
  const std::int64_t whole_days = hours / 24;
  if (seconds < -1) return "<invalid>";  // clocks that disagree by more than two seconds
  if (seconds < 0) return "0s";
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (minutes < 10) return two_parts(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return std::to_string(minutes) + "m";
  if (hours < 8) return two_parts(hours, "h", minutes % 60, "m");
  if (hours < 48) return std::to_string(hours) + "h";
  if (hours < 24 * 8) return two_parts(whole_days, "d", hours % 24, "h");
  if (hours < 24 * 365 * 2) return std::to_string(whole_days) + "d";
  if (hours < 24 * 365 * 8) return two_parts(whole_days / 365, "y", whole_days % 365, "d");
  return std::to_string(whole_days / 365) + "y";
}

}  // namespace tidelock
