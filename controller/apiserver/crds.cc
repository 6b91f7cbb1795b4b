// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/crds.h"

#include <nlohmann/json.hpp>
#include <set>

#include "controller/api/json_plain.h"
#include "controller/apiserver/metadata.h"
#include "controller/apiserver/object_rules.h"
#include "controller/apiserver/status.h"
#include "controller/base/log.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

json member(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found == object.end() ? json() : *found;
}

std::string text(const json& object, const char* name) { return metadata_text(object, name); }

bool flag(const json& object, const char* name) {
  const json value = member(object, name);
  return value.is_boolean() && value.get<bool>();
}

std::vector<std::string> texts(const json& object, const char* name) {
  std::vector<std::string> out;
  for (const json& item : member(object, name)) {
    if (item.is_string()) out.push_back(item.get<std::string>());
  }
  return out;
}

std::string lower(std::string value) {
  for (char& c : value) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return value;
}

// Sets a condition, keeping its time while the status stays.
void put_condition(json& status, const std::string& type, bool value, const std::string& reason,
                   const std::string& message, TimePoint now) {
  json condition = {{"type", type},
                    {"status", value ? "True" : "False"},
                    {"lastTransitionTime", format_time(now)},
                    {"reason", reason},
                    {"message", message}};
  json& conditions = status["conditions"];
  if (!conditions.is_array()) conditions = json::array();
  for (json& old : conditions) {
    if (text(old, "type") != type) continue;
    if (text(old, "status") == condition["status"].get<std::string>()) {
      condition["lastTransitionTime"] = old.value("lastTransitionTime", format_time(now));
    }
    old = std::move(condition);
    return;
  }
  conditions.push_back(std::move(condition));
}

// The first name of `names` that another resource of the group already has; reason and name.
std::optional<std::pair<std::string, std::string>> name_conflict(const Catalog& catalog,
                                                                 const std::string& group,
                                                                 const json& names) {
  std::set<std::string> taken;
  std::set<std::string> taken_kinds;
  for (const auto& [key, type] : catalog.stored) {
    const bool same_crd = type->builtin == Builtin::None && type->plural == text(names, "plural");
    if (type->group != group || same_crd) continue;
    taken.insert({type->plural, type->singular});
    taken.insert(type->short_names.begin(), type->short_names.end());
    taken_kinds.insert({type->kind, type->list_kind});
  }
  using Conflict = std::pair<std::string, std::string>;
  if (taken.contains(text(names, "plural"))) return Conflict("PluralConflict", text(names, "plural"));
  if (taken.contains(text(names, "singular"))) {
    return Conflict("SingularConflict", text(names, "singular"));
  }
  for (const auto& name : texts(names, "shortNames")) {
    if (taken.contains(name)) return Conflict("ShortNamesConflict", name);
  }
  if (taken_kinds.contains(text(names, "kind"))) return Conflict("KindConflict", text(names, "kind"));
  if (taken_kinds.contains(text(names, "listKind"))) {
    return Conflict("ListKindConflict", text(names, "listKind"));
  }
  return std::nullopt;
}

void add_stored_version(json& status, const json& spec) {
  json& stored = status["storedVersions"];
  if (!stored.is_array()) stored = json::array();
  for (const json& version : member(spec, "versions")) {
    if (!flag(version, "storage")) continue;
    const json name = text(version, "name");
    if (std::find(stored.begin(), stored.end(), name) == stored.end()) stored.push_back(name);
  }
}

bool names_accepted(const json& crd) {
  for (const json& condition : member(member(crd, "status"), "conditions")) {
    if (text(condition, "type") == "Established") return text(condition, "status") == "True";
  }
  return false;
}

std::string storage_version(const json& spec) {
  for (const json& version : member(spec, "versions")) {
    if (flag(version, "storage")) return text(version, "name");
  }
  return {};
}

void read_names(ResourceType& type, const json& names) {
  type.kind = text(names, "kind");
  type.list_kind = text(names, "listKind");
  type.plural = text(names, "plural");
  type.singular = text(names, "singular");
  type.short_names = texts(names, "shortNames");
  type.categories = texts(names, "categories");
}

