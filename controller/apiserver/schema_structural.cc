// SPDX-License-Identifier: Apache-2.0
// Is a schema structural? The invariants of apiextensions' ValidateStructural: types stand outside
// of logical junctors, and what junctors speak of is also declared outside of them.
#include <algorithm>

#include "controller/apiserver/field_causes.h"
#include "controller/apiserver/schema_program.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

enum class Level { Root, Item, Field };

const json kNothing;

const json& get(const json& schema, const char* name) {
  if (!schema.is_object()) return kNothing;
  const auto found = schema.find(name);
  return found == schema.end() ? kNothing : *found;
}

// The list of that name; an empty one if it is anything else.
const json& list(const json& object, const char* name) {
  static const json none = json::array();
  const json& value = get(object, name);
  return value.is_array() ? value : none;
}

bool is_true(const json& schema, const char* name) {
  const json& value = get(schema, name);
  return value.is_boolean() && value.get<bool>();
}

std::string type_of(const json& schema) {
  const json& type = get(schema, "type");
  return type.is_string() ? type.get<std::string>() : std::string();
}

std::string at(const std::string& path, const char* name, std::size_t index) {
  return path + "." + name + "[" + std::to_string(index) + "]";
}

std::string property_path(const std::string& path, const std::string& name) {
  return path + ".properties[" + name + "]";
}

// anyOf: [{type: integer}, {type: string}], the one place where types may stand in a junctor.
bool is_int_or_string(const json& any_of) {
  static const json pattern = json::parse(R"([{"type":"integer"},{"type":"string"}])");
  return any_of == pattern;
}

class Checker {
 public:
  std::vector<Cause> causes;

  void structural(const json& schema, Level level, const std::string& path) {
    if (!schema.is_object()) return;
    unsupported_keywords(schema, path);
    if (type_of(schema) == "array" && !get(schema, "items").is_object()) {
      causes.push_back(required_cause(path + ".items", "must be specified"));
    }
    structural(get(schema, "items"), Level::Item, path + ".items");
    for (const auto& [name, property] : get(schema, "properties").items()) {
      structural(property, Level::Field, property_path(path, name));
    }
    additional_properties(schema, level, path);
    extensions(schema, path);
    const bool skip_any = is_int_or_string(get(schema, "anyOf"));
    const json& all_of = list(schema, "allOf");
    const bool skip_first_all = !all_of.empty() && is_int_or_string(get(all_of[0], "anyOf"));
    values(schema, skip_any, skip_first_all, path);
    types(schema, level, path);
    metadata(schema, level, path);
  }

  // Everything that `rules` (a junctor's branch) speaks of must stand in `schema` too.
  void complete(const json& rules, const json& schema, const std::string& schema_path,
                const std::string& rules_path) {
    for (const char* junctor : {"allOf", "anyOf", "oneOf"}) {
      const json& branches = list(rules, junctor);
      for (std::size_t i = 0; i < branches.size(); ++i) {
        complete_branch(branches[i], schema, schema_path, at(rules_path, junctor, i));
      }
    }
    complete_branch(get(rules, "not"), schema, schema_path, rules_path + ".not");
  }

 private:
  void unsupported_keywords(const json& schema, const std::string& path) {
    for (const char* name : {"id", "$schema", "$ref", "patternProperties", "dependencies",
                             "additionalItems", "definitions"}) {
      const json& value = get(schema, name);
      if (value.is_null()) continue;
      causes.push_back(forbidden_cause(path + "." + name, std::string(name) + " is not supported"));
    }
    if (get(schema, "items").is_array()) {
      causes.push_back(
          forbidden_cause(path + ".items", "items must be a schema object and not an array"));
    }
  }

  void additional_properties(const json& schema, Level level, const std::string& path) {
    const json& additional = get(schema, "additionalProperties");
    if (additional.is_null()) return;
    const std::string where = path + ".additionalProperties";
    if (level == Level::Root)
      causes.push_back(forbidden_cause(where, "must not be used at the root"));
    if (additional.is_object()) structural(additional, Level::Field, where);
  }

  void extensions(const json& schema, const std::string& path) {
    if (!is_true(schema, "x-kubernetes-int-or-string")) return;
    for (const char* name :
         {"x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"}) {
      if (!is_true(schema, name)) continue;
      causes.push_back(invalid_cause(path + "." + name, true,
                                     "must be false if x-kubernetes-int-or-string is true"));
    }
  }

  void types(const json& schema, Level level, const std::string& path) {
    const std::string type = type_of(schema);
    const std::string where = path + ".type";
    const bool embedded = is_true(schema, "x-kubernetes-embedded-resource");
    if (embedded && type != "object") {
      constexpr const char* kText = "must be object if x-kubernetes-embedded-resource is true";
      causes.push_back(type.empty() ? required_cause(where, kText)
                                    : invalid_cause(where, type, kText));
    } else if (type.empty() && !is_true(schema, "x-kubernetes-int-or-string") &&
               !is_true(schema, "x-kubernetes-preserve-unknown-fields")) {
      causes.push_back(required_cause(
          where, level == Level::Root   ? "must not be empty at the root"
                 : level == Level::Item ? "must not be empty for specified array items"
                                        : "must not be empty for specified object fields"));
    }
    if (level == Level::Root && !type.empty() && type != "object") {
      causes.push_back(invalid_cause(where, type, "must be object at the root"));
    }
    if (!embedded) return;
    if (!get(schema, "additionalProperties").is_null()) {
      causes.push_back(
          forbidden_cause(path + ".additionalProperties",
                          "must not be used if x-kubernetes-embedded-resource is set"));
    }
    if (!is_true(schema, "x-kubernetes-preserve-unknown-fields") &&
        get(schema, "properties").empty()) {
      causes.push_back(required_cause(path + ".properties",
                                      "must not be empty if x-kubernetes-embedded-resource is true "
                                      "without x-kubernetes-preserve-unknown-fields"));
    }
  }

