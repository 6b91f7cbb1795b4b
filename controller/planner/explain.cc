// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/explain.h"

#include "controller/planner/task_state.h"

namespace tidelock::planner {
namespace {

using api::BlockedBy;
using api::DeploymentTask;

// The step that the holder is at: the lock's own, else where the task stands now.
int step_of_holder(const DeploymentTask& holder, const LockHold& hold) {
  if (hold.step >= 0) return hold.step;
  if (holder.status.grant) return holder.status.grant->step;
  return holder.spec.steps.empty() ? -1 : view_of(holder).next.step;
}

void describe_holder(const Facts& facts, const Obstacle& obstacle, BlockedBy& blocked) {
  blocked.holder = obstacle.holder;
  if (!obstacle.hold) {
    blocked.message += ", behind " + obstacle.holder;
    return;
  }
  blocked.holder_since = obstacle.hold->since;
  blocked.message += ", held by " + obstacle.holder;
  const auto* holder = find(facts.tasks, obstacle.holder);
  const int step = holder == nullptr ? -1 : step_of_holder(*holder, *obstacle.hold);
  if (step >= 0 && step < static_cast<int>(holder->spec.steps.size())) {
    blocked.holder_step = holder->spec.steps[static_cast<std::size_t>(step)].step.name;
    blocked.message += " step " + std::to_string(step + 1);
  }
  blocked.message += " since " + format_time(obstacle.hold->since);
}

// What the fair share says of who goes first.
std::string share_text(const Obstacle& obstacle) {
  const auto& share = obstacle.share;
  if (share.budget.empty()) return "";
  return "; its rollout has " + std::to_string(share.used) + " of its fair share of " +
         std::to_string(share.share) +
         (obstacle.kind == Obstacle::Kind::Lock ? " of Budget " + share.budget : "") + ", " +
         std::to_string(share.rollouts) + " rollouts wait";
}

BlockedBy gate(const char* kind, const std::string& name, const std::string& message,
               TimePoint since) {
  BlockedBy blocked;
  blocked.kind = kind;
  blocked.name = name;
  blocked.message = message;
  blocked.since = since;
  return blocked;
}

template <class T>
bool is_paused(const ByName<T>& objects, const std::string& name) {
  const auto* object = find(objects, name);
  return object != nullptr && object->spec.paused;
}

std::string who_pauses_task(const Facts& facts, const DeploymentTask& task) {
  const auto* installation = find(facts.installations, task.spec.installation);
  const std::string deployment =
      installation == nullptr ? "" : installation->spec.tenant_deployment;
  const auto who = who_pauses(facts, deployment, task.spec.rollout, task.spec.environment, task.spec.project);
  if (!who.empty()) return who;
  if (is_paused(facts.tenants, task.spec.tenant)) return "Tenant " + task.spec.tenant;
  if (is_paused(facts.targets, task.spec.target)) return "Target " + task.spec.target;
  return "";
}

std::string why_unreachable(const api::Target& target) {
  const auto* ready = api::find_condition(target.status.conditions, "Ready");
  if (ready != nullptr && ready->status) return "";
  if (ready != nullptr && !ready->message.empty()) return ready->message;
  if (target.spec.executor == api::Executor::Local) {
    return "no agent serves it; start the server with --allow-local-executor";
  }
  return "no agent has reported yet; run tidelock agent --target " + target.metadata.name;
}

}  // namespace

BlockedBy explain(const Facts& facts, const Obstacle& obstacle, TimePoint since) {
  BlockedBy blocked;
  blocked.name = obstacle.name;
  blocked.since = since;
  const std::string in_use = std::to_string(obstacle.used) + "/" + std::to_string(obstacle.max);
  switch (obstacle.kind) {
    case Obstacle::Kind::None:
      break;
    case Obstacle::Kind::Window:
      blocked.kind = "InFlight";
      blocked.message = "waits for InFlight " + obstacle.name + " (" + in_use + " started)";
      break;
    case Obstacle::Kind::Budget:
      blocked.kind = "Budget";
      blocked.message = "waits for Budget " + obstacle.name + " (" + in_use + " in use" +
                        share_text(obstacle) + ")";
      break;
    case Obstacle::Kind::Lock:
      blocked.kind = "Lock";
      blocked.message = "waits for Lock " + obstacle.name;
      blocked.position = obstacle.position;
      if (obstacle.position)
        blocked.message += " (position " + std::to_string(*obstacle.position) + ")";
      if (!obstacle.holder.empty()) describe_holder(facts, obstacle, blocked);
      blocked.message += share_text(obstacle);
      break;
  }
  return blocked;
}

std::string who_pauses(const Facts& facts, const std::string& deployment, const std::string& rollout,
                       const std::string& environment, const std::string& project) {
  if (is_paused(facts.deployments, deployment)) return "TenantDeployment " + deployment;
  if (is_paused(facts.rollouts, rollout)) return "Rollout " + rollout;
  if (is_paused(facts.environments, environment)) return "Environment " + environment;
  if (is_paused(facts.projects, project)) return "Project " + project;
  return "";
}

std::optional<BlockedBy> start_gate(const Facts& facts, const DeploymentTask& task) {
  const TimePoint since = task.spec.requested_at;
  if (const auto who = who_pauses_task(facts, task); !who.empty()) {
    return gate("Pause", who, who + " is paused", since);
  }
  if (find(facts.installations, task.spec.installation) == nullptr) {
    const std::string missing = "Installation " + task.spec.installation;
    return gate("Reference", missing, missing + " does not exist", since);
  }
  const auto* target = find(facts.targets, task.spec.target);
  const std::string what = "Target " + task.spec.target;
  if (target == nullptr) return gate("Reference", what, what + " does not exist", since);
  if (const auto why = why_unreachable(*target); !why.empty()) {
    return gate("Unreachable", task.spec.target, what + ": " + why, since);
  }
  return std::nullopt;
}

std::optional<BlockedBy> started_gate(const DeploymentTask& task, TimePoint now) {
  const auto view = view_of(task);
  if (view.state == TaskState::Orphaned) {
    auto blocked = gate("Orphaned", task.metadata.name, task.status.message, view.requested_at);
    if (blocked.message.empty()) {
      blocked.message = "nobody can say whether a process of it is still alive; its locks are kept";
    }
    blocked.holder = task.metadata.name;
    return blocked;
  }
  const bool waits = view.state == TaskState::Boundary || view.state == TaskState::Parked;
  if (!waits || view.next.not_before <= now) return std::nullopt;
  const auto& step = task.spec.steps[static_cast<std::size_t>(view.next.step)].step.name;
  auto blocked = gate("Backoff", step,
                      "step " + step + " failed; attempt " + std::to_string(view.next.attempt) +
                          " starts at " + format_time(view.next.not_before),
                      view.requested_at);
  blocked.until = view.next.not_before;
  return blocked;
}

}  // namespace tidelock::planner
