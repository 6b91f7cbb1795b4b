// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/scan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/api/json_skip.h"

namespace tidelock::apiserver {
namespace {

// Torn texts reach to their end.
std::size_t skip_string(std::string_view text, std::size_t at) {
  return std::min(api::skip_json_string(text, at), text.size());
}
std::size_t skip_nested(std::string_view text, std::size_t at) {
  return std::min(api::skip_json_nested(text, at), text.size());
}

std::size_t skip_value(std::string_view text, std::size_t at) {
  if (at >= text.size()) return text.size();
  if (text[at] == '"') return skip_string(text, at);
  if (text[at] == '{' || text[at] == '[') return skip_nested(text, at);
  const std::size_t end = text.find_first_of(",}]", at);
  return end == std::string_view::npos ? text.size() : end;
}

// Walks the members of a raw object until `visit` (raw key without quotes, raw value) says stop.
template <class Visit>
void walk(std::string_view object, Visit visit) {
  if (object.size() < 2 || object.front() != '{') return;
  std::size_t at = 1;
  while (at < object.size() && object[at] == '"') {
    const std::size_t key_end = skip_string(object, at);
    const std::string_view key = object.substr(at + 1, key_end - at - 2);
    const std::size_t value_end = skip_value(object, key_end + 1);
    if (!visit(key, object.substr(key_end + 1, value_end - key_end - 1))) return;
    at = value_end + 1;
  }
}

std::string_view member(std::string_view object, std::string_view wanted) {
  std::string_view found;
  walk(object, [&](std::string_view key, std::string_view value) {
    if (key != wanted) return true;
    found = value;
    return false;
  });
  return found;
}

std::string unescape(std::string_view body) {
  if (body.find('\\') == std::string_view::npos) return std::string(body);
  const std::string quoted = '"' + std::string(body) + '"';
  const auto parsed = nlohmann::json::parse(quoted, nullptr, false);
  return parsed.is_string() ? parsed.get<std::string>() : std::string();
}

}  // namespace

std::string_view scan_value(std::string_view json, std::initializer_list<std::string_view> path) {
  for (const std::string_view key : path) json = member(json, key);
  return json;
}

std::string_view scan_value(std::string_view json, const std::string& dotted_path) {
  std::size_t start = 0;
  while (start <= dotted_path.size() && !json.empty()) {
    std::size_t end = dotted_path.find('.', start);
    if (end == std::string::npos) end = dotted_path.size();
    json = member(json, std::string_view(dotted_path).substr(start, end - start));
    start = end + 1;
  }
  return json;
}

std::string scalar_text(std::string_view raw) {
  if (raw.empty() || raw == "null") return {};
  if (raw.front() == '"') return unescape(raw.substr(1, raw.size() - 2));
  return std::string(raw);
}

std::string scan_string(std::string_view json, std::initializer_list<std::string_view> path) {
  return scalar_text(scan_value(json, path));
}

void scan_members(std::string_view object,
                  const std::function<void(const std::string&, std::string_view)>& visit) {
  walk(object, [&](std::string_view key, std::string_view value) {
    visit(unescape(key), value);
    return true;
  });
}

void scan_elements(std::string_view array, const std::function<void(std::string_view)>& visit) {
  if (array.size() < 2 || array.front() != '[') return;
  std::size_t at = 1;
  while (at < array.size() && array[at] != ']') {
    const std::size_t end = skip_value(array, at);
    visit(array.substr(at, end - at));
    at = end + 1;
  }
}

std::map<std::string, std::string> scan_labels(std::string_view json) {
  std::map<std::string, std::string> labels;
  scan_members(scan_value(json, {"metadata", "labels"}),
               [&](const std::string& key, std::string_view value) {
                 labels[key] = scalar_text(value);
               });
  return labels;
}

}  // namespace tidelock::apiserver
