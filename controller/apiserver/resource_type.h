// SPDX-License-Identifier: Apache-2.0
// One served resource in one version: what its paths, keys, schema and rules are. Immutable and
// shared; a changed CRD gives a new one.
#pragma once

#include <atomic>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace tidelock::apiserver {

class Schema;

// The kinds with rules of their own.
enum class Builtin { None, Namespace, Secret, ConfigMap, Event, Lease, ServiceAccount, Crd };

// Set when the resource is no longer served; outlives the type in its watches.
struct ServedFlag {
  std::atomic<bool> gone{false};
};

struct ResourceType {
  std::string group;  // empty = core
  std::string version;
  std::string storage_version;
  std::string kind;
  std::string list_kind;
  std::string plural;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  bool namespaced = true;
  bool has_status = false;
  bool has_generation = false;
  bool is_served = true;     // false: only stored in this version
  bool terminating = false;  // its CRD is being deleted: no creates
  Builtin builtin = Builtin::None;
  std::string deprecation_warning;             // sent with every answer when not empty
  std::vector<std::string> selectable_fields;  // dotted paths beyond metadata.name and namespace
  std::shared_ptr<const Schema> schema;
  // The CRD it comes from (null for core kinds), and its spec.versions[] entry.
  std::shared_ptr<const nlohmann::json> crd;
  std::shared_ptr<ServedFlag> served = std::make_shared<ServedFlag>();

  std::string api_version() const { return group.empty() ? version : group + "/" + version; }
  std::string storage_api_version() const {
    return group.empty() ? storage_version : group + "/" + storage_version;
  }
  // "/registry/<group>/<plural>/"; group "core" for the core kinds.
  std::string prefix() const {
    return "/registry/" + (group.empty() ? std::string("core") : group) + "/" + plural + "/";
  }
  std::string prefix(std::string_view ns) const {
    return ns.empty() ? prefix() : prefix() + std::string(ns) + "/";
  }
  std::string key(std::string_view ns, std::string_view name) const {
    return prefix(namespaced ? ns : std::string_view()) + std::string(name);
  }
};
using ResourceTypePtr = std::shared_ptr<const ResourceType>;

// A store key taken apart; views into the key.
struct KeyParts {
  std::string_view group;  // "core" is given as empty
  std::string_view plural;
  std::string_view ns;  // empty for cluster-scoped
  std::string_view name;
};
KeyParts split_key(std::string_view key);

}  // namespace tidelock::apiserver
