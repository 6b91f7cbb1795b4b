// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/check_rest.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/planner/planner.h"

namespace tidelock::simulation {
namespace {

constexpr std::size_t kFileMax = 1 << 20;

bool is_true(const std::vector<api::Condition>& conditions, const char* type) {
  const auto* condition = api::find_condition(conditions, type);
  return condition != nullptr && condition->status;
}

struct EffectName {
  std::string operator()(const planner::CreateInstallation& e) const {
    return "create Installation " + e.object.metadata.name;
  }
  std::string operator()(const planner::CreateRollout& e) const {
    return "create Rollout " + e.object.metadata.name;
  }
  std::string operator()(const planner::CreateHold& e) const {
    return "create ReleaseHold " + e.object.metadata.name;
  }
  std::string operator()(const planner::CreateTask& e) const {
    return "create DeploymentTask " + e.object.metadata.name;
  }
  template <class E>
  std::string operator()(const E& e) const {
    return "write about " + e.name;
  }
};

void check_planner(Kernel& kernel, const Truth& truth) {
  planner::Planner fresh({.epoch = 1'000'000});
  truth.objects().for_each([&fresh](const auto& object) { fresh.set(object); });
  const planner::Effects effects = fresh.plan(kernel.now());
  for (const planner::Effect& effect : effects.effects) {
    kernel.violated("nothing is left to do at rest",
                    "a planner that starts now would " + std::visit(EffectName{}, effect));
  }
  for (const planner::LockView& lock : fresh.locks(kernel.now())) {
    if (lock.holders.empty()) continue;
    kernel.violated("no lock is left at rest", lock.instance);
  }
}

void check_blocked(Kernel& kernel, const Truth& truth) {
  for (const auto& [name, installation] : truth.objects().all<api::Installation>()) {
    for (const api::BlockedBy& blocked : installation->status.blocked_by) {
      if (blocked.holder.empty()) continue;
      const auto holder = truth.objects().get<api::DeploymentTask>(blocked.holder);
      if (holder == nullptr || api::is_terminal(holder->status.phase)) {
        kernel.violated("a holder that is named holds",
                        name + " waits for " + blocked.holder + ", which is over");
      }
    }
  }
}

void check_target(Kernel& kernel, Cluster& cluster, const api::Installation& installation) {
  const std::string& target = installation.spec.target_ref.name;
  // A removal that failed half-way leaves no receipt, which is also what an unreadable one looks like.
  const auto& history = installation.status.history;
  const bool half_removed = installation.spec.release.empty() && !history.empty() &&
                            history.front().phase != "Succeeded";
  if (half_removed) return;
  for (std::size_t i = 0; i < cluster.agents(); ++i) {
    AgentHost& host = cluster.agent(i);
    if (!host.target.empty() && host.target != target) continue;
    const std::string tenant =
        installation.spec.tenant_ref ? installation.spec.tenant_ref->name : "";
    const std::string path =
        "/srv/" + target + "/" + tenant + "/" + installation.spec.project_ref.name;
    const auto bytes = host.machine.disk.read_file(path + "/receipt.json", kFileMax);
    std::string version;
    std::string digest;
    if (bytes) {
      const auto receipt = nlohmann::json::parse(*bytes, nullptr, false);
      if (receipt.is_object()) {
        version = receipt.value("version", "");
        digest = receipt.value("digest", "");
      }
    }
    if (version != installation.status.actual_release ||
        digest != installation.status.actual_digest) {
      kernel.violated("the API tells what is installed",
                      installation.metadata.name + ": \"" + installation.status.actual_release +
                          "\" by the API, \"" + version + "\" on " + target);
    }
  }
}

// Only a person can end such a wait.
bool waits_for_people(const api::Installation& installation) {
  const auto& blocked = installation.status.blocked_by;
  return std::any_of(blocked.begin(), blocked.end(), [](const api::BlockedBy& one) {
    // A release whose rollout is over, wished for again, needs somebody to resume it.
    const bool rollout_over = one.kind == "Pause" && one.name.starts_with("Rollout ");
    return rollout_over || one.kind == "Wave" || one.kind == "Approval" || one.kind == "Hold" ||
           one.kind == "MassRemoval";
  });
}

bool someone_waits_for_people(const Objects& objects, const std::string& deployment) {
  const auto& all = objects.all<api::Installation>();
  return std::any_of(all.begin(), all.end(), [&](const auto& entry) {
    return entry.second->spec.tenant_deployment == deployment && waits_for_people(*entry.second);
  });
}

}  // namespace

std::string unsettled(const Truth& truth) {
  const Objects& objects = truth.objects();
  for (const auto& [name, task] : objects.all<api::DeploymentTask>()) {
    if (api::is_terminal(task->status.phase)) continue;
    const auto installation = objects.get<api::Installation>(task->spec.installation);
    const bool waits = !task->status.grant && installation && waits_for_people(*installation);
    if (!waits) return "task " + name + " is not over";
  }
  for (const auto& [name, one] : objects.all<api::Installation>()) {
    const bool settled = is_true(one->status.conditions, "Ready") ||
                         is_true(one->status.conditions, "Stalled") || waits_for_people(*one);
    if (!settled) return "installation " + name + " is neither Ready nor Stalled";
    if (one->status.observed_generation != one->metadata.generation) {
      return "installation " + name + " has a status of an older generation";
    }
  }
  for (const auto& [name, one] : objects.all<api::TenantDeployment>()) {
    if (one->status.observed_generation != one->metadata.generation) {
      return "deployment " + name + " has a status of an older generation";
    }
    const bool settled = is_true(one->status.conditions, "Ready") ||
                         is_true(one->status.conditions, "Stalled") ||
                         someone_waits_for_people(objects, name);
    if (!settled) return "deployment " + name + " is neither Ready nor Stalled";
  }
  return {};
}

void check_rest(Kernel& kernel, Cluster& cluster, const RestOptions& options) {
  const Truth& truth = cluster.truth();
  check_planner(kernel, truth);
  check_blocked(kernel, truth);
  for (const auto& [name, installation] : truth.objects().all<api::Installation>()) {
    check_target(kernel, cluster, *installation);
    if (is_true(installation->status.conditions, "Ready")) continue;
    kernel.probe("a pair is stalled at rest");
    const auto& history = installation->status.history;
    const bool excuse = (!history.empty() && history.front().phase != "Succeeded") ||
                        waits_for_people(*installation);
    const bool wished = !installation->spec.release.empty();
    if ((options.all_ready && wished) || !excuse) {
      const auto* stalled = api::find_condition(installation->status.conditions, "Stalled");
      kernel.violated("everything becomes Ready",
                      name + ": " + (stalled == nullptr ? "" : stalled->reason + ": " + stalled->message));
    }
  }
  cluster.check_disks();
}

}  // namespace tidelock::simulation
