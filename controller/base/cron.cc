// SPDX-License-Identifier: Apache-2.0
#include "controller/base/cron.h"

#include <bit>
#include <string>
#include <vector>

#include "controller/base/limits.h"

namespace tidelock {

namespace chr = std::chrono;

namespace {

constexpr int kMonthsInCalendar = 400 * 12;  // then dates and weekdays repeat
constexpr int kHoursPerDay = 24;

struct Field {
  std::string_view name;
  int low;
  int high;
  std::string_view names;  // three letters each
  int first_name;          // value of the first of them
};
constexpr std::array<Field, 5> kFields{{{"minute", 0, 59, "", 0},
                                        {"hour", 0, 23, "", 0},
                                        {"day-of-month", 1, 31, "", 0},
                                        {"month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC", 1},
                                        {"day-of-week", 0, 7, "SUNMONTUEWEDTHUFRISAT", 0}}};
constexpr std::size_t kDayOfWeek = 4;

constexpr std::uint64_t bit(unsigned value) { return std::uint64_t{1} << value; }
constexpr std::uint64_t bits_from(unsigned value) { return ~std::uint64_t{0} << value; }
constexpr std::uint64_t bits_to(unsigned value) { return ~std::uint64_t{0} >> (63 - value); }
int lowest(std::uint64_t set) { return std::countr_zero(set); }
int highest(std::uint64_t set) { return 63 - std::countl_zero(set); }

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0;;) {
    const std::size_t end = text.find_first_of(separators, at);
    parts.push_back(text.substr(at, end - at));
    if (end == std::string_view::npos) return parts;
    at = end + 1;
  }
}

std::optional<int> number(std::string_view text) {
  constexpr std::size_t kDigitsMax = 4;
  if (text.empty() || text.size() > kDigitsMax) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<int> named(const Field& field, std::string_view text) {
  constexpr std::size_t kLetters = 3;
  if (text.size() != kLetters) return std::nullopt;
  const std::string wanted{upper(text[0]), upper(text[1]), upper(text[2])};
  for (std::size_t at = 0; at < field.names.size(); at += kLetters) {
    if (field.names.substr(at, kLetters) == wanted) {
      return field.first_name + static_cast<int>(at / kLetters);
    }
  }
  return std::nullopt;
}

}  // namespace

class CronParser {
 public:
  static Result<CronSchedule> parse(std::string_view text);

 private:
  explicit CronParser(const Field& field, std::string_view text) : field_(field), text_(text) {}
  Result<std::uint64_t> values() const;
  Result<std::uint64_t> item_values(std::string_view item) const;
  Result<int> value(std::string_view text) const;
  tl::unexpected<Error> refuse(const std::string& why) const;

  const Field& field_;
  std::string_view text_;
};

tl::unexpected<Error> CronParser::refuse(const std::string& why) const {
  return fail(Reason::Invalid,
              std::string(field_.name) + " \"" + std::string(text_) + "\": " + why);
}

Result<int> CronParser::value(std::string_view text) const {
  if (const auto found = named(field_, text)) return *found;
  const auto found = number(text);
  if (found && *found >= field_.low && *found <= field_.high) return *found;
  const std::string range =
      "must be from " + std::to_string(field_.low) + " to " + std::to_string(field_.high);
  if (found) return refuse(range);
  if (text.empty()) return refuse("a value is missing");
  std::string why = "\"" + std::string(text) + "\" is not a value; it " + range;
  if (!field_.names.empty()) {
    why += " or " + std::string(field_.names.substr(0, 3)) + " to " +
           std::string(field_.names.substr(field_.names.size() - 3));
  }
  return refuse(why);
}

// One of *, n, a-b, each but n with /step.
Result<std::uint64_t> CronParser::item_values(std::string_view item) const {
  int step = 1;
  const std::size_t slash = item.find('/');
  const std::string_view range = item.substr(0, slash);
  if (slash != std::string_view::npos) {
    const auto given = number(item.substr(slash + 1));
    if (!given || *given < 1 || *given > field_.high) {
      return refuse("the step after / must be from 1 to " + std::to_string(field_.high));
    }
    step = *given;
  }
  int first = field_.low;
  // The weekday 7 is 0 again: a star is each day once.
  int last = &field_ == &kFields[kDayOfWeek] ? field_.high - 1 : field_.high;
  if (range != "*") {
    const std::size_t dash = range.find('-');
    const auto from = value(range.substr(0, dash));
    if (!from) return tl::unexpected(from.error());
    first = last = *from;
    if (dash != std::string_view::npos) {
      const auto to = value(range.substr(dash + 1));
      if (!to) return tl::unexpected(to.error());
      last = *to;
      // "SAT-SUN": at the end of a range Sunday is the seventh day.
      if (&field_ == &kFields[kDayOfWeek] && last == 0 && first > 0) last = field_.high;
      if (last < first) return refuse("the range " + std::string(range) + " runs backwards");
    } else if (slash != std::string_view::npos) {
      return refuse("a step needs a range or *, as in " + std::string(range) + "-" +
                    std::to_string(field_.high) + "/" + std::to_string(step));
    }
  }
  std::uint64_t set = 0;
  for (int v = first; v <= last; v += step) set |= bit(static_cast<unsigned>(v));
  return set;
}

Result<std::uint64_t> CronParser::values() const {
  std::uint64_t set = 0;
  for (const std::string_view item : split(text_, ",")) {
    const auto part = item_values(item);
    if (!part) return tl::unexpected(part.error());
    set |= *part;
  }
  return set;
}

