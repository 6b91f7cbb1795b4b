// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/field_causes.h"

#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr const char* kHexDigits = "0123456789abcdef";

void append_escaped(std::string& out, unsigned char c) {
  switch (c) {
    case '\a':
      out += "\\a";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\v':
      out += "\\v";
      return;
    default:
      break;
  }
  out += "\\x";
  out += kHexDigits[c >> 4];
  out += kHexDigits[c & 15];
}

std::string fixed_digits(const std::string& digits, int exponent) {
  const int size = static_cast<int>(digits.size());
  if (exponent < 0)
    return "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
  if (exponent + 1 >= size) {
    return digits + std::string(static_cast<std::size_t>(exponent + 1 - size), '0');
  }
  return digits.substr(0, static_cast<std::size_t>(exponent + 1)) + "." +
         digits.substr(static_cast<std::size_t>(exponent + 1));
}

std::string with_value(const char* what, const json& value, std::string_view detail) {
  std::string text = std::string(what) + ": " + printed_value(value);
  if (!detail.empty()) text.append(": ").append(detail);
  return text;
}

}  // namespace

std::string go_quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      append_escaped(out, static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string go_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == 0) return "0";
  std::array<char, 64> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(),
                                          std::fabs(value), std::chars_format::scientific);
  const std::string text(buffer.data(), end);
  const std::size_t e = text.find('e');
  std::string digits = text.substr(0, e);
  if (digits.size() > 1) digits.erase(1, 1);
  const int exponent = std::stoi(text.substr(e + 1));
  const std::string sign = value < 0 ? "-" : "";
  // %v is %g with the exponent form from 1e21 on.
  if (exponent < -4 || exponent >= 21) return sign + text;
  return sign + fixed_digits(digits, exponent);
}

std::string printed_value(const json& value) {
  if (value.is_string()) return go_quote(value.get_ref<const std::string&>());
  if (value.is_number_float()) return go_number(value.get<double>());
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

Cause required_cause(std::string field, std::string_view detail) {
  std::string text = "Required value";
  if (!detail.empty()) text.append(": ").append(detail);
  return {"FieldValueRequired", std::move(text), std::move(field)};
}

Cause forbidden_cause(std::string field, std::string_view detail) {
  return {"FieldValueForbidden", "Forbidden: " + std::string(detail), std::move(field)};
}

Cause invalid_cause(std::string field, const json& value, std::string_view detail) {
  return {"FieldValueInvalid", with_value("Invalid value", value, detail), std::move(field)};
}

Cause type_invalid_cause(std::string field, const json& value, std::string_view detail) {
  return {"FieldValueTypeInvalid", with_value("Invalid value", value, detail), std::move(field)};
}

Cause unsupported_cause(std::string field, const json& value,
                        const std::vector<std::string>& supported) {
  std::string detail;
  for (const std::string& one : supported) {
    detail += (detail.empty() ? "supported values: " : ", ") + go_quote(one);
  }
  return {"FieldValueNotSupported", with_value("Unsupported value", value, detail),
          std::move(field)};
}

Cause duplicate_cause(std::string field, const json& value) {
  return {"FieldValueDuplicate", with_value("Duplicate value", value, {}), std::move(field)};
}

Cause too_long_cause(std::string field, std::int64_t maximum) {
  return {"FieldValueTooLong",
          "Too long: may not be more than " + std::to_string(maximum) +
              (maximum == 1 ? " byte" : " bytes"),
          std::move(field)};
}

Cause too_many_cause(std::string field, std::int64_t actual, std::int64_t maximum) {
  return {"FieldValueTooMany",
          "Too many: " + std::to_string(actual) + ": must have at most " + std::to_string(maximum) +
              (maximum == 1 ? " item" : " items"),
          std::move(field)};
}

}  // namespace tidelock::apiserver
