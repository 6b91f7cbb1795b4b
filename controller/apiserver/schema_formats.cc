// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/schema_formats.h"

#include <arpa/inet.h>
#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <string>

#include "controller/api/selector.h"

namespace tidelock::apiserver {
namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

bool full(const RE2& pattern, std::string_view text) {
  return RE2::FullMatch(piece(text), pattern);
}

int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

bool is_date(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  const int year = digits(text, 0, 4);
  const int month = digits(text, 5, 2);
  const int day = digits(text, 8, 2);
  if (year < 0 || month < 1 || month > 12 || day < 1) return false;
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return day <= kDays[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
}

bool is_date_time(std::string_view text) {
  if (text.size() < 11 || (text[10] != 'T' && text[10] != 't') || !is_date(text.substr(0, 10))) {
    return false;
  }
  static const RE2 pattern(R"((\d\d):(\d\d):(\d\d)(.[0-9]+)?([zZ]|[+-]\d\d:\d\d))");
  const std::string_view time = text.substr(11);
  return full(pattern, time) && digits(time, 0, 2) <= 23 && digits(time, 3, 2) <= 59 &&
         digits(time, 6, 2) <= 59;
}

// Go's time.ParseDuration, and Scala's "22 seconds".
bool is_duration(std::string_view text) {
  static const RE2 go(R"([-+]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+))");
  static const RE2 scala(
      R"((?i).*\d+\s*(ns|nanos?|nanoseconds?|nanosecs?|us|micros?|microseconds?|ms|millis?|)"
      R"(milliseconds?|s|sec\w*|seconds?|m|min\w*|h|hr\w*|hours?|d|days?|w|wk\w*|weeks?).*)");
  return full(go, text) || full(scala, text);
}

bool is_base64(std::string_view text) {
  static const RE2 pattern(
      R"((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})?)");
  return full(pattern, text);
}

bool is_address(int family, const std::string& text) {
  unsigned char bytes[16];
  return inet_pton(family, text.c_str(), bytes) == 1;
}

// As netutils.ParseIPSloppy: leading zeros in IPv4 are tolerated.
bool is_ipv4(std::string_view text) {
  static const RE2 pattern(R"((\d{1,9})\.(\d{1,9})\.(\d{1,9})\.(\d{1,9}))");
  int parts[4] = {};
  if (RE2::FullMatch(piece(text), pattern, &parts[0], &parts[1], &parts[2], &parts[3])) {
    return std::all_of(std::begin(parts), std::end(parts), [](int part) { return part <= 255; });
  }
  return text.starts_with("::") && is_address(AF_INET6, std::string(text)) &&
         text.find('.') != std::string_view::npos;
}

bool is_ipv6(std::string_view text) {
  return text.find(':') != std::string_view::npos && is_address(AF_INET6, std::string(text));
}

bool is_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view bits = text.substr(slash + 1);
  if (bits.empty() || bits.size() > 3) return false;
  const int count = digits(bits, 0, bits.size());
  const std::string_view address = text.substr(0, slash);
  if (count < 0) return false;
  return is_ipv4(address) ? count <= 32 : is_ipv6(address) && count <= 128;
}

bool is_uri(std::string_view text) {
  static const RE2 pattern(R"((?:[A-Za-z][A-Za-z0-9+.-]*:\S*[^\s]|/[^\s]*))");
  return full(pattern, text);
}

bool is_email(std::string_view text) {
  static const RE2 pattern(R"((?:[^<>]*<)?[^\s@<>"(),:;\[\]\\]+@[^\s@<>"(),:;\\]+>?)");
  return full(pattern, text);
}

bool is_hostname(std::string_view text) {
  static const RE2 pattern(
      R"((?:[a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|)"
      R"(([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9-\p{S}\p{L}]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,})"
      R"(([a-zA-Z\p{L}]){2,63}))");
  if (text.size() > 255 || !full(pattern, text)) return false;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i != text.size() && text[i] != '.') continue;
    if (i - start > 63) return false;
    start = i + 1;
  }
  return true;
}