  // apiVersion, kind and metadata are implied: a schema may hardly say anything about them.
  void metadata(const json& schema, Level level, const std::string& path) {
    if (level != Level::Root && !is_true(schema, "x-kubernetes-embedded-resource")) return;
    const json& properties = get(schema, "properties");
    for (const char* name : {"kind", "apiVersion"}) {
      const json& property = get(properties, name);
      if (property.is_null() || type_of(property) == "string") continue;
      causes.push_back(
          invalid_cause(property_path(path, name) + ".type", type_of(property), "must be string"));
    }
    const json& meta = get(properties, "metadata");
    if (meta.is_null()) return;
    const std::string where = property_path(path, "metadata");
    if (type_of(meta) != "object") {
      causes.push_back(invalid_cause(where + ".type", type_of(meta), "must be object"));
    }
    if (level == Level::Root && !restricts_names_only(meta)) {
      causes.push_back(forbidden_cause(where,
                                       "must not specify anything other than name and "
                                       "generateName, but metadata is implicitly specified"));
    }
  }

  static bool restricts_names_only(const json& meta) {
    for (const auto& [keyword, value] : meta.items()) {
      if (keyword == "type" || keyword == "description" || keyword == "default") continue;
      if (keyword != "properties" || !value.is_object()) return false;
      for (const auto& [name, property] : value.items()) {
        if (name != "name" && name != "generateName") return false;
      }
    }
    return true;
  }

  // The value validations of a structural node or of a junctor's branch.
  void values(const json& schema, bool skip_any, bool skip_first_all, const std::string& path) {
    for (const char* junctor : {"anyOf", "allOf", "oneOf"}) {
      const std::string_view name = junctor;
      if (name == "anyOf" && skip_any) continue;
      const json& branches = list(schema, junctor);
      for (std::size_t i = 0; i < branches.size(); ++i) {
        branch(branches[i], name == "allOf" && skip_first_all && i == 0, at(path, junctor, i));
      }
    }
    branch(get(schema, "not"), false, path + ".not");
    const json& pattern = get(schema, "pattern");
    if (!pattern.is_string()) return;
    RE2::Options options;
    options.set_log_errors(false);
    const RE2 compiled(pattern.get<std::string>(), options);
    if (compiled.ok()) return;
    causes.push_back(invalid_cause(path + ".pattern", pattern,
                                   "must be a valid regular expression, but isn't: error parsing "
                                   "regexp: " +
                                       compiled.error()));
  }

  void branch(const json& schema, bool skip_any, const std::string& path) {
    if (!schema.is_object()) return;
    unsupported_keywords(schema, path);
    values(schema, skip_any, false, path);
    branch(get(schema, "items"), false, path + ".items");
    for (const auto& [name, property] : get(schema, "properties").items()) {
      branch(property, false, property_path(path, name));
      if (name != "metadata") continue;
      causes.push_back(
          forbidden_cause(property_path(path, name), "must not be specified in a nested context"));
    }
    forbidden_in_branch(schema, path);
  }

  void forbidden_in_branch(const json& schema, const std::string& path) {
    struct Rule {
      const char* keyword;
      const char* text;
    };
    static constexpr Rule kRules[] = {
        {"type", "must be empty to be structural"},
        {"additionalProperties", "must be undefined to be structural"},
        {"default", "must be undefined to be structural"},
        {"title", "must be empty to be structural"},
        {"description", "must be empty to be structural"},
        {"nullable", "must be false to be structural"},
        {"x-kubernetes-preserve-unknown-fields", "must be false to be structural"},
        {"x-kubernetes-embedded-resource", "must be false to be structural"},
        {"x-kubernetes-int-or-string", "must be false to be structural"},
        {"x-kubernetes-list-map-keys", "must be empty to be structural"},
        {"x-kubernetes-list-type", "must be undefined to be structural"},
        {"x-kubernetes-map-type", "must be undefined to be structural"},
        {"x-kubernetes-validations", "must be empty to be structural"},
    };
    for (const Rule& rule : kRules) {
      const json& value = get(schema, rule.keyword);
      const bool is_set = !value.is_null() && value != json(false) && value != json("") &&
                          !(value.is_array() && value.empty());
      if (is_set) causes.push_back(forbidden_cause(path + "." + rule.keyword, rule.text));
    }
  }

  void complete_branch(const json& rules, const json& schema, const std::string& schema_path,
                       const std::string& rules_path) {
    if (!rules.is_object()) return;
    if (!schema.is_object()) {
      causes.push_back(required_cause(schema_path, "because it is defined in " + rules_path));
      return;
    }
    complete(rules, schema, schema_path, rules_path);
    complete_branch(get(rules, "items"), get(schema, "items"), schema_path + ".items",
                    rules_path + ".items");
    for (const auto& [name, property] : get(rules, "properties").items()) {
      complete_branch(property, get(get(schema, "properties"), name.c_str()),
                      property_path(schema_path, name), property_path(rules_path, name));
    }
  }
};

}  // namespace

std::vector<Cause> check_structural(const json& schema, const std::string& field_path) {
  Checker checker;
  checker.structural(schema, Level::Root, field_path);
  checker.complete(schema, schema, field_path, field_path);
  std::sort(checker.causes.begin(), checker.causes.end(), [](const Cause& a, const Cause& b) {
    return a.field + ": " + a.message < b.field + ": " + b.message;
  });
  return std::move(checker.causes);
}

}  // namespace tidelock::apiserver
