// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/metadata.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "controller/api/selector.h"
#include "controller/apiserver/status.h"
#include "controller/base/limits.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

enum class Shape { Text, Integer, TextMap, TextList, Owners, Dropped };

const std::map<std::string, Shape>& known_fields() {
  static const std::map<std::string, Shape> fields = {
      {"name", Shape::Text},
      {"generateName", Shape::Text},
      {"namespace", Shape::Text},
      {"uid", Shape::Text},
      {"resourceVersion", Shape::Text},
      {"creationTimestamp", Shape::Text},
      {"deletionTimestamp", Shape::Text},
      {"generation", Shape::Integer},
      {"deletionGracePeriodSeconds", Shape::Integer},
      {"labels", Shape::TextMap},
      {"annotations", Shape::TextMap},
      {"finalizers", Shape::TextList},
      {"ownerReferences", Shape::Owners},
      {"selfLink", Shape::Dropped},
      {"managedFields", Shape::Dropped},
  };
  return fields;
}

bool all_text(const json& container) {
  return std::all_of(container.begin(), container.end(),
                     [](const json& item) { return item.is_string(); });
}

// What Go's decoder calls the type that it found.
std::string go_type(const json& value) {
  if (value.is_number()) return "number";
  if (value.is_boolean()) return "bool";
  return value.type_name();
}

std::optional<std::string> wrong_type(const json& value, Shape shape) {
  switch (shape) {
    case Shape::Dropped: return std::nullopt;
    case Shape::Text: return value.is_string() ? std::nullopt : std::optional<std::string>("string");
    case Shape::Integer:
      return value.is_number_integer() ? std::nullopt : std::optional<std::string>("int64");
    case Shape::TextMap:
      if (value.is_object() && all_text(value)) return std::nullopt;
      return value.is_object() ? "string" : "map[string]string";
    case Shape::TextList:
      if (value.is_array() && all_text(value)) return std::nullopt;
      return value.is_array() ? "string" : "[]string";
    case Shape::Owners:
      if (!value.is_array()) return "[]v1.OwnerReference";
      for (const json& item : value) {
        if (!item.is_object()) return "v1.OwnerReference";
      }
      return std::nullopt;
  }
  return std::nullopt;
}

Error type_error(const ResourceType& type, const std::string& field, const json& value,
                 const std::string& wanted) {
  return bad_request(type.kind + " in version \"" + type.version + "\" cannot be handled as a " +
                     type.kind + ": json: cannot unmarshal " + go_type(value) +
                     " into Go struct field ObjectMeta.metadata." + field + " of type " + wanted);
}

void drop_null_members(json& object) {
  for (auto it = object.begin(); it != object.end();) {
    it = it->is_null() ? object.erase(it) : std::next(it);
  }
}

bool is_absent(const json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) ||
         (value.is_structured() && value.empty());
}

void check_labels(const json& metadata, std::vector<Cause>& causes) {
  const auto labels = metadata.find("labels");
  if (labels == metadata.end()) return;
  for (const auto& [key, value] : labels->items()) {
    if (const std::string wrong = api::check_label_key(key); !wrong.empty()) {
      causes.push_back(cause_invalid("metadata.labels", json(key).dump(), wrong));
    }
    const auto& text = value.get_ref<const std::string&>();
    if (const std::string wrong = api::check_label_value(text); !wrong.empty()) {
      causes.push_back(cause_invalid("metadata.labels", value.dump(), wrong));
    }
  }
}

void check_annotations(const json& metadata, std::vector<Cause>& causes) {
  const auto annotations = metadata.find("annotations");
  if (annotations == metadata.end()) return;
  std::size_t bytes = 0;
  for (const auto& [key, value] : annotations->items()) {
    std::string lower = key;
    for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    if (const std::string wrong = api::check_label_key(lower); !wrong.empty()) {
      causes.push_back(cause_invalid("metadata.annotations", json(key).dump(), wrong));
    }
    bytes += key.size() + value.get_ref<const std::string&>().size();
  }
  if (bytes > limits::kAnnotationsBytesMax) {
    causes.push_back({"FieldValueTooLong",
                      "Too long: may not be more than " +
                          std::to_string(limits::kAnnotationsBytesMax) + " bytes",
                      "metadata.annotations"});
  }
}

void check_owners(const json& metadata, std::vector<Cause>& causes) {
  const auto owners = metadata.find("ownerReferences");
  if (owners == metadata.end()) return;
  int controllers = 0;
  for (std::size_t i = 0; i < owners->size(); ++i) {
    const json& owner = (*owners)[i];
    for (const char* field : {"apiVersion", "kind", "name", "uid"}) {
      if (!metadata_text(owner, field).empty()) continue;
      const std::string where = "metadata.ownerReferences[" + std::to_string(i) + "]." + field;
      causes.push_back(cause_invalid(where, "\"\"", std::string(field) + " must not be empty"));
    }
    const auto controller = owner.find("controller");
    if (controller != owner.end() && controller->is_boolean() && controller->get<bool>()) ++controllers;
  }
  if (controllers > 1) {
    causes.push_back(cause_invalid("metadata.ownerReferences", owners->dump(),
                                   "Only one reference can have Controller set to true"));
  }
}

void check_finalizers(const json& metadata, std::vector<Cause>& causes) {
  const auto finalizers = metadata.find("finalizers");
  if (finalizers == metadata.end()) return;
  for (std::size_t i = 0; i < finalizers->size(); ++i) {
    const auto& name = (*finalizers)[i].get_ref<const std::string&>();
    if (const std::string wrong = api::check_label_key(name); !wrong.empty()) {
      causes.push_back(cause_invalid("metadata.finalizers[" + std::to_string(i) + "]",
                                     (*finalizers)[i].dump(), wrong));
    }
  }
}

