// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/discovery.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <tuple>

#include "controller/base/digest.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::vector<std::string> all_verbs() {
  return {"delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"};
}

// "v2beta1": major 2, kind beta, minor 1.
struct KubeVersion {
  int major = 0;
  int stage = 0;  // 2 GA, 1 beta, 0 alpha
  int minor = 0;
};

std::optional<int> take_number(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || text[0] == '0' || text[0] == '-') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<KubeVersion> kube_version(std::string_view text) {
  if (text.size() < 2 || text[0] != 'v') return std::nullopt;
  text.remove_prefix(1);
  KubeVersion version;
  const auto major = take_number(text);
  if (!major) return std::nullopt;
  version.major = *major;
  version.stage = 2;
  if (text.empty()) return version;
  const bool beta = text.starts_with("beta");
  if (!beta && !text.starts_with("alpha")) return std::nullopt;
  version.stage = beta ? 1 : 0;
  text.remove_prefix(beta ? 4 : 5);
  if (text.empty()) return std::nullopt;
  const auto minor = take_number(text);
  if (!minor || !text.empty()) return std::nullopt;
  version.minor = *minor;
  return version;
}

std::string group_version(const std::string& group, const std::string& version) {
  return group.empty() ? version : group + "/" + version;
}

// Core kinds are shown with an empty group and version in /api.
json kind_reference(const std::string& group, const std::string& version, const std::string& kind) {
  return {{"group", group}, {"version", group.empty() ? "" : version}, {"kind", kind}};
}

json aggregated_resource(const ResourceInfo& info) {
  json resource = {{"resource", info.plural},
                   {"responseKind", kind_reference(info.group, info.version, info.kind)},
                   {"scope", info.namespaced ? "Namespaced" : "Cluster"},
                   {"singularResource", info.singular},
                   {"verbs", info.verbs}};
  if (!info.short_names.empty()) resource["shortNames"] = info.short_names;
  if (!info.categories.empty()) resource["categories"] = info.categories;
  for (const SubresourceInfo& sub : info.subresources) {
    resource["subresources"].push_back(
        {{"subresource", sub.name},
         {"responseKind", kind_reference(sub.group, sub.version, sub.kind)},
         {"verbs", sub.verbs}});
  }
  return resource;
}

// Any text that stays the same as long as the resource does.
std::string storage_hash(const ResourceInfo& info) {
  return base64_encode(sha256_hex(info.group + "/" + info.version + "/" + info.kind).substr(0, 8));
}

json legacy_resource(const ResourceInfo& info) {
  json resource = {{"name", info.plural},
                   {"singularName", info.singular},
                   {"namespaced", info.namespaced},
                   {"kind", info.kind},
                   {"verbs", info.verbs}};
  if (!info.short_names.empty()) resource["shortNames"] = info.short_names;
  if (!info.categories.empty()) resource["categories"] = info.categories;
  const bool stored = std::find(info.verbs.begin(), info.verbs.end(), "list") != info.verbs.end();
  if (stored) resource["storageVersionHash"] = storage_hash(info);
  return resource;
}

json legacy_subresource(const ResourceInfo& info, const SubresourceInfo& sub) {
  json resource = {{"name", info.plural + "/" + sub.name},
                   {"singularName", ""},
                   {"namespaced", info.namespaced},
                   {"kind", sub.kind},
                   {"verbs", sub.verbs}};
  if (sub.group != info.group || sub.version != info.version) {
    resource["group"] = sub.group;
    resource["version"] = sub.version;
  }
  return resource;
}

}  // namespace

ResourceInfo resource_info(const ResourceType& type) {
  ResourceInfo info;
  info.group = type.group;
  info.version = type.version;
  info.kind = type.kind;
  info.list_kind = type.list_kind;
  info.plural = type.plural;
  info.singular = type.singular;
  info.short_names = type.short_names;
  info.categories = type.categories;
  info.namespaced = type.namespaced;
  info.verbs = all_verbs();
  if (type.builtin == Builtin::Namespace) {
    info.verbs.erase(std::find(info.verbs.begin(), info.verbs.end(), "deletecollection"));
    info.subresources.push_back({"finalize", type.group, type.version, type.kind, {"update"}});
  }
  if (type.has_status) {
    info.subresources.push_back(
        {"status", type.group, type.version, type.kind, {"get", "patch", "update"}});
  }
  return info;
}