std::string uuid_pattern(const char* third, const char* fourth) {
  return std::string("(?i)[0-9a-f]{8}-?[0-9a-f]{4}-?") + third + "-?" + fourth + "-?[0-9a-f]{12}";
}

bool is_uuid(Format format, std::string_view text) {
  static const RE2 any(uuid_pattern("[0-9a-f]{4}", "[0-9a-f]{4}"));
  static const RE2 three(uuid_pattern("3[0-9a-f]{3}", "[0-9a-f]{4}"));
  static const RE2 four(uuid_pattern("4[0-9a-f]{3}", "[89ab][0-9a-f]{3}"));
  static const RE2 five(uuid_pattern("5[0-9a-f]{3}", "[89ab][0-9a-f]{3}"));
  if (format == Format::Uuid3) return full(three, text);
  if (format == Format::Uuid4) return full(four, text);
  return full(format == Format::Uuid5 ? five : any, text);
}

bool is_mac(std::string_view text) {
  static const RE2 pattern(
      R"((?i)(?:[0-9a-f]{2}([:-][0-9a-f]{2}){5}|[0-9a-f]{2}([:-][0-9a-f]{2}){7}|)"
      R"([0-9a-f]{4}(\.[0-9a-f]{4}){2,3}))");
  return full(pattern, text);
}

bool is_hex_color(std::string_view text) {
  static const RE2 pattern("#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})");
  return full(pattern, text);
}

bool is_ssn(std::string_view text) {
  static const RE2 pattern(R"(\d{3}[- ]?\d{2}[- ]?\d{4})");
  return full(pattern, text);
}

}  // namespace

Format parse_format(std::string_view name) {
  static const std::map<std::string, Format, std::less<>> formats = {
      {"int32", Format::Int32},
      {"int64", Format::Int64},
      {"float", Format::Float},
      {"double", Format::Double},
      {"datetime", Format::DateTime},
      {"date", Format::Date},
      {"duration", Format::Duration},
      {"byte", Format::Byte},
      {"uri", Format::Uri},
      {"email", Format::Email},
      {"hostname", Format::Hostname},
      {"ipv4", Format::Ipv4},
      {"ipv6", Format::Ipv6},
      {"cidr", Format::Cidr},
      {"mac", Format::Mac},
      {"uuid", Format::Uuid},
      {"uuid3", Format::Uuid3},
      {"uuid4", Format::Uuid4},
      {"uuid5", Format::Uuid5},
      {"hexcolor", Format::HexColor},
      {"ssn", Format::Ssn},
      {"password", Format::Password},
      {"k8sshortname", Format::ShortName},
      {"k8slongname", Format::LongName},
  };
  std::string plain;
  for (const char c : name) {
    if (c != '-') plain += c;
  }
  const auto found = formats.find(plain);
  return found == formats.end() ? Format::None : found->second;
}

bool matches_format(Format format, std::string_view text) {
  switch (format) {
    case Format::None:
    case Format::Int32:
    case Format::Int64:
    case Format::Float:
    case Format::Double:
    case Format::Password:
      return true;
    case Format::DateTime:
      return is_date_time(text);
    case Format::Date:
      return is_date(text);
    case Format::Duration:
      return is_duration(text);
    case Format::Byte:
      return is_base64(text);
    case Format::Uri:
      return is_uri(text);
    case Format::Email:
      return is_email(text);
    case Format::Hostname:
      return is_hostname(text);
    case Format::Ipv4:
      return is_ipv4(text);
    case Format::Ipv6:
      return is_ipv6(text);
    case Format::Cidr:
      return is_cidr(text);
    case Format::Mac:
      return is_mac(text);
    case Format::Uuid:
    case Format::Uuid3:
    case Format::Uuid4:
    case Format::Uuid5:
      return is_uuid(format, text);
    case Format::HexColor:
      return is_hex_color(text);
    case Format::Ssn:
      return is_ssn(text);
    case Format::ShortName:
      return api::check_dns_label(text).empty();
    case Format::LongName:
      return api::check_dns_subdomain(text).empty();
  }
  return true;
}

}  // namespace tidelock::apiserver
