// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/crd_files.h"

#include <fstream>
#include <sstream>

#include "controller/api/yaml.h"

namespace tidelock::api::test {
namespace {

using SchemaVisit = std::function<void(const SchemaPath&, const json&)>;
using HolderVisit = std::function<void(json&, const std::string&)>;

void walk(const json& schema, SchemaPath& path, const SchemaVisit& visit) {
  visit(path, schema);
  const auto step = [&](const std::string& key, const json& inner) {
    path.push_back(key);
    walk(inner, path, visit);
    path.pop_back();
  };
  if (schema.contains("properties")) {
    for (const auto& [key, inner] : schema["properties"].items()) step(key, inner);
  }
  if (schema.contains("items")) step("[]", schema["items"]);
  if (schema.contains("additionalProperties")) step("{}", schema["additionalProperties"]);
}

void each_holder(json& at, const SchemaPath& path, std::size_t depth, const HolderVisit& visit) {
  const std::string& key = path[depth];
  if (key == "[]" || key == "{}") {
    if (depth + 1 == path.size()) return;
    for (json& item : at) each_holder(item, path, depth + 1, visit);
  } else if (depth + 1 == path.size()) {
    visit(at, key);
  } else if (at.contains(key)) {
    each_holder(at[key], path, depth + 1, visit);
  }
}

}  // namespace

json read_crd(const std::string& plural) {
  std::ifstream file(std::string(TIDELOCK_SOURCE_DIR) + "/crd/" + plural + ".yaml");
  std::stringstream text;
  text << file.rdbuf();
  const auto documents = parse_yaml(text.str());
  if (!documents) throw std::runtime_error(plural + ": " + documents.error().message);
  return *documents->at(0).json;
}

const json& schema_of(const json& crd) {
  return crd.at("spec").at("versions").at(0).at("schema").at("openAPIV3Schema");
}

std::string to_text(const SchemaPath& path) {
  std::string text;
  for (const std::string& key : path) {
    text += (text.empty() || key == "[]" || key == "{}" ? "" : ".") + key;
  }
  return text;
}

void walk_schema(const json& schema, const SchemaVisit& visit) {
  for (const char* part : {"spec", "status"}) {
    if (!schema.at("properties").contains(part)) continue;
    SchemaPath path{part};
    walk(schema["properties"][part], path, visit);
  }
}

void for_each_holder(json& document, const SchemaPath& path, const HolderVisit& visit) {
  each_holder(document, path, 0, visit);
}

}  // namespace tidelock::api::test
