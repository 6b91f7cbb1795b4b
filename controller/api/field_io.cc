// SPDX-License-Identifier: Apache-2.0
#include "controller/api/field_io.h"

#include <cmath>
#include <limits>

#include "controller/api/kinds.h"

namespace tidelock::api {
namespace {

std::string type_of(const json& value) {
  if (value.is_number_integer()) return "integer";
  return value.type_name();
}

}  // namespace

std::string FieldPath::text() const {
  const std::string before = parent == nullptr ? std::string() : parent->text();
  if (key.empty()) return before + "[" + std::to_string(index) + "]";
  return before.empty() ? std::string(key) : before + "." + std::string(key);
}

const json* Reader::find(const char* key) const {
  const auto found = value_.find(key);
  return found == value_.end() || found->is_null() ? nullptr : &*found;
}

void Reader::wrong(std::string_view what) {
  causes_.push_back({"FieldValueInvalid", "Invalid value: " + value_.dump(-1, ' ', false,
                     json::error_handler_t::replace) + ": " + std::string(what),
                     path_ == nullptr ? std::string() : path_->text()});
}

void Reader::wrong(const char* key, std::string_view what) {
  const FieldPath path{path_, key};
  const json* found = find(key);
  Reader(found == nullptr ? value_ : *found, &path, causes_).wrong(what);
}

void Reader::wrong_hidden(std::string_view key, std::string_view what) {
  const FieldPath path{path_, key};
  causes_.push_back({"FieldValueInvalid", "Invalid value: " + std::string(what), path.text()});
}

void Reader::wrong_type(std::string_view wanted) {
  causes_.push_back({"FieldValueTypeInvalid",
                     "Invalid value: \"" + type_of(value_) + "\": must be of type " +
                         std::string(wanted) + ": \"" + type_of(value_) + "\"",
                     path_ == nullptr ? std::string() : path_->text()});
}

bool Reader::is_object() {
  if (!value_.is_object()) wrong_type("object");
  return value_.is_object();
}

bool Reader::is_array() {
  if (!value_.is_array()) wrong_type("array");
  return value_.is_array();
}

// Like the schema's "integer", a number with an empty fraction counts.
bool Reader::is_integer(std::int64_t low, std::int64_t high, std::int64_t& out) {
  if (value_.is_number_unsigned()) {
    const auto number = value_.get<std::uint64_t>();
    if (number <= static_cast<std::uint64_t>(high)) {
      out = static_cast<std::int64_t>(number);
      return out >= low;
    }
  } else if (value_.is_number_integer()) {
    out = value_.get<std::int64_t>();
    if (out >= low && out <= high) return true;
  } else if (value_.is_number_float()) {
    const double number = value_.get<double>();
    constexpr double kExact = 9007199254740992.0;  // 2^53
    if (number == std::floor(number) && std::abs(number) <= kExact &&
        number >= static_cast<double>(low) && number <= static_cast<double>(high)) {
      out = static_cast<std::int64_t>(number);
      return true;
    }
    if (number != std::floor(number)) {
      wrong_type("integer");
      return false;
    }
  } else {
    wrong_type("integer");
    return false;
  }
  wrong("must be between " + std::to_string(low) + " and " + std::to_string(high));
  return false;
}

int Reader::enumerator(const std::string_view* names, std::size_t count) {
  if (!value_.is_string()) {
    wrong_type("string");
    return -1;
  }
  std::string supported;
  for (std::size_t i = 0; i < count; ++i) {
    if (value_.get_ref<const std::string&>() == names[i]) return static_cast<int>(i);
    supported += (i == 0 ? "\"" : ", \"") + std::string(names[i]) + "\"";
  }
  causes_.push_back({"FieldValueNotSupported",
                     "Unsupported value: " +
                         value_.dump(-1, ' ', false, json::error_handler_t::replace) +
                         ": supported values: " + supported,
                     path_ == nullptr ? std::string() : path_->text()});
  return -1;
}

void Reader::value(std::string& out) {
  if (value_.is_string()) {
    out = value_.get_ref<const std::string&>();
  } else {
    wrong_type("string");
  }
}

void Reader::value(bool& out) {
  if (value_.is_boolean()) {
    out = value_.get<bool>();
  } else {
    wrong_type("boolean");
  }
}

void Reader::value(int& out) {
  std::int64_t number = 0;
  if (is_integer(std::numeric_limits<int>::min(), std::numeric_limits<int>::max(), number)) {
    out = static_cast<int>(number);
  }
}

void Reader::value(std::int64_t& out) {
  std::int64_t number = 0;
  if (is_integer(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
                 number)) {
    out = number;
  }
}

void Reader::value(Duration& out) {
  if (!value_.is_string()) return wrong_type("string");
  const auto parsed = parse_duration(value_.get_ref<const std::string&>());
  if (!parsed) return wrong(parsed.error().message);
  out = *parsed;
}

void Reader::value(TimePoint& out) {
  if (!value_.is_string()) return wrong_type("string");
  const auto parsed = parse_time(value_.get_ref<const std::string&>());
  if (!parsed) return wrong(parsed.error().message);
  out = *parsed;
}

void Reader::value(TextMap& out) {
  if (!is_object()) return;
  out.clear();
  for (const auto& [key, item] : value_.items()) {
    const FieldPath path{path_, key};
    Reader(item, &path, causes_).value(out[key]);
  }
}

void Reader::value(CountMap& out) {
  if (!is_object()) return;
  out.clear();
  for (const auto& [key, item] : value_.items()) {
    const FieldPath path{path_, key};
    Reader(item, &path, causes_).value(out[key]);
  }
}

void Reader::value(IntOrPercent& out) {
  constexpr std::size_t kDigitsMax = 3;
  if (!value_.is_string()) {
    out.percent = false;
    return value(out.value);
  }
  const auto& text = value_.get_ref<const std::string&>();
  const std::string digits = text.substr(0, text.find('%'));
  const bool number = !digits.empty() && digits.size() <= kDigitsMax &&
                      digits.find_first_not_of("0123456789") == std::string::npos &&
                      (digits == "0" || digits.front() != '0');
  if (!number || text != digits + "%") return wrong("must be a whole number or a percentage such as \"25%\"");
  out = {std::stoi(digits), true};
}

json to_json(const std::string& value) { return value; }
json to_json(bool value) { return value; }
json to_json(int value) { return value; }
json to_json(std::int64_t value) { return value; }
json to_json(Duration value) { return format_duration(value); }
json to_json(TimePoint value) { return format_micro_time(value); }
json to_json(const TextMap& value) { return value; }
json to_json(const CountMap& value) { return value; }
json to_json(const IntOrPercent& value) {
  if (!value.percent) return value.value;
  return std::to_string(value.value) + "%";
}

void Writer::seconds(const char* key, const TimePoint& in) {
  if (in != TimePoint{}) object_[key] = format_time(in);
}

void Writer::seconds(const char* key, const std::optional<TimePoint>& in) {
  if (in) object_[key] = format_time(*in);
}

}  // namespace tidelock::api
