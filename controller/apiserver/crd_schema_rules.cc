// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/crd_schema_rules.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "controller/apiserver/field_causes.h"
#include "controller/apiserver/schema.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

const json kNothing;

const json& get(const json& object, const char* name) {
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

// The list of that name; an empty one if it is anything else.
const json& list(const json& object, const char* name) {
  static const json none = json::array();
  const json& value = get(object, name);
  return value.is_array() ? value : none;
}

std::string text(const json& object, const char* name) {
  const json& value = get(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

bool is_meta_field(const std::string& name) {
  return name == "metadata" || name == "kind" || name == "apiVersion";
}

class RuleChecker {
 public:
  std::vector<Cause> causes;

  void check(const json& schema, const std::string& path) {
    if (!schema.is_object()) return;
    if (get(schema, "uniqueItems") == json(true)) {
      causes.push_back(forbidden_cause(path + ".uniqueItems",
                                       "uniqueItems cannot be set to true since the runtime "
                                       "complexity becomes quadratic"));
    }
    check_additional(schema, path);
    check_map_type(schema, path);
    check_list_type(schema, path);
    check_validations(schema, path);
    if (get(schema, "x-kubernetes-preserve-unknown-fields") == json(false)) {
      causes.push_back(invalid_cause(path + ".x-kubernetes-preserve-unknown-fields", false,
                                     "must be true or undefined"));
    }
    descend(schema, path);
  }

 private:
  void descend(const json& schema, const std::string& path) {
    for (const auto& [name, property] : get(schema, "properties").items()) {
      check(property, path + ".properties[" + name + "]");
    }
    for (const char* child : {"items", "additionalProperties", "not"}) {
      check(get(schema, child), path + "." + child);
    }
    for (const char* junctor : {"allOf", "anyOf", "oneOf"}) {
      const json& branches = list(schema, junctor);
      for (std::size_t i = 0; i < branches.size(); ++i) {
        check(branches[i], path + "." + junctor + "[" + std::to_string(i) + "]");
      }
    }
  }

  void check_additional(const json& schema, const std::string& path) {
    const json& additional = get(schema, "additionalProperties");
    if (additional.is_null() || get(schema, "properties").empty() || additional == json(true))
      return;
    causes.push_back(forbidden_cause(path + ".additionalProperties",
                                     "additionalProperties and properties are mutual exclusive"));
  }

  void check_map_type(const json& schema, const std::string& path) {
    const std::string type = text(schema, "x-kubernetes-map-type");
    if (type.empty()) return;
    needs_type(schema, "object", "must be object if x-kubernetes-map-type is specified", path);
    if (type != "atomic" && type != "granular") {
      causes.push_back(
          unsupported_cause(path + ".x-kubernetes-map-type", type, {"atomic", "granular"}));
    }
  }

  void needs_type(const json& schema, const char* wanted, const char* message,
                  const std::string& path) {
    const std::string type = text(schema, "type");
    if (type == wanted) return;
    causes.push_back(type.empty() ? required_cause(path + ".type", message)
                                  : invalid_cause(path + ".type", type, message));
  }

  void check_list_type(const json& schema, const std::string& path) {
    const std::string type = text(schema, "x-kubernetes-list-type");
    const std::string where = path + ".x-kubernetes-list-type";
    if (!get(schema, "x-kubernetes-list-map-keys").empty() && type != "map") {
      constexpr const char* kText = "must be map if x-kubernetes-list-map-keys is non-empty";
      causes.push_back(type.empty() ? required_cause(where, kText)
                                    : invalid_cause(where, type, kText));
    }
    if (type.empty()) return;
    needs_type(schema, "array", "must be array if x-kubernetes-list-type is specified", path);
    if (type == "set") check_set(schema, path);
    if (type == "map") check_map_list(schema, path);
    if (type != "atomic" && type != "set" && type != "map") {
      causes.push_back(unsupported_cause(where, type, {"atomic", "set", "map"}));
    }
    if ((type == "set" || type == "map") && get(get(schema, "items"), "nullable") == json(true)) {
      causes.push_back(forbidden_cause(
          path + ".items.nullable", "cannot be nullable when x-kubernetes-list-type is " + type));
    }
  }

  void check_set(const json& schema, const std::string& path) {
    const json& items = get(schema, "items");
    constexpr const char* kText =
        "must be atomic as item of a list with x-kubernetes-list-type=set";
    const std::string type = text(items, "type");
    const json& list_type = get(items, "x-kubernetes-list-type");
    if (type == "array" && !list_type.is_null() && list_type != json("atomic")) {
      causes.push_back(invalid_cause(path + ".items.x-kubernetes-list-type", list_type, kText));
    }
    if (type == "object" && text(items, "x-kubernetes-map-type") != "atomic") {
      causes.push_back(invalid_cause(path + ".items.x-kubernetes-map-type", list_type, kText));
    }
  }

  void check_map_list(const json& schema, const std::string& path) {
    const json& keys = list(schema, "x-kubernetes-list-map-keys");
    const json& items = get(schema, "items");
    if (keys.empty()) {
      causes.push_back(required_cause(path + ".x-kubernetes-list-map-keys",
                                      "must not be empty if x-kubernetes-list-type is map"));
    }
    if (!items.is_object()) {
      causes.push_back(
          required_cause(path + ".items", "must have a schema if x-kubernetes-list-type is map"));
      return;
    }
    if (text(items, "type") != "object") {
      causes.push_back(
          invalid_cause(path + ".items.type", text(items, "type"),
                        "must be object if parent array's x-kubernetes-list-type is map"));
      return;
    }
    std::set<std::string> seen;
    for (const json& key : keys) {
      if (!key.is_string()) continue;
      const auto& name = key.get_ref<const std::string&>();
      check_map_key(items, keys, name, path);
      if (seen.insert(name).second) continue;
      causes.push_back(invalid_cause(path + ".x-kubernetes-list-map-keys", keys,
                                     "must not contain duplicate entries"));
    }
  }

  void check_map_key(const json& items, const json& keys, const std::string& name,
                     const std::string& path) {
    const json& property = get(get(items, "properties"), name.c_str());
    const std::string where = path + ".items.properties[" + name + "]";
    if (property.is_null()) {
      causes.push_back(invalid_cause(path + ".x-kubernetes-list-map-keys", keys,
                                     "entries must all be names of item properties"));
      return;
    }
    const std::string type = text(property, "type");
    if (type == "array" || type == "object") {
      causes.push_back(
          invalid_cause(where + ".type", text(items, "type"),
                        "must be a scalar type if parent array's x-kubernetes-list-type is map"));
    }
    const json& required = list(items, "required");
    const bool is_required =
        std::find(required.begin(), required.end(), json(name)) != required.end();
    if (!is_required && get(property, "default").is_null()) {
      causes.push_back(required_cause(where + ".default",
                                      "this property is in x-kubernetes-list-map-keys, so it must "
                                      "have a default or be a required property"));
    }
    if (get(property, "nullable") == json(true)) {
      causes.push_back(forbidden_cause(
          where + ".nullable",
          "this property is in x-kubernetes-list-map-keys, so it cannot be nullable"));
    }
  }

  // The form of CEL rules; whether they compile is the evaluator's business.
  void check_validations(const json& schema, const std::string& path) {
    const json& rules = list(schema, "x-kubernetes-validations");
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const std::string where = path + ".x-kubernetes-validations[" + std::to_string(i) + "]";
      const std::string rule = text(rules[i], "rule");
      const std::string message = text(rules[i], "message");
      if (rule.find_first_not_of(" \t\r\n") == std::string::npos) {
        causes.push_back(required_cause(where + ".rule", "rule is not specified"));
      } else if (message.find('\n') != std::string::npos) {
        causes.push_back(
            invalid_cause(where + ".message", message, "must not contain line breaks"));
      } else if (rule.find('\n') != std::string::npos && message.empty()) {
        causes.push_back(required_cause(where + ".message",
                                        "message must be specified if rule contains line breaks"));
      }
      const std::string reason = text(rules[i], "reason");
      static const std::vector<std::string> reasons = {"FieldValueDuplicate", "FieldValueForbidden",
                                                       "FieldValueInvalid", "FieldValueRequired"};
      if (!reason.empty() && std::find(reasons.begin(), reasons.end(), reason) == reasons.end()) {
        causes.push_back(unsupported_cause(where + ".reason", reason, reasons));
      }
    }
  }
};

class DefaultChecker {
 public:
  std::vector<Cause> causes;

  void check(const json& schema, const std::string& path, bool is_root) {
    if (!schema.is_object()) return;
    for (const auto& [name, property] : get(schema, "properties").items()) {
      const std::string where = path + ".properties[" + name + "]";
      if (is_root && is_meta_field(name)) {
        if (get(property, "default").is_null()) continue;
        causes.push_back(
            forbidden_cause(where + ".default", "must not be set in top-level " + name));
        continue;
      }
      check_own(property, where);
      check(property, where, false);
    }
    check_own(get(schema, "items"), path + ".items");
    check(get(schema, "items"), path + ".items", false);
    check(get(schema, "additionalProperties"), path + ".additionalProperties", false);
  }

 private:
  // The default is tried in an object that has it as its only member.
  void check_own(const json& schema, const std::string& path) {
    const json& value = get(schema, "default");
    if (value.is_null()) return;
    const json around = {{"type", "object"}, {"properties", {{"default", schema}}}};
    auto compiled = Schema::compile(around);
    if (!compiled) return;  // reported as not structural
    json object = {{"default", value}};
    std::vector<std::string> unknown;
    compiled->prune(object, &unknown);
    const std::string where = path + ".default";
    if (!unknown.empty()) {
      causes.push_back(invalid_cause(where, value, "must not have unknown fields"));
    }
    for (Cause& cause : compiled->validate({{"default", value}})) {
      if (cause.field != "<nil>") {
        cause.field = path + "." + cause.field;
        drop_name(cause.message);
      }
      causes.push_back(std::move(cause));
    }
  }

  // "default.x in body" is "x in body" to kube-openapi, which starts at the default itself.
  static void drop_name(std::string& message) {
    const std::size_t at = message.find(": default");
    if (at == std::string::npos || message.find(" in body ") == std::string::npos) return;
    message.erase(at + 2, std::string_view("default").size());
    if (message.compare(at + 2, 1, ".") == 0) message.erase(at + 2, 1);
  }
};

}  // namespace

std::vector<Cause> check_schema_rules(const json& schema, const std::string& path) {
  RuleChecker checker;
  checker.check(schema, path);
  return std::move(checker.causes);
}

std::vector<Cause> check_schema_defaults(const json& schema, const std::string& path) {
  DefaultChecker checker;
  checker.check(schema, path, true);
  return std::move(checker.causes);
}

}  // namespace tidelock::apiserver
