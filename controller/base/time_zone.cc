// SPDX-License-Identifier: Apache-2.0
#include "controller/base/time_zone.h"

#include <absl/time/civil_time.h>
#include <absl/time/time.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "controller/base/limits.h"

namespace tidelock {

namespace chr = std::chrono;

struct TimeZone::Data {
  std::string name;
  absl::TimeZone zone;
};

namespace {

// Far more than windows need, far less than absl and TimePoint hold.
constexpr TimePoint kFirst = chr::sys_days(chr::year{1} / 1 / 1);
constexpr TimePoint kLast = chr::sys_days(chr::year{9999} / 12 / 31);

absl::Time instant(TimePoint time) {
  const TimePoint clamped = std::clamp(time, kFirst, kLast);
  return absl::FromUnixSeconds(chr::floor<chr::seconds>(clamped).time_since_epoch().count());
}

LocalSeconds from_civil(absl::CivilSecond civil) {
  return LocalSeconds{chr::seconds{civil - absl::CivilSecond()}};
}

absl::CivilSecond to_civil(LocalSeconds local) {
  constexpr chr::seconds kSlack = chr::days{2};
  const chr::seconds first = chr::floor<chr::seconds>(kFirst).time_since_epoch() - kSlack;
  const chr::seconds last = chr::floor<chr::seconds>(kLast).time_since_epoch() + kSlack;
  return absl::CivilSecond() + std::clamp(local.time_since_epoch(), first, last).count();
}

// The names that tzdata gives its zones: parts like "Europe", "GMT+5", "Port-au-Prince", the first
// with a capital. So no absolute path, no "..", no "posix/…", "localtime" or "zone.tab".
bool is_zone_name(std::string_view name) {
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto is_letter = [&](char c) { return is_upper(c) || (c >= 'a' && c <= 'z'); };
  if (name.empty() || !is_upper(name.front())) return false;
  char before = '/';
  for (const char c : name) {
    const bool inside = (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '+' || c == '/';
    if (!(is_letter(c) || (before != '/' && inside))) return false;
    before = c;
  }
  return before != '/';
}

// Asked before absl is, which remembers for good every name that it was ever asked for.
bool is_installed(std::string_view name) {
  if (name == "UTC") return true;
  const char* folder = std::getenv("TZDIR");
  const bool set = folder != nullptr && *folder != '\0';
  std::error_code error;
  return std::filesystem::is_regular_file(
      std::filesystem::path(set ? folder : "/usr/share/zoneinfo") / name, error);
}

}  // namespace

Result<TimeZone> TimeZone::load(std::string_view name) {
  if (name.size() > limits::kTimeZoneNameBytesMax) {
    return fail(Reason::Invalid, "the name of a time zone has at most " +
                                     std::to_string(limits::kTimeZoneNameBytesMax) + " characters");
  }
  auto data = std::make_shared<Data>();
  data->name = name;
  if (!is_zone_name(name) || !is_installed(name) || !absl::LoadTimeZone(data->name, &data->zone)) {
    return fail(Reason::Invalid, "\"" + data->name +
                                     "\" is not a time zone of the IANA database on this machine;"
                                     " it should be a name like Europe/Berlin or UTC");
  }
  return TimeZone(std::move(data));
}

const std::string& TimeZone::name() const { return data_->name; }

LocalSeconds TimeZone::local(TimePoint time) const {
  return from_civil(absl::ToCivilSecond(instant(time), data_->zone));
}

TimePoint TimeZone::begin(LocalSeconds local) const {
  const auto found = data_->zone.At(to_civil(local));
  const bool skipped = found.kind == absl::TimeZone::TimeInfo::SKIPPED;
  return TimePoint{chr::seconds{absl::ToUnixSeconds(skipped ? found.trans : found.pre)}};
}

LocalSeconds TimeZone::latest_local(TimePoint time) const {
  const LocalSeconds shown = local(time);
  absl::TimeZone::CivilTransition change;
  if (!data_->zone.PrevTransition(instant(time) + absl::Seconds(1), &change)) return shown;
  return std::max(shown, from_civil(change.from - 1));
}

}  // namespace tidelock
