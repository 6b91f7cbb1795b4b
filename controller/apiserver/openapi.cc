// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/openapi.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/apiserver/core_kinds.h"
#include "controller/apiserver/openapi_types.h"
#include "controller/apiserver/schema.h"
#include "controller/base/digest.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::string reversed(const std::string& group) {
  std::string out;
  std::size_t end = group.size();
  while (true) {
    const std::size_t dot = end == 0 ? std::string::npos : group.rfind('.', end - 1);
    const std::size_t start = dot == std::string::npos ? 0 : dot + 1;
    out += group.substr(start, end - start);
    if (dot == std::string::npos) return out;
    out += '.';
    end = dot;
  }
}

// "dev.example.v1." for CRDs; the kinds that Kubernetes itself has keep their usual names.
std::string component_prefix(const ResourceInfo& info) {
  if (info.group.empty()) return "io.k8s.api.core." + info.version + ".";
  if (info.group == "apiextensions.k8s.io") {
    return "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions." + info.version + ".";
  }
  constexpr std::string_view kSuffix = ".k8s.io";
  const bool builtin = info.group == "coordination.k8s.io" || info.group == "events.k8s.io" ||
                       info.group == "rbac.authorization.k8s.io";
  if (builtin) {
    const std::string name = info.group.substr(0, info.group.size() - kSuffix.size());
    return "io.k8s.api." + name.substr(0, name.find('.')) + "." + info.version + ".";
  }
  return reversed(info.group) + "." + info.version + ".";
}

json kind_of(const ResourceInfo& info) {
  return {{"group", info.group}, {"version", info.version}, {"kind", info.kind}};
}

json query_parameter(const char* name, const char* type, const char* description) {
  return {{"name", name},
          {"in", "query"},
          {"description", description},
          {"schema", {{"type", type}, {"uniqueItems", true}}}};
}

json path_parameter(const char* name, const char* description) {
  return {{"name", name},
          {"in", "path"},
          {"required", true},
          {"description", description},
          {"schema", {{"type", "string"}, {"uniqueItems", true}}}};
}

json write_parameters(bool patch) {
  json out = json::array(
      {query_parameter("dryRun", "string", "All: check everything, change nothing."),
       query_parameter("fieldManager", "string", "Name of who makes this change."),
       query_parameter("fieldValidation", "string",
                       "What becomes of unknown and duplicate fields: Ignore, Warn or Strict.")});
  if (patch) {
    out.push_back(query_parameter("force", "boolean",
                                  "Take fields over from other managers (apply patches only)."));
  }
  return out;
}

json list_parameters() {
  return json::array(
      {query_parameter("allowWatchBookmarks", "boolean", "Send BOOKMARK events in a watch."),
       query_parameter("continue", "string", "Token of the page before."),
       query_parameter("fieldSelector", "string", "Only objects whose fields match."),
       query_parameter("labelSelector", "string", "Only objects whose labels match."),
       query_parameter("limit", "integer", "Most objects that an answer holds."),
       query_parameter("resourceVersion", "string", "How new the data must be."),
       query_parameter("resourceVersionMatch", "string", "NotOlderThan or Exact."),
       query_parameter("sendInitialEvents", "boolean", "Begin a watch with what is there."),
       query_parameter("timeoutSeconds", "integer", "When to end the answer at the latest."),
       query_parameter("watch", "boolean", "Stream the changes instead of a list.")});
}

json content(const json& schema, const std::vector<std::string>& types) {
  json out = json::object();
  for (const std::string& type : types) out[type] = {{"schema", schema}};
  return out;
}

std::vector<std::string> answer_types() { return {"application/json", "application/yaml"}; }

// Builds the paths of one resource.
class PathWriter {
 public:
  PathWriter(const ResourceInfo& info, const std::string& prefix, json& paths)
      : info_(info),
        component_(prefix + info.kind),
        list_(prefix + info.list_kind),
        paths_(paths) {}

  void write() {
    const std::string base = "/" + open_api_path(info_.group, info_.version);
    const std::string all = base + "/" + info_.plural;
    const std::string items =
        info_.namespaced ? base + "/namespaces/{namespace}/" + info_.plural : all;
    if (info_.namespaced && has("list")) {
      paths_[all] = {
          {"get", operation("list", "list", list_, list_parameters(), "ForAllNamespaces")}};
    }
    write_collection(items);
    write_item(items + "/{name}");
    for (const SubresourceInfo& sub : info_.subresources) {
      write_subresource(items + "/{name}/" + sub.name, sub);
    }
  }

 private:
  bool has(const char* verb) const {
    return std::find(info_.verbs.begin(), info_.verbs.end(), verb) != info_.verbs.end();
  }

