// SPDX-License-Identifier: Apache-2.0
#include "controller/api/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace tidelock::api {
namespace {

using nlohmann::json;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

struct Digits {
  int base;
  std::string_view text;
};

// Go's strconv.ParseInt with base 0: 0x, 0o, 0b and a bare leading zero for octal.
Digits base_of(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return {10, text};
  switch (text[1]) {
    case 'x': case 'X': return {16, text.substr(2)};
    case 'o': case 'O': return {8, text.substr(2)};
    case 'b': case 'B': return {2, text.substr(2)};
    default: return {8, text.substr(1)};
  }
}

std::optional<json> integer(std::string_view text) {
  const bool negative = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') text.remove_prefix(1);
  const Digits digits = base_of(text);
  std::uint64_t value = 0;
  const char* const end = digits.text.data() + digits.text.size();
  const auto [stop, error] = std::from_chars(digits.text.data(), end, value, digits.base);
  if (error != std::errc{} || stop != end) return std::nullopt;
  if (!negative) return json(value);
  constexpr std::uint64_t kMost = 1ULL << 63;
  if (value > kMost) return std::nullopt;
  return json(static_cast<std::int64_t>(0 - value));
}

// [-+]? (\.[0-9]+ | [0-9]+(\.[0-9]*)?) ([eE][-+]?[0-9]+)?
bool is_float(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at > start;
  };
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  const bool whole = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (!digits() && !whole) return false;
  } else if (!whole) {
    return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

json floating(const std::string& text) {
  const char* const begin = text.c_str() + (text[0] == '+' ? 1 : 0);
  double value = 0;
  const auto [end, error] = std::from_chars(begin, text.c_str() + text.size(), value);
  if (error == std::errc::result_out_of_range) return json(json::value_t::discarded);
  constexpr double kIntegersEnd = 9.2e18;
  if (value == std::floor(value) && std::abs(value) < kIntegersEnd) {
    return static_cast<std::int64_t>(value);
  }
  return value;
}

}  // namespace

json resolve_plain_scalar(std::string_view text) {
  if (one_of(text, {"", "~", "null", "Null", "NULL"})) return nullptr;
  if (one_of(text, {"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"})) {
    return true;
  }
  if (one_of(text, {"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"})) {
    return false;
  }
  if (one_of(text, {".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF",
                    "-.inf", "-.Inf", "-.INF"})) {
    return json(json::value_t::discarded);
  }
  if (!is_digit(text[0]) && std::string_view("+-.").find(text[0]) == std::string_view::npos) {
    return std::string(text);
  }
  std::string plain(text);
  plain.erase(std::remove(plain.begin(), plain.end(), '_'), plain.end());
  if (plain.empty()) return std::string(text);
  if (auto number = integer(plain)) return std::move(*number);
  if (is_float(plain)) return floating(plain);
  return std::string(text);
}

// YYYY-M-D, or that and a time behind "T", "t" or a blank.
bool looks_like_timestamp(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&](std::size_t low, std::size_t high) {
    const std::size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - start >= low && at - start <= high;
  };
  const auto take = [&](std::string_view any) {
    const bool fits = at < text.size() && any.find(text[at]) != std::string_view::npos;
    if (fits) ++at;
    return fits;
  };
  if (!digits(4, 4) || !take("-") || !digits(1, 2) || !take("-") || !digits(1, 2)) return false;
  if (at == text.size()) return true;
  return take("Tt ") && digits(1, 2) && take(":") && digits(1, 2) && take(":") && digits(1, 2);
}

bool looks_like_base60(std::string_view text) {
  return !text.empty() && text.find(':') != std::string_view::npos && text.back() != ':' &&
         (is_digit(text[0]) || text[0] == '-' || text[0] == '+') &&
         text.find_first_not_of("0123456789_:.", 1) == std::string_view::npos;
}

}  // namespace tidelock::api
