// SPDX-License-Identifier: Apache-2.0
#include "controller/api/cause_list.h"

#include <nlohmann/json.hpp>

#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

// Long values are cut: the message is for people.
constexpr std::size_t kShown = 256;

std::string shown_text(std::string_view value) {
  const std::string text(value.substr(0, kShown));
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
         (value.size() > kShown ? "…" : "");
}

// Not inside a character.
std::string cut(std::string_view text) {
  if (text.size() <= kShown) return std::string(text);
  std::size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace

std::string item(const std::string& list, std::size_t index) {
  return list + "[" + std::to_string(index) + "]";
}

void CauseList::required(std::string field, const std::string& why) {
  causes_.push_back({"FieldValueRequired", "Required value: " + why, std::move(field)});
}

void CauseList::invalid(std::string field, std::string_view value, const std::string& why) {
  causes_.push_back(
      {"FieldValueInvalid", "Invalid value: " + shown_text(value) + ": " + why, std::move(field)});
}

void CauseList::invalid(std::string field, std::int64_t value, const std::string& why) {
  causes_.push_back({"FieldValueInvalid", "Invalid value: " + std::to_string(value) + ": " + why,
                     std::move(field)});
}

void CauseList::invalid_json(std::string field, std::string_view json, const std::string& why) {
  causes_.push_back({"FieldValueInvalid", "Invalid value: " + cut(json) + ": " + why, std::move(field)});
}

void CauseList::not_supported(std::string field, std::string_view value,
                              const std::vector<std::string>& supported) {
  std::string list;
  for (const std::string& each : supported) list += (list.empty() ? "" : ", ") + shown_text(each);
  causes_.push_back({"FieldValueNotSupported",
                     "Unsupported value: " + shown_text(value) + ": supported values: " + list,
                     std::move(field)});
}

void CauseList::duplicate(std::string field, std::string_view value) {
  causes_.push_back({"FieldValueDuplicate", "Duplicate value: " + shown_text(value), std::move(field)});
}

void CauseList::not_found(std::string field, std::string_view name) {
  causes_.push_back({"FieldValueNotFound", "Not found: " + shown_text(name), std::move(field)});
}

void CauseList::forbidden(std::string field, const std::string& why) {
  causes_.push_back({"FieldValueForbidden", "Forbidden: " + why, std::move(field)});
}

void CauseList::too_long(std::string field, std::size_t bytes_max) {
  causes_.push_back({"FieldValueTooLong",
                     "Too long: may not be more than " + std::to_string(bytes_max) + " bytes",
                     std::move(field)});
}

void CauseList::too_many(std::string field, std::size_t count, std::size_t max) {
  causes_.push_back({"FieldValueTooMany",
                     "Too many: " + std::to_string(count) + ": must have at most " +
                         std::to_string(max) + " items",
                     std::move(field)});
}

}  // namespace tidelock::api