  json operation(const std::string& verb, const std::string& action, const std::string& answer,
                 json parameters, const std::string& suffix = "") const {
    std::string id = verb;
    bool upper = true;
    for (const char c :
         info_.group.empty() ? "core." + info_.version : info_.group + "." + info_.version) {
      if (c == '.' || c == '-') {
        upper = true;
        continue;
      }
      id += upper ? static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c) : c;
      upper = false;
    }
    id += (info_.namespaced && suffix != "ForAllNamespaces" ? "Namespaced" : "") + info_.kind +
          suffix;
    return {{"tags",
             {info_.group.empty() ? "core_" + info_.version : info_.group + "_" + info_.version}},
            {"description", verb + " " + info_.kind + (suffix.empty() ? "" : " (" + suffix + ")")},
            {"operationId", id},
            {"parameters", std::move(parameters)},
            {"responses",
             {{"200",
               {{"description", "OK"}, {"content", content(reference_to(answer), answer_types())}}},
              {"401", {{"description", "Unauthorized"}}}}},
            {"x-kubernetes-action", action},
            {"x-kubernetes-group-version-kind", kind_of(info_)}};
  }

  static json with_body(json op, const std::string& component,
                        const std::vector<std::string>& types) {
    op["requestBody"] = {{"required", true}, {"content", content(reference_to(component), types)}};
    return op;
  }

  json patch(const std::string& suffix) const {
    std::vector<std::string> types = {"application/apply-patch+yaml", "application/json-patch+json",
                                      "application/merge-patch+json"};
    const bool strategic = component_.starts_with("io.k8s.api.");
    if (strategic) types.push_back("application/strategic-merge-patch+json");
    return with_body(operation("patch", "patch", component_, write_parameters(true), suffix),
                     std::string(kMetaTypes) + "Patch", types);
  }

  json parameters(bool item) const {
    json out = json::array();
    if (item) out.push_back(path_parameter("name", "Name of the object."));
    if (info_.namespaced) out.push_back(path_parameter("namespace", "Namespace of the object."));
    out.push_back(query_parameter("pretty", "string", "Print the answer with indentation."));
    return out;
  }

  void write_collection(const std::string& path) {
    json& entry = paths_[path];
    if (has("list")) entry["get"] = operation("list", "list", list_, list_parameters());
    if (has("create")) {
      entry["post"] = with_body(operation("create", "post", component_, write_parameters(false)),
                                component_, {"application/json", "application/yaml"});
    }
    if (has("deletecollection")) {
      entry["delete"] = operation("deleteCollection", "deletecollection",
                                  std::string(kMetaTypes) + "Status", list_parameters());
    }
    entry["parameters"] = parameters(false);
  }

  void write_item(const std::string& path) {
    if (!has("get")) return;
    json& entry = paths_[path];
    entry["get"] = operation("read", "get", component_, json::array());
    entry["put"] = with_body(operation("replace", "put", component_, write_parameters(false)),
                             component_, {"application/json", "application/yaml"});
    entry["patch"] = patch("");
    entry["delete"] = with_body(
        operation("delete", "delete", std::string(kMetaTypes) + "Status",
                  json::array({query_parameter("dryRun", "string", "All: change nothing."),
                               query_parameter("propagationPolicy", "string",
                                               "Orphan, Background or Foreground.")})),
        std::string(kMetaTypes) + "DeleteOptions", {"application/json"});
    entry["parameters"] = parameters(true);
  }

  void write_subresource(const std::string& path, const SubresourceInfo& sub) {
    std::string suffix = sub.name;
    suffix[0] =
        static_cast<char>(suffix[0] >= 'a' && suffix[0] <= 'z' ? suffix[0] - 'a' + 'A' : suffix[0]);
    json& entry = paths_[path];
    // Kinds of other groups have no schema in this document; they are shown as the resource's own.
    for (const std::string& verb : sub.verbs) {
      if (verb == "get") entry["get"] = operation("read", "get", component_, json::array(), suffix);
      if (verb == "patch") entry["patch"] = patch(suffix);
      if (verb == "update") {
        entry["put"] =
            with_body(operation("replace", "put", component_, write_parameters(false), suffix),
                      component_, {"application/json", "application/yaml"});
      }
    }
    const json kind = {{"group", sub.group}, {"version", sub.version}, {"kind", sub.kind}};
    for (json& op : entry) op["x-kubernetes-group-version-kind"] = kind;
    entry["parameters"] = parameters(true);
  }

  const ResourceInfo& info_;
  std::string component_;
  std::string list_;
  json& paths_;
};

