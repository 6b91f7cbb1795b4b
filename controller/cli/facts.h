// SPDX-License-Identifier: Apache-2.0
// All that the planner needs to know of one namespace, read from the server; the planner that
// answers plan, why and locks here is the same one that decides in the controller.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/cli/manifests.h"
#include "controller/cli/session.h"
#include "controller/planner/facts.h"
#include "controller/planner/planner.h"

namespace tidelock::cli {

template <class T>
using ByName = planner::ByName<T>;

// The objects by kind and name (`attempts` stays empty), and a planner that knows them all.
struct Facts : planner::Facts {
  planner::Planner planner{planner::Options{}};
};

// Objects that cannot be decoded are named on stderr and left out, as the controller does.
//
// With `as_if`, the facts as they would be after those manifests were applied: merged as `apply`
// does, checked by the rules that the server has beyond its schemas. Other namespaces and kinds
// that no plan depends on are passed over.
Result<std::unique_ptr<Facts>> fetch_facts(Session& session, const std::string& ns,
                                           const std::vector<ManifestObject>& as_if = {});

// "tenant-05 on web-01"; untenanted: "storefront on web-01".
std::string pair_text(const api::InstallationSpec& spec);
std::string pair_text(const api::DeploymentTaskSpec& spec);

// The installations of the tenant deployment: those that say so and those that it would make.
bool belongs_to(const api::TenantDeployment& deployment, const api::InstallationSpec& spec);

// The record of semantics.md §8: one line, and as JSON (field names of Installation.status).
std::string blocked_line(const std::string& pair, const api::BlockedBy& record);
nlohmann::json blocked_json(const api::BlockedBy& record);

}  // namespace tidelock::cli
