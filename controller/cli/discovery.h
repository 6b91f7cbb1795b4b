// SPDX-License-Identifier: Apache-2.0
// The kinds that the server has, found by any of their names (plural, singular, short, Kind,
// category, each also with ".group").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/client/api_client.h"

namespace tidelock::cli {

class Session;

struct ResourceInfo {
  client::Resource resource;
  std::string kind;
  std::string singular;
  std::vector<std::string> short_names;
  std::vector<std::string> categories;
  std::vector<std::string> verbs;

  bool has_verb(std::string_view verb) const;
  // "tenantdeployments.tidelock.dev", "configmaps"
  std::string qualified() const;
  // "tenantdeployment.tidelock.dev/NAME" as kubectl prints it
  std::string label(const std::string& name) const;
  std::string api_version() const;
};

class Discovery {
 public:
  static Result<Discovery> fetch(Session& session);

  const std::vector<ResourceInfo>& all() const { return resources_; }
  // One kind; nullptr if there is none.
  const ResourceInfo* find(std::string_view name) const;
  // One kind, or every kind of a category ("all", "tidelock"). NotFound in kubectl's words.
  Result<std::vector<const ResourceInfo*>> resolve(std::string_view name) const;
  // By apiVersion and Kind, as they stand in a manifest.
  const ResourceInfo* by_kind(std::string_view api_version, std::string_view kind) const;

 private:
  std::vector<ResourceInfo> resources_;  // core first, then as the server lists them
};

}  // namespace tidelock::cli