void check_name(const ResourceType& type, const json& metadata, std::vector<Cause>& causes) {
  const std::string name = metadata_text(metadata, "name");
  if (name.empty()) {
    causes.push_back(cause_required("metadata.name", "name or generateName is required"));
    return;
  }
  const std::string wrong = type.builtin == Builtin::Namespace ? api::check_dns_label(name)
                                                               : api::check_dns_subdomain(name);
  if (!wrong.empty()) {
    causes.push_back(cause_invalid("metadata.name", json(name).dump(), wrong));
  }
}

}  // namespace

Result<void> clean_metadata(const ResourceType& type, json& document,
                            std::vector<std::string>& unknown) {
  json& metadata = document["metadata"];
  if (metadata.is_null()) metadata = json::object();
  if (!metadata.is_object()) return fail(type_error(type, "", metadata, "v1.ObjectMeta"));
  for (auto it = metadata.begin(); it != metadata.end();) {
    const auto known = known_fields().find(it.key());
    if (known == known_fields().end()) unknown.push_back("metadata." + it.key());
    const bool dropped = known == known_fields().end() || known->second == Shape::Dropped;
    if (!dropped && !it->is_null()) {
      if (const auto wanted = wrong_type(*it, known->second)) {
        return fail(type_error(type, it.key(), *it, *wanted));
      }
      if (known->second == Shape::Owners) {
        for (json& owner : *it) drop_null_members(owner);
      }
    }
    it = dropped || is_absent(*it) ? metadata.erase(it) : std::next(it);
  }
  return {};
}

std::vector<Cause> validate_metadata(const ResourceType& type, const json& metadata) {
  std::vector<Cause> causes;
  check_name(type, metadata, causes);
  check_labels(metadata, causes);
  check_annotations(metadata, causes);
  check_owners(metadata, causes);
  check_finalizers(metadata, causes);
  return causes;
}

Result<void> match_url(const ResourceType& type, json& document, const std::string& ns,
                       const std::string& name) {
  json& metadata = document["metadata"];
  const std::string body_name = metadata_text(metadata, "name");
  if (!name.empty()) {
    if (!body_name.empty() && body_name != name) {
      return fail(bad_request("the name of the object (" + body_name +
                              ") does not match the name on the URL (" + name + ")"));
    }
    metadata["name"] = name;
  }
  const std::string body_ns = metadata_text(metadata, "namespace");
  if (!type.namespaced) {
    if (!body_ns.empty()) {
      return fail(bad_request("namespace is not allowed on a cluster-scoped object"));
    }
    metadata.erase("namespace");
    return {};
  }
  if (!body_ns.empty() && body_ns != ns) {
    return fail(bad_request(
        "the namespace of the provided object does not match the namespace sent on the request"));
  }
  metadata["namespace"] = ns;
  return {};
}

void set_creation_metadata(const ResourceType& type, json& metadata, Random& random,
                           TimePoint now) {
  for (const char* field : {"deletionTimestamp", "deletionGracePeriodSeconds", "generation"}) {
    metadata.erase(field);
  }
  metadata["uid"] = random.uuid();
  metadata["creationTimestamp"] = format_time(now);
  if (type.has_generation) metadata["generation"] = 1;
}

std::string generated_name(const std::string& prefix, Random& random) {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  constexpr std::size_t kSuffix = 5;
  std::string name = prefix.substr(0, 63 - kSuffix);
  for (std::size_t i = 0; i < kSuffix; ++i) name += kAlphabet[random.below(kAlphabet.size())];
  return name;
}

void keep_server_metadata(json& metadata, const json& old_metadata) {
  for (const char* field : {"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
                            "deletionGracePeriodSeconds", "generation", "generateName"}) {
    const auto old = old_metadata.find(field);
    if (old == old_metadata.end()) {
      metadata.erase(field);
    } else {
      metadata[field] = *old;
    }
  }
}

std::string metadata_text(const json& metadata, const char* field) {
  if (!metadata.is_object()) return {};
  const auto found = metadata.find(field);
  return found != metadata.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_deleting(const json& metadata) { return metadata.contains("deletionTimestamp"); }

bool has_finalizers(const json& metadata) {
  const auto found = metadata.find("finalizers");
  return found != metadata.end() && !found->empty();
}

bool has_finalizer(const json& metadata, const std::string& name) {
  const auto found = metadata.find("finalizers");
  return found != metadata.end() &&
         std::find(found->begin(), found->end(), json(name)) != found->end();
}

void add_finalizer(json& metadata, const std::string& name) {
  if (!has_finalizer(metadata, name)) metadata["finalizers"].push_back(name);
}

void remove_finalizer(json& metadata, const std::string& name) {
  const auto found = metadata.find("finalizers");
  if (found == metadata.end()) return;
  found->erase(std::remove(found->begin(), found->end(), json(name)), found->end());
  if (found->empty()) metadata.erase("finalizers");
}

void mark_deleting(const ResourceType& type, json& metadata, TimePoint now) {
  if (is_deleting(metadata)) return;
  metadata["deletionTimestamp"] = format_time(now);
  metadata["deletionGracePeriodSeconds"] = 0;
  if (type.has_generation) metadata["generation"] = metadata.value("generation", 0) + 1;
}

}  // namespace tidelock::apiserver