void read_version(ResourceType& type, const json& version) {
  type.version = text(version, "name");
  type.is_served = flag(version, "served");
  const json subresources = member(version, "subresources");
  type.has_status = subresources.is_object() && subresources.contains("status");
  for (const json& field : member(version, "selectableFields")) {
    const std::string path = text(field, "jsonPath");
    type.selectable_fields.push_back(path.starts_with('.') ? path.substr(1) : path);
  }
  if (!flag(version, "deprecated")) return;
  type.deprecation_warning = text(version, "deprecationWarning");
  if (type.deprecation_warning.empty()) {
    type.deprecation_warning = type.api_version() + " " + type.kind + " is deprecated";
  }
}

Result<ResourceTypePtr> make_type(const std::shared_ptr<const json>& crd, const json& version,
                                  const Catalog& before) {
  const json& spec = crd->at("spec");
  auto type = std::make_shared<ResourceType>();
  type->group = text(spec, "group");
  type->storage_version = storage_version(spec);
  type->namespaced = text(spec, "scope") != "Cluster";
  type->has_generation = true;
  type->terminating = is_deleting(crd->at("metadata"));
  type->crd = crd;
  read_names(*type, member(spec, "names"));
  read_version(*type, version);
  auto schema = compile_crd_schema(version);
  if (!schema) return fail(schema.error());
  type->schema = std::move(*schema);
  if (const auto old = before.find(type->group, type->version, type->plural)) {
    if (type->is_served) type->served = old->served;
  }
  return ResourceTypePtr(std::move(type));
}

}  // namespace

void default_crd(json& crd) {
  json& spec = crd["spec"];
  if (!spec.is_object()) return;
  json& names = spec["names"];
  if (!names.is_object()) return;
  const std::string kind = text(names, "kind");
  if (text(names, "singular").empty()) names["singular"] = lower(kind);
  if (text(names, "listKind").empty()) names["listKind"] = kind + "List";
  if (!spec.contains("conversion")) spec["conversion"]["strategy"] = "None";
}

void set_crd_status(Context& context, json& crd, const json* old) {
  default_crd(crd);
  if (!member(crd, "spec").is_object()) return;
  const json spec = crd["spec"];
  const TimePoint now = context.clock.now();
  json& status = crd["status"];
  if (!status.is_object()) status = old == nullptr ? json::object() : member(*old, "status");
  if (!status.is_object()) status = json::object();
  if (is_deleting(crd["metadata"])) return;
  const auto conflict = name_conflict(*context.registry.catalog(), text(spec, "group"),
                                      member(spec, "names"));
  if (conflict) {
    put_condition(status, "NamesAccepted", false, conflict->first,
                  "\"" + conflict->second + "\" is already in use", now);
    put_condition(status, "Established", false, "NotAccepted", "not all names are accepted", now);
  } else {
    status["acceptedNames"] = member(spec, "names");
    put_condition(status, "NamesAccepted", true, "NoConflicts", "no conflicts found", now);
    put_condition(status, "Established", true, "InitialNamesAccepted",
                  "the initial names have been accepted", now);
  }
  add_stored_version(status, spec);
}

void mark_crd_terminating(json& crd, TimePoint now) {
  add_finalizer(crd["metadata"], kCrdCleanupFinalizer);
  put_condition(crd["status"], "Terminating", true, "InstanceDeletionPending",
                "CustomResourceDefinition marked for deletion; CustomResource deletion will begin "
                "soon",
                now);
}

Result<std::vector<ResourceTypePtr>> types_of_crd(const json& crd, const Catalog& before) {
  std::vector<ResourceTypePtr> types;
  if (!names_accepted(crd)) return types;
  const auto shared = std::make_shared<const json>(crd);
  for (const json& version : crd["spec"]["versions"]) {
    if (!flag(version, "served") && !flag(version, "storage")) continue;
    auto type = make_type(shared, version, before);
    if (!type) return fail(type.error());
    types.push_back(std::move(*type));
  }
  return types;
}

void take_in_crd(Context& context, const std::string& name, const std::string* stored,
                 store::Revision revision) {
  std::vector<ResourceTypePtr> types;
  if (stored != nullptr) {
    auto built = types_of_crd(api::parse_own_json(*stored), *context.registry.catalog());
    if (!built) {
      log_error("CustomResourceDefinition is not served",
                {{"name", name}, {"error", built.error().message}});
    } else {
      types = std::move(*built);
    }
  }
  if (context.registry.put_crd(name, revision, std::move(types))) context.watches.wake_all();
}

}  // namespace tidelock::apiserver
