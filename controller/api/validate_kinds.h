// SPDX-License-Identifier: Apache-2.0
// Internal to validation: the rules of each kind. `old` is null on create.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "controller/api/cause_list.h"
#include "controller/api/validation.h"

namespace tidelock::api {

// `spec` is the JSON of the project's spec: only there can be seen what was given.
void check_project(CauseList& causes, const Project& project, const nlohmann::json& spec,
                   const References& references);
void check_release(CauseList& causes, const Release& release, const Release* old);
void check_lock_group(CauseList& causes, const LockGroup& group, const References& references);
void check_environment(CauseList& causes, const Environment& environment, const References& references);
void check_tenant(CauseList& causes, const Tenant& tenant);
void check_target(CauseList& causes, const Target& target);
void check_budget(CauseList& causes, const ConcurrencyBudget& budget);
void check_tenant_deployment(CauseList& causes, const TenantDeployment& deployment);
void check_rollout(CauseList& causes, const Rollout& rollout);
void check_window(CauseList& causes, const DeploymentWindow& window);
// Both specs as JSON: every difference counts.
void check_approval(CauseList& causes, const Approval& approval, const nlohmann::json& spec,
                    const nlohmann::json* old_spec);
void check_hold(CauseList& causes, const ReleaseHold& hold);

}  // namespace tidelock::api
