// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/core_kinds.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/apiserver/object_rules.h"
#include "controller/apiserver/status.h"
#include "controller/base/digest.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

struct Row {
  Builtin builtin;
  const char* group;
  const char* kind;
  const char* plural;
  const char* singular;
  std::vector<std::string> short_names;
  bool namespaced;
  bool has_status;
  bool has_generation;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> kinds = {
      {Builtin::Namespace, "", "Namespace", "namespaces", "namespace", {"ns"}, false, true, false},
      {Builtin::Secret, "", "Secret", "secrets", "secret", {}, true, false, false},
      {Builtin::ConfigMap, "", "ConfigMap", "configmaps", "configmap", {"cm"}, true, false, false},
      {Builtin::Event, "", "Event", "events", "event", {"ev"}, true, false, false},
      {Builtin::ServiceAccount, "", "ServiceAccount", "serviceaccounts", "serviceaccount", {"sa"},
       true, false, false},
      {Builtin::Lease, "coordination.k8s.io", "Lease", "leases", "lease", {}, true, false, false},
      {Builtin::Crd, "apiextensions.k8s.io", "CustomResourceDefinition",
       "customresourcedefinitions", "customresourcedefinition", {"crd", "crds"}, false, true, true},
  };
  return kinds;
}

ResourceTypePtr make_type(const Row& row) {
  auto type = std::make_shared<ResourceType>();
  type->group = row.group;
  type->version = "v1";
  type->storage_version = "v1";
  type->kind = row.kind;
  type->list_kind = type->kind + "List";
  type->plural = row.plural;
  type->singular = row.singular;
  type->short_names = row.short_names;
  if (row.builtin == Builtin::Crd) type->categories = {"api-extensions"};
  type->namespaced = row.namespaced;
  type->has_status = row.has_status;
  type->has_generation = row.has_generation;
  type->builtin = row.builtin;
  type->schema = compile_core_schema(row.builtin);
  return type;
}

bool all_text(const json& object) {
  return std::all_of(object.begin(), object.end(), [](const json& item) { return item.is_string(); });
}

// What has a wrong type stays as it is, for the schema to refuse.
void merge_string_data(json& secret) {
  const auto plain = secret.find("stringData");
  if (plain == secret.end() || !plain->is_object() || !all_text(*plain)) return;
  json& data = secret["data"];
  if (!data.is_null() && !data.is_object()) return;
  for (const auto& [key, value] : secret["stringData"].items()) {
    data[key] = base64_encode(value.get_ref<const std::string&>());
  }
  if (data.is_null()) secret.erase("data");
  secret.erase("stringData");
}

void default_secret(json& secret) {
  merge_string_data(secret);
  if (!secret.contains("type")) secret["type"] = "Opaque";
}

void default_namespace(json& ns) {
  const std::string name = ns["metadata"].value("name", std::string());
  if (!name.empty()) ns["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
  if (!ns.contains("status") || !ns["status"].contains("phase")) ns["status"]["phase"] = "Active";
}

bool is_immutable(const json& document) {
  const auto found = document.find("immutable");
  return found != document.end() && found->is_boolean() && found->get<bool>();
}

json member(const json& document, const char* name) {
  const auto found = document.find(name);
  return found == document.end() ? json() : *found;
}

void check_data_keys(const json& document, const char* field, std::vector<Cause>& causes) {
  const json data = member(document, field);
  if (!data.is_object()) return;
  for (const auto& [key, value] : data.items()) {
    const bool good = !key.empty() && key.size() <= 253 && key != "." && key != ".." &&
                      key.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                            "0123456789-_.") == std::string::npos;
    if (good) continue;
    causes.push_back(cause_invalid(std::string(field) + "[" + key + "]", json(key).dump(),
                                   "a valid config key must consist of alphanumeric characters, "
                                   "'-', '_' or '.'"));
  }
}

void check_base64(const json& document, const char* field, std::vector<Cause>& causes) {
  const json data = member(document, field);
  if (!data.is_object()) return;
  for (const auto& [key, value] : data.items()) {
    if (value.is_string() && base64_decode(value.get_ref<const std::string&>())) continue;
    causes.push_back(cause_invalid(std::string(field) + "[" + key + "]", value.dump(),
                                   "illegal base64 data"));
  }
}

void check_immutable(const json& document, const json& old_document, std::vector<Cause>& causes) {
  if (!is_immutable(old_document)) return;
  for (const char* field : {"data", "binaryData", "immutable"}) {
    if (member(document, field) == member(old_document, field)) continue;
    causes.push_back(cause_forbidden(field, "field is immutable when `immutable` is set"));
  }
}

}  // namespace

std::vector<ResourceTypePtr> core_types() {
  std::vector<ResourceTypePtr> types;
  for (const Row& row : rows()) types.push_back(make_type(row));
  return types;
}

void hold_namespace(json& ns) {
  json& spec = ns["spec"];
  if (spec.is_null()) spec = json::object();
  if (spec.is_object()) spec["finalizers"] = json::array({"kubernetes"});
}

void default_core(Builtin kind, json& document) {
  if (kind == Builtin::Secret) default_secret(document);
  if (kind == Builtin::Namespace) default_namespace(document);
}

std::vector<Cause> validate_core(Builtin kind, const json& document, const json* old_document) {
  std::vector<Cause> causes;
  if (kind != Builtin::Secret && kind != Builtin::ConfigMap) return causes;
  check_data_keys(document, "data", causes);
  check_data_keys(document, "binaryData", causes);
  check_base64(document, kind == Builtin::Secret ? "data" : "binaryData", causes);
  if (old_document == nullptr) return causes;
  check_immutable(document, *old_document, causes);
  if (kind == Builtin::Secret && member(document, "type") != member(*old_document, "type")) {
    causes.push_back(cause_invalid("type", member(document, "type").dump(), "field is immutable"));
  }
  return causes;
}

}  // namespace tidelock::apiserver