json kind_schema(const OpenApiResource& resource) {
  json schema = resource.schema != nullptr && resource.schema->is_object()
                    ? *resource.schema
                    : json{{"x-kubernetes-preserve-unknown-fields", true}};
  schema["type"] = "object";
  json& properties = schema["properties"];
  if (!properties.is_object()) properties = json::object();
  properties["apiVersion"] = api_version_property();
  properties["kind"] = kind_property();
  properties["metadata"] = {
      {"description", "What the system and its users note about the object."},
      {"allOf", json::array({reference_to(std::string(kMetaTypes) + "ObjectMeta")})}};
  if (!resource.selectable_fields.empty()) {
    for (const std::string& path : resource.selectable_fields) {
      const std::string plain = path.starts_with('.') ? path.substr(1) : path;
      schema["x-kubernetes-selectable-fields"].push_back({{"fieldPath", plain}});
    }
  }
  schema["x-kubernetes-group-version-kind"] = json::array({kind_of(resource.info)});
  return schema;
}

json list_schema(const ResourceInfo& info, const std::string& component) {
  json kind = kind_of(info);
  kind["kind"] = info.list_kind;
  return {{"type", "object"},
          {"description", info.list_kind + " is a list of " + info.kind + " objects."},
          {"required", json::array({"items"})},
          {"properties",
           {{"apiVersion", api_version_property()},
            {"kind", kind_property()},
            {"items",
             {{"type", "array"},
              {"description", "The objects of the list."},
              {"items", reference_to(component)}}},
            {"metadata",
             {{"description", "What the list says about itself."},
              {"allOf", json::array({reference_to(std::string(kMetaTypes) + "ListMeta")})}}}}},
          {"x-kubernetes-group-version-kind", json::array({kind})}};
}

// Lists of the core kinds that patches merge by key, as kubectl needs to know.
void add_patch_keys(json& schema) {
  for (const char* name : {"secrets", "imagePullSecrets"}) {
    const json::json_pointer path(std::string("/properties/") + name);
    if (!schema.contains(path)) continue;
    schema[path]["x-kubernetes-patch-merge-key"] = "name";
    schema[path]["x-kubernetes-patch-strategy"] = "merge";
  }
}

}  // namespace

OpenApiResource open_api_resource(const ResourceType& type) {
  OpenApiResource out;
  out.info = resource_info(type);
  if (type.builtin != Builtin::None) {
    json schema = core_schema(type.builtin);
    if (type.builtin == Builtin::ServiceAccount) add_patch_keys(schema);
    out.schema = std::make_shared<const json>(std::move(schema));
  } else if (type.schema != nullptr) {
    out.schema = std::make_shared<const json>(type.schema->source());
  }
  for (const std::string& path : type.selectable_fields) out.selectable_fields.push_back(path);
  return out;
}

std::string open_api_path(const std::string& group, const std::string& version) {
  return group.empty() ? "api/" + version : "apis/" + group + "/" + version;
}

std::string open_api_document(const std::vector<OpenApiResource>& resources) {
  json paths = json::object();
  json components = meta_components();
  for (const OpenApiResource& resource : resources) {
    const std::string prefix = component_prefix(resource.info);
    components[prefix + resource.info.kind] = kind_schema(resource);
    components[prefix + resource.info.list_kind] =
        list_schema(resource.info, prefix + resource.info.kind);
    PathWriter(resource.info, prefix, paths).write();
  }
  const json document = {{"openapi", "3.0.0"},
                         {"info", {{"title", "Tidelock"}, {"version", "v1"}}},
                         {"paths", std::move(paths)},
                         {"components", {{"schemas", std::move(components)}}}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

OpenApi::OpenApi(const Catalog& catalog) {
  for (const auto& [key, type] : catalog.by_plural) {
    resources_[open_api_path(type->group, type->version)].push_back(open_api_resource(*type));
  }
}

std::string OpenApi::index() {
  json paths = json::object();
  for (const auto& [path, resources] : resources_) {
    paths[path] = {
        {"serverRelativeURL", "/openapi/v3/" + path + "?hash=" + open_api_hash(*document(path))}};
  }
  return json{{"paths", std::move(paths)}}.dump();
}

const std::string* OpenApi::document(const std::string& path) {
  if (const auto made = documents_.find(path); made != documents_.end()) return &made->second;
  const auto resources = resources_.find(path);
  if (resources == resources_.end()) return nullptr;
  return &documents_.emplace(path, open_api_document(resources->second)).first->second;
}

std::string open_api_hash(const std::string& document) {
  std::string hash = sha256_hex(document);
  for (char& c : hash) c = static_cast<char>(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
  return hash;
}

}  // namespace tidelock::apiserver
