// SPDX-License-Identifier: Apache-2.0
// Whom a change of a tenant or a target concerns, without a look at all pairs.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/planner/facts.h"

namespace tidelock::planner {

// Names of installations by one thing that they name. Keeps pointers: the names belong to the map of
// installations, whose entries do not move.
class NamesBy {
 public:
  void add(const std::string& by, const std::string& installation);
  void remove(const std::string& by, const std::string& installation);
  const std::vector<const std::string*>& of(const std::string& by) const;

 private:
  std::map<std::string, std::vector<const std::string*>> names_;
};

class FactIndex {
 public:
  // `name` is the key in Facts::installations.
  void add(const std::string& name, const api::InstallationSpec& spec);
  void remove(const std::string& name, const api::InstallationSpec& spec);
  const NamesBy& by_tenant() const { return by_tenant_; }
  const NamesBy& by_target() const { return by_target_; }

  // Null: not there before, not there any more.
  void target_changed(const api::Target* old, const api::Target* now);

  // Whether a tenant's (a target's) change from `old` to `now`, null for not there, may change the pairs
  // of the deployment, their waves or their order under `strategy`.
  bool concerns(const api::TenantDeployment& deployment, const api::RolloutStrategy& strategy,
                const api::Tenant* old, const api::Tenant* now) const;
  static bool concerns(const api::TenantDeployment& deployment, const api::Target* old, const api::Target* now);

 private:
  NamesBy by_tenant_;
  NamesBy by_target_;
  std::map<std::string, int> host_keys_;  // label keys by which targets choose tenants → how many do
};

}  // namespace tidelock::planner
