// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/crd_validation.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "controller/api/selector.h"
#include "controller/apiserver/crd_schema_rules.h"
#include "controller/apiserver/field_causes.h"
#include "controller/apiserver/schema.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr std::size_t kSelectableFieldsMax = 8;

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

bool flag(const json& object, const char* name) {
  const json& value = get(object, name);
  return value.is_boolean() && value.get<bool>();
}

std::string lower(std::string value) {
  for (char& c : value) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return value;
}

std::string check_dns_1035_label(const std::string& value) {
  static const RE2 pattern("[a-z]([-a-z0-9]*[a-z0-9])?");
  if (value.size() > 63) return "must be no more than 63 characters";
  if (RE2::FullMatch(value, pattern)) return {};
  return "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "
         "an "
         "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "
         "'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
}

bool is_established(const json& crd) {
  for (const json& condition : list(get(crd, "status"), "conditions")) {
    if (text(condition, "type") == "Established") return text(condition, "status") == "True";
  }
  return false;
}

class CrdChecker {
 public:
  CrdChecker(const json& crd, const json* old) : crd_(crd), spec_(get(crd, "spec")), old_(old) {}

  std::vector<Cause> run() {
    check_name();
    check_group();
    check_scope();
    check_versions();
    check_names();
    check_conversion();
    if (old_ != nullptr) check_immutable();
    check_stored_versions();
    if (flag(spec_, "preserveUnknownFields")) {
      add(invalid_cause("spec.preserveUnknownFields", true,
                        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
                        "spec.versions[*].schema instead"));
    }
    return std::move(causes_);
  }

 private:
  void add(Cause cause) { causes_.push_back(std::move(cause)); }
  void add(std::vector<Cause> causes) {
    causes_.insert(causes_.end(), std::make_move_iterator(causes.begin()),
                   std::make_move_iterator(causes.end()));
  }

  void check_name() {
    const std::string name = text(get(crd_, "metadata"), "name");
    if (name == text(get(spec_, "names"), "plural") + "." + text(spec_, "group")) return;
    add(invalid_cause("metadata.name", name, "must be spec.names.plural+\".\"+spec.group"));
  }

  void check_group() {
    const std::string group = text(spec_, "group");
    if (group.empty()) return add(required_cause("spec.group"));
    if (const std::string wrong = api::check_dns_subdomain(group); !wrong.empty()) {
      add(invalid_cause("spec.group", group, wrong));
    } else if (group.find('.') == std::string::npos) {
      add(invalid_cause("spec.group", group, "should be a domain with at least one dot"));
    }
  }

  void check_scope() {
    const std::string scope = text(spec_, "scope");
    if (scope.empty()) return add(required_cause("spec.scope"));
    if (scope == "Cluster" || scope == "Namespaced") return;
    add(unsupported_cause("spec.scope", scope, {"Cluster", "Namespaced"}));
  }

  // What all versions have in common is reported at the place where it stands in the internal form
  // of a CRD, in which equal schemas, columns and so on are hoisted to the top.
  bool same_in_all(const char* field) const {
    const json& versions = list(spec_, "versions");
    return std::all_of(versions.begin(), versions.end(), [&](const json& version) {
      return get(version, field) == get(versions[0], field);
    });
  }
  template <class Check>
  void each_version(const char* field, const char* hoisted, Check check) {
    const json& versions = list(spec_, "versions");
    if (versions.empty()) return;
    if (same_in_all(field)) return check(versions[0], std::string("spec.") + hoisted);
    for (std::size_t i = 0; i < versions.size(); ++i) {
      check(versions[i], "spec.versions[" + std::to_string(i) + "]." + field);
    }
  }

  void check_versions() {
    const json& versions = list(spec_, "versions");
    std::set<std::string> names;
    std::size_t storage = 0;
    for (std::size_t i = 0; i < versions.size(); ++i) {
      const json& version = versions[i];
      const std::string path = "spec.versions[" + std::to_string(i) + "]";
      storage += flag(version, "storage") ? 1 : 0;
      const std::string name = text(version, "name");
      names.insert(name);
      if (const std::string wrong = check_dns_1035_label(name); !wrong.empty()) {
        add(invalid_cause(path + ".name", name, wrong));
      }
      if (!get(get(version, "schema"), "openAPIV3Schema").is_object()) {
        add(required_cause(path + ".schema.openAPIV3Schema"));
      }
      check_deprecation(version, path + ".deprecationWarning");
    }
    if (names.size() != versions.size()) {
      add(invalid_cause("spec.versions", versions, "must contain unique version names"));
    }
    if (storage != 1) {
      add(invalid_cause("spec.versions", versions,
                        "must have exactly one version marked as storage version"));
    }
    each_version("schema", "validation",
                 [&](const json& v, const std::string& path) { check_schema(v, path); });
    each_version("subresources", "subresources",
                 [&](const json& v, const std::string& path) { check_subresources(v, path); });
    each_version("additionalPrinterColumns", "additionalPrinterColumns",
                 [&](const json& v, const std::string& path) { check_columns(v, path); });
    each_version("selectableFields", "selectableFields",
                 [&](const json& v, const std::string& path) { check_selectable(v, path); });
  }

