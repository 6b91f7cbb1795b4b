// SPDX-License-Identifier: Apache-2.0
// Three pairs at rest, made by the planner itself, and copies of their objects for any other pair.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/support/planner_world.h"

namespace tidelock::bench {

inline constexpr int kTenantsPerTarget = 10;
inline constexpr int kBudget = 50;
inline constexpr const char* kRings[] = {"canary", "fleet", "solo"};  // deployments of the sample

std::string numbered(const char* prefix, int number);

// Tenant i is in ring i.
testing::PlannerWorld make_sample();

// Copies of the objects of tenant `like` for another tenant on another target, of another deployment.
class Renamer {
 public:
  Renamer(int like, int tenant, const std::string& deployment);
  api::Installation installation(const api::Installation& sample) const;
  api::DeploymentTask task(const api::DeploymentTask& sample) const;
  api::TenantDeployment deployment(const api::TenantDeployment& sample) const;
  api::Rollout rollout(const api::Rollout& sample) const;

 private:
  void rename(std::string& text) const;
  void metadata(api::ObjectMeta& meta) const;
  void locks(std::vector<api::TaskLock>& all) const;
  std::vector<std::pair<std::string, std::string>> words_;
};

}  // namespace tidelock::bench
