// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/object_codec.h"

#include <nlohmann/json.hpp>

#include "controller/api/json_plain.h"
#include "controller/apiserver/scan.h"
#include "controller/base/invariant.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr std::string_view kMetadata = "\"metadata\":{";

void append_header(std::string& out, const std::string& api_version, const std::string& kind) {
  out += R"({"apiVersion":")";
  out += api_version;
  out += R"(","kind":")";
  out += kind;
  out += R"(",)";
  out += kMetadata;
}

// The text after `"metadata":{`. The header's two strings hold no quotes, so the first is the one.
std::string_view after_header(std::string_view stored) {
  const std::size_t at = stored.find(kMetadata);
  INVARIANT(at != std::string_view::npos);
  return stored.substr(at + kMetadata.size());
}

}  // namespace

std::string encode_stored(const ResourceType& type, const json& document) {
  std::string out;
  append_header(out, type.storage_api_version(), type.kind);
  bool first = true;
  for (const auto& [key, value] : document.at("metadata").items()) {
    if (key == "resourceVersion") continue;
    if (!first) out += ',';
    first = false;
    api::append_json_string(out, key);
    out += ':';
    api::append_json(out, value);
  }
  INVARIANT(!first);
  out += '}';
  for (const auto& [key, value] : document.items()) {
    if (key == "apiVersion" || key == "kind" || key == "metadata") continue;
    out += ',';
    api::append_json_string(out, key);
    out += ':';
    api::append_json(out, value);
  }
  out += '}';
  return out;
}

void append_object(std::string& out, const ResourceType& type, std::string_view stored,
                   store::Revision revision) {
  append_header(out, type.api_version(), type.kind);
  if (revision != 0) {
    out += R"("resourceVersion":")";
    out += std::to_string(revision);
    out += R"(",)";
  }
  out += after_header(stored);
}

std::string object_text(const ResourceType& type, std::string_view stored,
                        store::Revision revision) {
  std::string out;
  out.reserve(stored.size() + 64);
  append_object(out, type, stored, revision);
  return out;
}

json object_json(const ResourceType& type, std::string_view stored, store::Revision revision) {
  json document = api::parse_own_json(stored);
  INVARIANT(document.is_object());
  document["apiVersion"] = type.api_version();
  if (revision != 0) document["metadata"]["resourceVersion"] = std::to_string(revision);
  return document;
}

std::string_view stored_metadata(std::string_view stored) { return scan_value(stored, {"metadata"}); }

KeyParts split_key(std::string_view key) {
  constexpr std::string_view kRoot = "/registry/";
  KeyParts parts;
  if (!key.starts_with(kRoot)) return parts;
  key.remove_prefix(kRoot.size());
  std::string_view* const fields[] = {&parts.group, &parts.plural, &parts.ns};
  for (std::string_view* field : fields) {
    const std::size_t slash = key.find('/');
    if (slash == std::string_view::npos) break;
    *field = key.substr(0, slash);
    key.remove_prefix(slash + 1);
  }
  parts.name = key;
  if (parts.group == "core") parts.group = {};
  return parts;
}

}  // namespace tidelock::apiserver
