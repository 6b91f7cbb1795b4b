// SPDX-License-Identifier: Apache-2.0
// What the API holds of one namespace, by kind and name, and the tasks of each installation.
#pragma once

#include <map>
#include <string>

#include "controller/planner/planner.h"

namespace tidelock::planner {

template <class T>
using ByName = std::map<std::string, Ptr<T>>;

template <class T>
const T* find(const ByName<T>& objects, const std::string& name) {
  const auto place = objects.find(name);
  return place == objects.end() ? nullptr : place->second.get();
}

struct Facts {
  ByName<api::Project> projects;
  ByName<api::Release> releases;
  ByName<api::Environment> environments;
  ByName<api::Tenant> tenants;
  ByName<api::Target> targets;
  ByName<api::LockGroup> lock_groups;
  ByName<api::ConcurrencyBudget> budgets;
  ByName<api::TenantDeployment> deployments;
  ByName<api::Rollout> rollouts;
  ByName<api::Installation> installations;
  ByName<api::DeploymentTask> tasks;
  ByName<api::DeploymentWindow> windows;
  ByName<api::Approval> approvals;
  ByName<api::ReleaseHold> holds;
  const std::map<int, const api::DeploymentTask*>& attempts_of(
      const std::string& installation) const {
    static const std::map<int, const api::DeploymentTask*> kNone;
    const auto place = attempts.find(installation);
    return place == attempts.end() ? kNone : place->second;
  }
  // Tasks by attempt, per installation name.
  std::map<std::string, std::map<int, const api::DeploymentTask*>> attempts;
};

// What keeps a pair from being planned at all.
struct Problem {
  std::string kind;  // Reference: something is missing. Invalid: something is wrong.
  std::string name;  // "Release storefront-1.0.0"
  std::string message;
  bool operator==(const Problem&) const = default;
};

}  // namespace tidelock::planner
