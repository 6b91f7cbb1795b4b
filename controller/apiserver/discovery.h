// SPDX-License-Identifier: Apache-2.0
// What is served, as clients ask for it: the aggregated and the legacy discovery documents. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/registry.h"

namespace tidelock::apiserver {

struct SubresourceInfo {
  std::string name;  // "status"
  // The kind it answers with; group and version as clients see them ("autoscaling", "v1", "Scale").
  std::string group;
  std::string version;
  std::string kind;
  std::vector<std::string> verbs;
};

// One resource in one served version.
struct ResourceInfo {
  std::string group;  // empty = core
  std::string version;
  std::string kind;
  std::string list_kind;
  std::string plural;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  bool namespaced = true;
  std::vector<std::string> verbs;
  std::vector<SubresourceInfo> subresources;
};

ResourceInfo resource_info(const ResourceType& type);
// All served resources of a catalog, besides others that are served by hand (reviews, aggregated).
std::vector<ResourceInfo> resource_infos(const Catalog& catalog);

// Kubernetes' order of versions: GA before beta before alpha, higher numbers first, then the rest.
bool version_before(const std::string& a, const std::string& b);

// Documents over one state. Groups are sorted by name, versions by version_before, resources as
// given. All results are compact JSON texts.
class Discovery {
 public:
  explicit Discovery(std::vector<ResourceInfo> resources);

  // apidiscovery.k8s.io; `version` is "v2" or "v2beta1".
  std::string aggregated_core(const std::string& version = "v2") const;    // GET /api
  std::string aggregated_groups(const std::string& version = "v2") const;  // GET /apis
  std::string api_versions(const std::string& server_address) const;       // GET /api, legacy
  std::string api_group_list() const;                                      // GET /apis, legacy
  // Empty: there is no such group (version).
  std::string api_group(const std::string& group) const;  // GET /apis/{group}
  std::string api_resource_list(const std::string& group, const std::string& version) const;

 private:
  std::vector<const ResourceInfo*> of(const std::string& group, const std::string& version) const;
  std::vector<std::string> versions_of(const std::string& group) const;
  nlohmann::json group_json(const std::string& group) const;
  nlohmann::json aggregated(bool core, const std::string& version) const;

  std::vector<ResourceInfo> resources_;
};

}  // namespace tidelock::apiserver