  void check_deprecation(const json& version, const std::string& path) {
    const json& warning = get(version, "deprecationWarning");
    if (warning.is_null()) return;
    const std::string value = text(version, "deprecationWarning");
    if (!flag(version, "deprecated")) {
      add(invalid_cause(path, warning, "can only be set for deprecated versions"));
    }
    if (value.size() > 256) add(invalid_cause(path, warning, "must be <= 256 characters long"));
    if (value.empty()) add(invalid_cause(path, warning, "must not be an empty string"));
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (static_cast<unsigned char>(value[i]) >= 0x20 && value[i] != 0x7f) continue;
      return add(invalid_cause(path, warning,
                               "must only contain printable UTF-8 characters; non-printable "
                               "character found at index " +
                                   std::to_string(i)));
    }
  }

  void check_schema(const json& version, const std::string& path) {
    const json& schema = get(get(version, "schema"), "openAPIV3Schema");
    if (!schema.is_object()) return;
    const std::string where = path + ".openAPIV3Schema";
    if (flag(schema, "nullable")) {
      add(forbidden_cause(where + ".nullable", "nullable cannot be true at the root"));
    }
    auto compiled = Schema::compile(schema, where);
    if (!compiled) {
      add(compiled.error().causes);
    } else {
      add(check_schema_defaults(schema, where));
    }
    add(check_schema_rules(schema, where));
  }

  void simple_path(const std::string& path, const std::string& value) {
    if (value.empty()) return add(invalid_cause(path, value, "must not be empty"));
    if (value[0] == '.') return;
    add(invalid_cause(path, value, "must be a simple json path starting with ."));
  }

  void scale_path(const json& scale, const char* field, const std::string& path, const char* root,
                  const char* message, bool required) {
    const std::string value = text(scale, field);
    const std::string where = path + ".scale." + field;
    if (value.empty()) {
      if (required) add(required_cause(where));
      return;
    }
    if (value[0] != '.') return simple_path(where, value);
    const bool fits = root != nullptr
                          ? value.starts_with(root)
                          : value.starts_with(".spec.") || value.starts_with(".status.");
    if (!fits) add(invalid_cause(where, value, message));
  }

  void check_subresources(const json& version, const std::string& path) {
    const json& scale = get(get(version, "subresources"), "scale");
    if (scale.is_null()) return;
    scale_path(scale, "specReplicasPath", path, ".spec.", "should be a json path under .spec",
               true);
    scale_path(scale, "statusReplicasPath", path, ".status.", "should be a json path under .status",
               true);
    scale_path(scale, "labelSelectorPath", path, nullptr,
               "should be a json path under either .spec or .status", false);
  }

  void check_columns(const json& version, const std::string& path) {
    static const std::set<std::string> types = {"boolean", "date", "integer", "number", "string"};
    static const std::set<std::string> formats = {"byte",  "date",  "date-time", "double",
                                                  "float", "int32", "int64",     "password"};
    const json& columns = list(version, "additionalPrinterColumns");
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const json& column = columns[i];
      const std::string where = path + "[" + std::to_string(i) + "]";
      if (text(column, "name").empty()) add(required_cause(where + ".name"));
      const std::string type = text(column, "type");
      const std::string wanted = "must be one of boolean,date,integer,number,string";
      if (type.empty()) {
        add(required_cause(where + ".type", wanted));
      } else if (!types.contains(type)) {
        add(invalid_cause(where + ".type", type, wanted));
      }
      const std::string format = text(column, "format");
      if (!format.empty() && !formats.contains(format)) {
        add(invalid_cause(where + ".format", format,
                          "must be one of byte,date,date-time,double,float,int32,int64,password"));
      }
      const std::string json_path = text(column, "jsonPath");
      if (json_path.empty()) {
        add(required_cause(where + ".JSONPath"));
      } else {
        simple_path(where + ".JSONPath", json_path);
      }
    }
  }

  // The schema at a dotted path, null if the path leads nowhere.
  static const json& schema_at(const json& schema, std::string_view path) {
    const json* at = &schema;
    while (!path.empty()) {
      path.remove_prefix(1);
      const std::size_t dot = std::min(path.find('.'), path.size());
      at = &get(get(*at, "properties"), std::string(path.substr(0, dot)).c_str());
      path.remove_prefix(dot);
    }
    return *at;
  }

  void check_selectable(const json& version, const std::string& path) {
    const json& schema = get(get(version, "schema"), "openAPIV3Schema");
    std::set<std::string> seen;
    const json& fields = list(version, "selectableFields");
    for (std::size_t i = 0; i < fields.size(); ++i) {
      const std::string where = path + "[" + std::to_string(i) + "].jsonPath";
      const std::string value = text(fields[i], "jsonPath");
      if (value.empty()) {
        add(required_cause(where));
        continue;
      }
      const json& found = value[0] == '.' ? schema_at(schema, value) : kNothing;
      if (value.starts_with(".metadata")) {
        add(invalid_cause(where, value, "must not point to fields in metadata"));
      } else if (found.is_null()) {
        add(invalid_cause(where, value, "is an invalid path: does not refer to a valid field"));
        continue;
      }
      const std::string type = text(found, "type");
      if (type != "string" && type != "boolean" && type != "integer") {
        add(invalid_cause(where, value,
                          "must point to a field of type string, boolean or integer. Enum string "
                          "fields and strings with formats are allowed."));
      }
      if (!seen.insert(value).second) add(duplicate_cause(where, value));
    }
    if (seen.size() > kSelectableFieldsMax) {
      add(too_many_cause(path, static_cast<std::int64_t>(seen.size()), kSelectableFieldsMax));
    }
  }

  void label(const std::string& path, const std::string& value, bool mixed_case) {
    if (value.empty()) return;
    const std::string wrong = check_dns_1035_label(mixed_case ? lower(value) : value);
    if (wrong.empty()) return;
    add(invalid_cause(
        path, value,
        (mixed_case ? "may have mixed case, but should otherwise match: " : "") + wrong));
  }

  void labels(const json& names, const char* field) {
    const json& values = list(names, field);
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::string path = std::string("spec.names.") + field + "[" + std::to_string(i) + "]";
      const std::string value =
          values[i].is_string() ? values[i].get<std::string>() : std::string();
      if (const std::string wrong = check_dns_1035_label(value); !wrong.empty()) {
        add(invalid_cause(path, values[i], wrong));
      }
    }
  }

  void check_names() {
    const json& names = get(spec_, "names");
    for (const char* field : {"plural", "singular", "kind", "listKind"}) {
      const bool mixed_case =
          std::string_view(field) == "kind" || std::string_view(field) == "listKind";
      const std::string path = std::string("spec.names.") + field;
      if (text(names, field).empty()) add(required_cause(path));
      label(path, text(names, field), mixed_case);
    }
    labels(names, "shortNames");
    labels(names, "categories");
    const std::string kind = text(names, "kind");
    if (!kind.empty() && kind == text(names, "listKind")) {
      add(invalid_cause("spec.names.listKind", kind, "kind and listKind may not be the same"));
    }
  }

  void check_conversion() {
    const json& conversion = get(spec_, "conversion");
    if (conversion.is_null()) return;
    const std::string strategy = text(conversion, "strategy");
    if (strategy.empty()) return add(required_cause("spec.conversion.strategy"));
    if (strategy == "None") {
      if (get(conversion, "webhook").is_null()) return;
      return add(forbidden_cause("spec.conversion.webhookClientConfig",
                                 "should not be set when strategy is not set to Webhook"));
    }
    // Conversion webhooks are not served here, so only None is supported.
    add(unsupported_cause("spec.conversion.strategy", strategy, {"None"}));
  }

  void immutable(const char* where, const json& value, const json& before) {
    if (value != before) add(invalid_cause(where, value, "field is immutable"));
  }

  void check_immutable() {
    const json& before = get(*old_, "spec");
    const json& names = get(spec_, "names");
    const json& names_before = get(before, "names");
    if (is_established(*old_)) {
      immutable("spec.scope", get(spec_, "scope"), get(before, "scope"));
      immutable("spec.names.kind", get(names, "kind"), get(names_before, "kind"));
    }
    immutable("spec.group", get(spec_, "group"), get(before, "group"));
    immutable("spec.names.plural", get(names, "plural"), get(names_before, "plural"));
  }

  // A version that objects may still be stored in must stay.
  void check_stored_versions() {
    const json& stored = list(get(crd_, "status"), "storedVersions");
    for (std::size_t i = 0; i < stored.size(); ++i) {
      const json& versions = list(spec_, "versions");
      const bool there = std::any_of(versions.begin(), versions.end(), [&](const json& version) {
        return get(version, "name") == stored[i];
      });
      if (there || !stored[i].is_string()) continue;
      const std::string name = stored[i].get<std::string>();
      add(invalid_cause("status.storedVersions[" + std::to_string(i) + "]", name,
                        "missing from spec.versions; " + name +
                            " was previously a storage version, and must remain in spec.versions "
                            "until a storage migration ensures no data remains persisted in " +
                            name + " and removes " + name + " from status.storedVersions"));
    }
  }

  const json& crd_;
  const json& spec_;
  const json* old_;
  std::vector<Cause> causes_;
};

}  // namespace

void default_crd_names(json& crd) {
  if (!get(get(crd, "spec"), "names").is_object()) return;
  json& spec = crd["spec"];
  json& names = spec["names"];
  const std::string kind = text(names, "kind");
  if (text(names, "singular").empty()) names["singular"] = lower(kind);
  if (text(names, "listKind").empty() && !kind.empty()) names["listKind"] = kind + "List";
  if (!spec.contains("conversion")) spec["conversion"] = {{"strategy", "None"}};
}

std::vector<Cause> validate_crd(const json& crd, const json* old) {
  return CrdChecker(crd, old).run();
}

}  // namespace tidelock::apiserver
