// SPDX-License-Identifier: Apache-2.0
// Whom a change of a tenant or a target concerns, without a look at all pairs.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/planner/facts.h"

namespace tidelock::planner {

// Where no name says it, an index does; names of pairs do say their project, environment and tenant.
class FactIndex {
 public:
  // `name` stays where it is until it is removed.
  void add(const std::string& name, const api::InstallationSpec& spec);
  void remove(const std::string& name, const api::InstallationSpec& spec);

  using Names = std::vector<std::string>;
  Names of_target(const std::string& target) const;
  // In every project and environment.
  Names of_tenant(const Facts& facts, const std::string& tenant) const;
  // All of a project in an environment, or those of one tenant there (empty: untenanted).
  Names of_place(const Facts& facts, const std::string& project, const std::string& environment,
                 const std::string* tenant) const;

  // Null: not there before, not there any more.
  void target_changed(const api::Target* old, const api::Target* now);

  // Whether a tenant's (a target's) change from `old` to `now`, null for not there, may change the pairs
  // of the deployment, their waves or their order under `strategy`.
  bool concerns(const api::TenantDeployment& deployment, const api::RolloutStrategy& strategy,
                const api::Tenant* old, const api::Tenant* now) const;
  static bool concerns(const api::TenantDeployment& deployment, const api::Target* old, const api::Target* now);

 private:
  std::map<std::pair<std::string, std::string>, int> places_;  // project and environment → pairs
  std::set<std::string> odd_names_;  // those that do not say what they are of
  std::map<std::string, std::vector<const std::string*>> by_target_;
  std::map<std::string, int> host_keys_;  // label keys by which targets choose tenants → how many do
};

}  // namespace tidelock::planner
