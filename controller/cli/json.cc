// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/json.h"

namespace tidelock::cli {

using nlohmann::json;

const json& member(const json& object, const char* name) {
  static const json null;
  if (!object.is_object()) return null;
  auto found = object.find(name);
  return found == object.end() ? null : *found;
}

std::string text_at(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string{};
}

std::int64_t integer_at(const json& object, const char* name, std::int64_t otherwise) {
  const json& value = member(object, name);
  return value.is_number_integer() ? value.get<std::int64_t>() : otherwise;
}

const json& elements(const json& object, const char* name) {
  static const json empty = json::array();
  const json& value = member(object, name);
  return value.is_array() ? value : empty;
}

std::string name_of(const json& object) { return text_at(member(object, "metadata"), "name"); }

std::string namespace_of(const json& object) {
  return text_at(member(object, "metadata"), "namespace");
}

void strip_managed_fields(json& object) {
  if (!object.is_object()) return;
  if (auto metadata = object.find("metadata"); metadata != object.end() && metadata->is_object()) {
    metadata->erase("managedFields");
  }
  if (auto items = object.find("items"); items != object.end() && items->is_array()) {
    for (json& item : *items) strip_managed_fields(item);
  }
}

}  // namespace tidelock::cli
