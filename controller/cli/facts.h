// SPDX-License-Identifier: Apache-2.0
// All that the planner needs to know of one namespace, read from the server; the planner that
// answers plan, why and locks here is the same one that decides in the controller.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/cli/session.h"
#include "controller/planner/planner.h"

namespace tidelock::cli {

template <class T>
using ByName = std::map<std::string, std::shared_ptr<const T>>;

struct Facts {
  planner::Planner planner{planner::Options{}};
  ByName<api::Tenant> tenants;
  ByName<api::Target> targets;
  ByName<api::TenantDeployment> deployments;
  ByName<api::Rollout> rollouts;
  ByName<api::Installation> installations;
  ByName<api::DeploymentTask> tasks;
};

// Objects that cannot be decoded are named on stderr and left out, as the controller does.
Result<std::unique_ptr<Facts>> fetch_facts(Session& session, const std::string& ns);

// "tenant-05 on web-01"; untenanted: "storefront on web-01".
std::string pair_text(const api::InstallationSpec& spec);
std::string pair_text(const api::DeploymentTaskSpec& spec);

// The installations of the tenant deployment: those that say so and those that it would make.
bool belongs_to(const api::TenantDeployment& deployment, const api::InstallationSpec& spec);

// The record of semantics.md §8: one line, and as JSON (field names of Installation.status).
std::string blocked_line(const std::string& pair, const api::BlockedBy& record);
nlohmann::json blocked_json(const api::BlockedBy& record);

}  // namespace tidelock::cli