Result<CronSchedule> CronParser::parse(std::string_view text) {
  if (text.size() > limits::kCronBytesMax) {
    return fail(Reason::Invalid, "a schedule may have at most " +
                                     std::to_string(limits::kCronBytesMax) + " characters");
  }
  std::vector<std::string_view> texts;
  for (const std::string_view part : split(text, " \t")) {
    if (!part.empty()) texts.push_back(part);
  }
  if (texts.size() != kFields.size()) {
    return fail(Reason::Invalid,
                "a schedule has five fields (minute hour day-of-month month day-of-week), but \"" +
                    std::string(text) + "\" has " + std::to_string(texts.size()));
  }
  CronSchedule schedule;
  const std::array<std::uint64_t*, 5> sets{&schedule.minutes_, &schedule.hours_, &schedule.days_,
                                           &schedule.months_, &schedule.weekdays_};
  for (std::size_t i = 0; i < kFields.size(); ++i) {
    const auto values = CronParser(kFields[i], texts[i]).values();
    if (!values) return tl::unexpected(values.error());
    *sets[i] = *values;
  }
  if ((schedule.weekdays_ & bit(7)) != 0) schedule.weekdays_ = (schedule.weekdays_ | 1) & ~bit(7);
  schedule.either_day_ = texts[2].front() != '*' && texts[kDayOfWeek].front() != '*';
  if (!schedule.next_day(chr::year{2000} / 1 / 1)) {
    return fail(Reason::Invalid, "day-of-month \"" + std::string(texts[2]) +
                                     "\" never comes in month \"" + std::string(texts[3]) + "\"");
  }
  return schedule;
}

Result<CronSchedule> CronSchedule::parse(std::string_view text) { return CronParser::parse(text); }

bool CronSchedule::matches_day(chr::year_month_day date) const {
  if ((months_ & bit(unsigned{date.month()})) == 0) return false;
  const bool day = (days_ & bit(unsigned{date.day()})) != 0;
  const chr::weekday weekday{chr::local_days{date}};
  const bool of_week = (weekdays_ & bit(weekday.c_encoding())) != 0;
  return either_day_ ? day || of_week : day && of_week;
}

bool CronSchedule::matches(LocalMinutes time) const {
  const auto day = chr::floor<chr::days>(time);
  const chr::hh_mm_ss<chr::minutes> clock{time - day};
  return (minutes_ & bit(static_cast<unsigned>(clock.minutes().count()))) != 0 &&
         (hours_ & bit(static_cast<unsigned>(clock.hours().count()))) != 0 &&
         matches_day(chr::year_month_day{day});
}

// Midnight of the first matching day from `date` on.
std::optional<LocalMinutes> CronSchedule::next_day(chr::year_month_day date) const {
  for (int months = 0; months <= kMonthsInCalendar && date.year().ok(); ++months) {
    if ((months_ & bit(unsigned{date.month()})) != 0) {
      for (; date.ok(); date = date.year() / date.month() / (date.day() + chr::days{1})) {
        if (matches_day(date)) return chr::local_days{date};
      }
    }
    const auto month = chr::year_month{date.year(), date.month()} + chr::months{1};
    date = month / 1;
  }
  return std::nullopt;
}

// Midnight of the last matching day up to `date`.
std::optional<LocalMinutes> CronSchedule::previous_day(chr::year_month_day date) const {
  for (int months = 0; months <= kMonthsInCalendar && date.year().ok(); ++months) {
    if ((months_ & bit(unsigned{date.month()})) != 0) {
      for (; date.ok(); date = date.year() / date.month() / (date.day() - chr::days{1})) {
        if (matches_day(date)) return chr::local_days{date};
      }
    }
    const auto month = chr::year_month{date.year(), date.month()} - chr::months{1};
    date = month / chr::last;
  }
  return std::nullopt;
}

std::optional<LocalMinutes> CronSchedule::next(LocalMinutes from) const {
  const auto day = chr::floor<chr::days>(from);
  const chr::year_month_day date{day};
  const auto at = [this](LocalMinutes midnight, int hour, std::uint64_t minutes) {
    return midnight + chr::hours{hour} + chr::minutes{lowest(minutes)};
  };
  if (matches_day(date)) {
    const chr::hh_mm_ss<chr::minutes> clock{from - day};
    const auto hour = static_cast<unsigned>(clock.hours().count());
    const auto minutes = minutes_ & bits_from(static_cast<unsigned>(clock.minutes().count()));
    if ((hours_ & bit(hour)) != 0 && minutes != 0) return at(day, static_cast<int>(hour), minutes);
    const auto hours = hours_ & bits_from(hour + 1);
    if (hours != 0) return at(day, lowest(hours), minutes_);
  }
  const auto midnight = next_day(chr::year_month_day{day + chr::days{1}});
  if (!midnight) return std::nullopt;
  return at(*midnight, lowest(hours_), minutes_);
}

std::optional<LocalMinutes> CronSchedule::previous(LocalMinutes until) const {
  const auto day = chr::floor<chr::days>(until);
  const chr::year_month_day date{day};
  const auto at = [this](LocalMinutes midnight, int hour, std::uint64_t minutes) {
    return midnight + chr::hours{hour} + chr::minutes{highest(minutes)};
  };
  if (matches_day(date)) {
    const chr::hh_mm_ss<chr::minutes> clock{until - day};
    const auto hour = static_cast<unsigned>(clock.hours().count());
    const auto minutes = minutes_ & bits_to(static_cast<unsigned>(clock.minutes().count()));
    if ((hours_ & bit(hour)) != 0 && minutes != 0) return at(day, static_cast<int>(hour), minutes);
    const auto hours = hour == 0 ? 0 : hours_ & bits_to(hour - 1);
    if (hours != 0) return at(day, highest(hours), minutes_);
  }
  const auto midnight = previous_day(chr::year_month_day{day - chr::days{1}});
  if (!midnight) return std::nullopt;
  return at(*midnight, highest(hours_), minutes_);
}

}  // namespace tidelock
