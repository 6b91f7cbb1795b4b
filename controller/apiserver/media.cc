// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/media.h"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "controller/api/codec.h"
#include "controller/api/yaml.h"
#include "controller/base/limits.h"

namespace tidelock::apiserver {
namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(trim(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

struct Weighted {
  MediaRange range;
  double weight = 1;
};

Weighted parse_range(std::string_view text) {
  Weighted out;
  const auto parts = split(text, ';');
  out.range.type = lower(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos) continue;
    const std::string name = lower(trim(parts[i].substr(0, equals)));
    const std::string value(trim(parts[i].substr(equals + 1)));
    if (name == "q") out.weight = std::strtod(value.c_str(), nullptr);
    if (name == "as") out.range.as = value;
    if (name == "g") out.range.group = value;
    if (name == "v") out.range.version = value;
  }
  return out;
}

bool is_json(const std::string& type) {
  return type == "application/json" || type == "*/*" || type == "application/*" || type.empty();
}

// Whether the range's transformation fits, and into which view.
bool accept_view(const MediaRange& range, bool list, Answer& answer) {
  if (range.as.empty()) return true;
  if (range.group != "meta.k8s.io" || (range.version != "v1" && range.version != "v1beta1")) {
    return false;
  }
  answer.table_version = range.version;
  if (range.as == "Table") {
    answer.view = Answer::View::Table;
    return true;
  }
  if (range.as == (list ? "PartialObjectMetadataList" : "PartialObjectMetadata")) {
    answer.view = Answer::View::PartialMetadata;
    return true;
  }
  return false;
}

}  // namespace

std::string content_type(const http::Headers& headers) {
  return lower(split(http::header(headers, "Content-Type"), ';').front());
}

std::vector<MediaRange> parse_accept(std::string_view accept) {
  std::vector<Weighted> weighted;
  for (const std::string_view part : split(accept, ',')) weighted.push_back(parse_range(part));
  std::stable_sort(weighted.begin(), weighted.end(),
                   [](const Weighted& a, const Weighted& b) { return a.weight > b.weight; });
  std::vector<MediaRange> ranges;
  for (Weighted& item : weighted) {
    if (item.weight > 0) ranges.push_back(std::move(item.range));
  }
  return ranges;
}

Result<Answer> negotiate(std::string_view accept, bool list) {
  for (const MediaRange& range : parse_accept(accept)) {
    Answer answer;
    const bool yaml = range.type == "application/yaml";
    if (!yaml && !is_json(range.type)) continue;
    if (!accept_view(range, list, answer)) continue;
    answer.yaml = yaml;
    return answer;
  }
  return fail(Reason::NotAcceptable,
              "only the following media types are accepted: application/json, application/yaml, "
              "application/vnd.kubernetes.protobuf");
}

Error unsupported_media_type(const std::vector<std::string>& accepted) {
  std::string message =
      "the body of the request was in an unknown format - accepted media types include: ";
  for (std::size_t i = 0; i < accepted.size(); ++i) message += (i == 0 ? "" : ", ") + accepted[i];
  return make_error(Reason::UnsupportedMediaType, std::move(message));
}

Result<nlohmann::json> decode_text(std::string_view text, bool yaml,
                                   std::vector<std::string>& duplicates) {
  if (yaml) {
    auto documents = api::parse_yaml(text);
    if (!documents) return fail(documents.error());
    if (documents->empty()) return nlohmann::json();
    return std::move(*documents->front().json);
  }
  std::vector<api::DuplicateKey> found;
  auto document = api::parse_json(text, limits::kRequestBodyBytesMax, found);
  if (!document) return fail(document.error());
  for (const auto& key : found) duplicates.push_back("duplicate field \"" + key.path + "\"");
  return document;
}

}  // namespace tidelock::apiserver