std::vector<ResourceInfo> resource_infos(const Catalog& catalog) {
  std::vector<ResourceInfo> infos;
  for (const auto& [key, type] : catalog.by_plural) infos.push_back(resource_info(*type));
  return infos;
}

bool version_before(const std::string& a, const std::string& b) {
  const auto left = kube_version(a);
  const auto right = kube_version(b);
  if (!left || !right) return left ? true : right ? false : a < b;
  const auto rank = [](const KubeVersion& v) { return std::tuple(v.stage, v.major, v.minor); };
  return rank(*left) > rank(*right);
}

Discovery::Discovery(std::vector<ResourceInfo> resources) : resources_(std::move(resources)) {}

std::vector<const ResourceInfo*> Discovery::of(const std::string& group,
                                               const std::string& version) const {
  std::vector<const ResourceInfo*> found;
  for (const ResourceInfo& info : resources_) {
    if (info.group == group && info.version == version) found.push_back(&info);
  }
  return found;
}

std::vector<std::string> Discovery::versions_of(const std::string& group) const {
  std::set<std::string> names;
  for (const ResourceInfo& info : resources_) {
    if (info.group == group) names.insert(info.version);
  }
  std::vector<std::string> versions(names.begin(), names.end());
  std::sort(versions.begin(), versions.end(), version_before);
  return versions;
}

json Discovery::aggregated(bool core, const std::string& version) const {
  std::set<std::string> groups;
  for (const ResourceInfo& info : resources_) {
    if (info.group.empty() == core) groups.insert(info.group);
  }
  json items = json::array();
  for (const std::string& group : groups) {
    json item = {{"metadata", json::object()}, {"versions", json::array()}};
    if (!core) item["metadata"]["name"] = group;
    for (const std::string& name : versions_of(group)) {
      json entry = {{"version", name}, {"freshness", "Current"}, {"resources", json::array()}};
      for (const ResourceInfo* info : of(group, name)) {
        entry["resources"].push_back(aggregated_resource(*info));
      }
      item["versions"].push_back(std::move(entry));
    }
    items.push_back(std::move(item));
  }
  return {{"kind", "APIGroupDiscoveryList"},
          {"apiVersion", "apidiscovery.k8s.io/" + version},
          {"metadata", json::object()},
          {"items", std::move(items)}};
}

std::string Discovery::aggregated_core(const std::string& version) const {
  return aggregated(true, version).dump();
}

std::string Discovery::aggregated_groups(const std::string& version) const {
  return aggregated(false, version).dump();
}

std::string Discovery::api_versions(const std::string& server_address) const {
  const json body = {{"kind", "APIVersions"},
                     {"versions", versions_of("")},
                     {"serverAddressByClientCIDRs",
                      {{{"clientCIDR", "0.0.0.0/0"}, {"serverAddress", server_address}}}}};
  return body.dump();
}

json Discovery::group_json(const std::string& group) const {
  json versions = json::array();
  for (const std::string& version : versions_of(group)) {
    versions.push_back({{"groupVersion", group_version(group, version)}, {"version", version}});
  }
  if (versions.empty()) return {};
  const json preferred = versions[0];
  return {{"name", group}, {"versions", std::move(versions)}, {"preferredVersion", preferred}};
}

std::string Discovery::api_group_list() const {
  std::set<std::string> groups;
  for (const ResourceInfo& info : resources_) {
    if (!info.group.empty()) groups.insert(info.group);
  }
  json list = json::array();
  for (const std::string& group : groups) list.push_back(group_json(group));
  return json{{"kind", "APIGroupList"}, {"apiVersion", "v1"}, {"groups", std::move(list)}}.dump();
}

std::string Discovery::api_group(const std::string& group) const {
  json body = group.empty() ? json() : group_json(group);
  if (body.is_null()) return {};
  body["kind"] = "APIGroup";
  body["apiVersion"] = "v1";
  return body.dump();
}

std::string Discovery::api_resource_list(const std::string& group,
                                         const std::string& version) const {
  const auto resources = of(group, version);
  if (resources.empty()) return {};
  json list = json::array();
  for (const ResourceInfo* info : resources) {
    list.push_back(legacy_resource(*info));
    for (const SubresourceInfo& sub : info->subresources) {
      list.push_back(legacy_subresource(*info, sub));
    }
  }
  json body = {{"kind", "APIResourceList"},
               {"groupVersion", group_version(group, version)},
               {"resources", std::move(list)}};
  if (!group.empty()) body["apiVersion"] = "v1";  // the core list has none on the real server
  return body.dump();
}

}  // namespace tidelock::apiserver
