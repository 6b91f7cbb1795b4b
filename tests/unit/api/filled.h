// SPDX-License-Identifier: Apache-2.0
// One object of every kind with every field set to something that is not its default.
#pragma once

#include "controller/api/kinds.h"

namespace tidelock::api::test {

Project filled_project();
Release filled_release();
Environment filled_environment();
Tenant filled_tenant();
Target filled_target();
LockGroup filled_lock_group();
ConcurrencyBudget filled_budget();
TenantDeployment filled_tenant_deployment();
Rollout filled_rollout();
Installation filled_installation();
DeploymentTask filled_task();
DeploymentWindow filled_window();
Approval filled_approval();
ReleaseHold filled_hold();
Secret filled_secret();
Lease filled_lease();
Event filled_event();

}  // namespace tidelock::api::test
