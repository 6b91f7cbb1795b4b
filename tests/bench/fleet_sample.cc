// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/fleet_sample.h"

namespace tidelock::bench {

std::string numbered(const char* prefix, int number) {
  std::string digits = std::to_string(number);
  return prefix + std::string(7 - digits.size(), '0') + digits;
}

testing::PlannerWorld make_sample() {
  testing::PlannerWorld world;
  world.environment("production");
  world.project("shop", {testing::step("stop", 1), testing::step("configure", 1), testing::step("start", 1)});
  world.release("shop", "1.0.0");
  world.budget("task-cap", kBudget);
  world.target(numbered("target-", 0), kTenantsPerTarget);
  for (int i = 0; i < 3; ++i) {
    world.tenant(numbered("tenant-", i), {{"host", numbered("target-", 0)}, {"ring", kRings[i]}});
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = "shop";
    spec.release.version = "1.0.0";
    spec.tenants = api::LabelSelector{{{"ring", kRings[i]}}, {}};
    world.deployment(kRings[i], spec);
  }
  world.run();
  return world;
}

Renamer::Renamer(int like, int tenant, const std::string& deployment)
    : words_{{numbered("tenant-", like), numbered("tenant-", tenant)},
             {numbered("target-", 0), numbered("target-", tenant / kTenantsPerTarget)}} {
  if (deployment != kRings[like]) words_.emplace_back(kRings[like], deployment);
}

api::Installation Renamer::installation(const api::Installation& sample) const {
  api::Installation made = sample;
  metadata(made.metadata);
  for (auto* text : {&made.spec.tenant_ref->name, &made.spec.target_ref.name, &made.spec.tenant_deployment,
                     &made.status.task}) {
    rename(*text);
  }
  return made;
}
api::DeploymentTask Renamer::task(const api::DeploymentTask& sample) const {
  api::DeploymentTask made = sample;
  metadata(made.metadata);
  auto& spec = made.spec;
  for (auto* text : {&spec.installation, &spec.tenant, &spec.target, &spec.install_directory, &spec.rollout}) {
    rename(*text);
  }
  spec.installation_uid = "uid-" + spec.installation;
  locks(spec.locks);
  for (auto& step : spec.steps) locks(step.needs);
  locks(made.status.grant->locks);
  locks(made.status.grant->step_locks);
  return made;
}
api::TenantDeployment Renamer::deployment(const api::TenantDeployment& sample) const {
  api::TenantDeployment made = sample;
  metadata(made.metadata);
  rename(made.spec.tenants->match_labels.at("ring"));
  rename(made.status.rollout);
  return made;
}
api::Rollout Renamer::rollout(const api::Rollout& sample) const {
  api::Rollout made = sample;
  metadata(made.metadata);
  rename(made.spec.tenant_deployment_ref.name);
  return made;
}

void Renamer::rename(std::string& text) const {
  for (const auto& [from, to] : words_) {
    const auto at = text.find(from);
    if (at != std::string::npos) text.replace(at, from.size(), to);
  }
}
void Renamer::metadata(api::ObjectMeta& meta) const {
  rename(meta.name);
  meta.uid = "uid-" + meta.name;
  for (auto& [key, value] : meta.labels) rename(value);
  for (auto& owner : meta.owner_references) {
    rename(owner.name);
    owner.uid = "uid-" + owner.name;
  }
}
void Renamer::locks(std::vector<api::TaskLock>& all) const {
  for (auto& lock : all) rename(lock.instance);
}

}  // namespace tidelock::bench
