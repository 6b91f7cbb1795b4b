// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/status.h"

#include "controller/api/codec.h"
#include "controller/base/limits.h"
#include "controller/planner/task_state.h"

namespace tidelock::planner {
namespace {

using api::Condition;

void put(std::vector<Condition>& conditions, const char* type, bool status,
         const std::string& reason, const std::string& message, TimePoint now,
         std::int64_t generation) {
  api::set_condition(conditions, Condition{type, status, false, reason, message, now, generation});
}

bool is_ready(const std::string& wished, const api::Installation& installation, const Decision& decision,
              const std::string& actual_digest) {
  return !wished.empty() && installation.spec.digest == wished && actual_digest == wished && decision.task.empty() &&
         decision.health == Decision::Health::Fine;
}

std::string progress_reason(const api::DeploymentTask* task,
                            const std::vector<api::BlockedBy>& blocked_by) {
  if (!blocked_by.empty()) return "Waiting";
  return task != nullptr && task->status.grant ? "Running" : "Pending";
}

void installation_conditions(const api::Installation& installation, bool ready,
                             const Decision& decision, const api::DeploymentTask* task,
                             api::InstallationStatus& status, TimePoint now) {
  const auto generation = installation.metadata.generation;
  const bool moves = !ready && (!decision.stalled || task != nullptr);
  const std::string reason = progress_reason(task, status.blocked_by);
  const std::string message = status.blocked_by.empty() ? "" : status.blocked_by.front().message;
  const bool stalled = decision.stalled && !ready;
  put(status.conditions, "Ready", ready,
      ready     ? "Installed"
      : stalled ? decision.reason
                : reason,
      ready     ? "version " + status.actual_release + " is installed"
      : stalled ? decision.message
                : message,
      now, generation);
  put(status.conditions, "Reconciling", moves,
      moves   ? reason
      : ready ? "Installed"
              : decision.reason,
      moves ? message : "", now, generation);
  if (decision.drift.empty()) {
    std::erase_if(status.conditions, [](const Condition& condition) { return condition.type == "Drifted"; });
  } else {
    put(status.conditions, "Drifted", true, decision.drift, decision.drift_message, now, generation);
  }
  put(status.conditions, "Stalled", stalled, stalled ? decision.reason : "Progressing",
      stalled ? decision.message : "", now, generation);
}

const std::string& text_of(const std::string& name) { return name; }
const std::string& text_of(const std::string* name) { return *name; }

template <class Names>
std::string some_names(const Names& names) {
  std::string text;
  std::size_t count = 0;
  for (const auto& name : names) {
    if (++count > 3) return text + " and " + std::to_string(names.size() - 3) + " more";
    text += (text.empty() ? "" : ", ") + text_of(name);
  }
  return text;
}

std::string progress_message(const PairCounts& counts) {
  return std::to_string(counts.count(PairState::Ready)) + " of " + std::to_string(counts.desired) +
         " ready, " + std::to_string(counts.count(PairState::Updating)) + " updating, " +
         std::to_string(counts.count(PairState::Waiting)) + " waiting, " +
         std::to_string(counts.count(PairState::Failed)) + " failed";
}

std::string stalled_message(const std::string& reason, const Expansion& expansion, const PairCounts& counts) {
  if (reason == "ReleaseHeld") {
    return std::to_string(counts.count(PairState::Held)) + " pairs are kept off version " +
           expansion.main.version + " by a ReleaseHold";
  }
  std::string text = progress_message(counts);
  if (!counts.failed.empty()) text += ": " + some_names(counts.failed);
  return text;
}

// Reason and message of Stalled; an empty reason = not stalled. `rollout` is what its rollout says.
std::pair<std::string, std::string> why_stalled(const Expansion& expansion, const PairCounts& counts,
                                                const std::string& rollout) {
  const ReleaseChoice& main = expansion.main;
  if (!counts.conflicts.empty()) {
    return {"Conflict",
            std::to_string(counts.conflicts.size()) + " pairs belong to another TenantDeployment"};
  }
  if (main.problem)
    return {stalled_reason(*main.problem), main.problem->message};
  if (rollout == "NoWaveForPair" && !expansion.unmatched.empty()) {
    return {rollout, "no wave takes " + some_names(expansion.unmatched)};
  }
  // With one wave of everything there is more to say than that it has no success.
  const bool plain = rollout == "NoSuccessInWave" && expansion.waves.size() == 1 && !counts.failed.empty();
  if (!rollout.empty() && !plain) return {rollout, stalled_message(rollout, expansion, counts)};
  if (counts.quiet() && counts.count(PairState::Held) > 0) {
    return {"ReleaseHeld", stalled_message("ReleaseHeld", expansion, counts)};
  }
  if (counts.quiet() && !counts.failed.empty()) {
    return {"PairsFailed",
            std::to_string(counts.failed.size()) + " pairs failed: " + some_names(counts.failed)};
  }
  return {};
}

void conflict_condition(const PairCounts& counts, std::vector<Condition>& conditions, TimePoint now,
                        std::int64_t generation) {
  if (counts.conflicts.empty()) {
    std::erase_if(conditions,
                  [](const Condition& condition) { return condition.type == "Conflict"; });
    return;
  }
  const auto& [installation, owner] = *counts.conflicts.begin();
  put(conditions, "Conflict", true, "PairTaken",
      installation + " is kept by TenantDeployment " + owner +
          (counts.conflicts.size() > 1
               ? " (and " + std::to_string(counts.conflicts.size() - 1) + " more pairs)"
               : ""),
      now, generation);
}

void ambiguous_condition(const Expansion& expansion, std::vector<Condition>& conditions, TimePoint now,
                         std::int64_t generation) {
  if (expansion.ambiguous.empty()) {
    std::erase_if(conditions, [](const Condition& condition) { return condition.type == "PolicyAmbiguous"; });
    return;
  }
  put(conditions, "PolicyAmbiguous", true, "TwoWavesMatch",
      "more than one wave takes " + **expansion.ambiguous.begin() + "; the first one has it", now, generation);
}

}  // namespace

PairState pair_state(const Wish& wish, Progress progress, const Decision& decision,
                     const api::DeploymentTask* task) {
  if (!wish.hold.empty()) return PairState::Held;
  switch (progress) {
    case Progress::Settled:
    case Progress::Succeeded:
      if (decision.health == Decision::Health::Bad) return PairState::Failed;
      if (decision.health == Decision::Health::Unknown) return PairState::Updating;
      return PairState::Ready;
    case Progress::Failed:
    case Progress::Refused:
      return PairState::Failed;
    case Progress::Updating:
    case Progress::Verifying:
      return PairState::Updating;
    case Progress::Waiting:
    case Progress::Unreachable:
    case Progress::Held:
      break;
  }
  if (task != nullptr && task->status.grant) return PairState::Updating;
  if (decision.stalled && task == nullptr) return PairState::Failed;
  return PairState::Waiting;
}

api::InstallationStatus installation_status(const api::Installation& installation, const std::string* wished,
                                            const Decision& decision, api::InstallationStatus base,
                                            const api::DeploymentTask* task,
                                            std::vector<api::BlockedBy> blocked_by, TimePoint now) {
  api::InstallationStatus status = std::move(base);
  status.observed_generation = installation.metadata.generation;
  const bool ready = wished != nullptr && is_ready(*wished, installation, decision, status.actual_digest);
  status.action = ready ? api::Action::None : decision.action;
  if (task != nullptr) {
    status.task = task->metadata.name;
  } else if (status.attempts > 0) {
    status.task = task_name(installation.metadata.name, status.attempts);
  }
  if (blocked_by.size() > limits::kBlockedByMax) blocked_by.resize(limits::kBlockedByMax);
  status.blocked_by = std::move(blocked_by);
  installation_conditions(installation, ready, decision, task, status, now);
  return status;
}

api::TenantDeploymentStatus deployment_status(const api::TenantDeployment& deployment,
                                              const Expansion& expansion, const PairCounts& counts,
                                              const std::string& stalled_by, TimePoint now) {
  const ReleaseChoice& main = expansion.main;
  api::TenantDeploymentStatus status = deployment.status;
  const auto generation = deployment.metadata.generation;
  status.observed_generation = generation;
  status.version = main.version;
  if (!main.digest.empty()) status.rollout = rollout_name(deployment.metadata.name, main.digest);
  status.desired = counts.desired;
  status.ready = counts.count(PairState::Ready);
  status.updating = counts.count(PairState::Updating);
  status.waiting = counts.count(PairState::Waiting);
  status.failed = counts.count(PairState::Failed);
  const auto [reason, message] = why_stalled(expansion, counts, stalled_by);
  const bool stalled = !reason.empty();
  const bool empty = counts.desired == 0;
  const bool ready = !stalled && !empty && status.ready == status.desired;
  const bool moves = !ready && (!stalled || !counts.quiet());
  const std::string waits = empty ? "NoPairs" : "Progressing";
  const std::string progress = empty ? "no tenant on a target matches" : progress_message(counts);
  put(status.conditions, "Ready", ready,
      ready     ? "AllReady"
      : stalled ? reason
                : waits,
      stalled ? message : progress, now, generation);
  put(status.conditions, "Reconciling", moves,
      moves   ? waits
      : ready ? "AllReady"
              : reason,
      moves ? progress : "", now, generation);
  put(status.conditions, "Stalled", stalled, stalled ? reason : "Progressing", message, now,
      generation);
  conflict_condition(counts, status.conditions, now, generation);
  ambiguous_condition(expansion, status.conditions, now, generation);
  return status;
}

api::RolloutStatus left_rollout_status(const api::Rollout& rollout, TimePoint now) {
  api::RolloutStatus status = rollout.status;
  status.observed_generation = rollout.metadata.generation;
  const bool over = is_over(status.phase);
  if (!over) status.phase = "Superseded";
  status.halted_at.reset();
  if (!status.started_at) status.started_at = now;
  if (!status.finished_at || !over) status.finished_at = now;
  put(status.conditions, kCurrent, false, "AnotherRelease", "another release is wished for", now,
      rollout.metadata.generation);
  put(status.conditions, "Succeeded", status.phase == "Succeeded", status.phase, "", now,
      rollout.metadata.generation);
  return status;
}

std::optional<api::ProjectStatus> project_status(const api::Project& project, TimePoint now) {
  api::ProjectStatus status = project.status;
  status.observed_generation = project.metadata.generation;
  put(status.conditions, "Ready", true, project.spec.paused ? "Paused" : "Accepted", "", now,
      project.metadata.generation);
  if (status == project.status) return std::nullopt;
  return status;
}

api::LockGroupStatus lock_group_status(const Facts& facts, const api::LockGroup& group,
                                       const std::map<std::string, Admission::View>& locks) {
  api::LockGroupStatus status;
  status.observed_generation = group.metadata.generation;
  for (const auto& [instance, view] : locks) {
    if (view.rules->group != group.metadata.name) continue;
    status.holding += static_cast<int>(view.holders->all().size());
    status.waiting += static_cast<int>(view.waiting);
    for (const auto& [task, hold] : view.holders->all()) {
      if (status.holders.size() >= limits::kStatusNamesMax) break;
      const auto* object = find(facts.tasks, task);
      const auto step = static_cast<std::size_t>(hold.step);
      const bool known = object != nullptr && hold.step >= 0 && step < object->spec.steps.size();
      status.holders.push_back({instance, task, known ? object->spec.steps[step].step.name : "",
                                hold.demand.mode, hold.demand.units, hold.since});
    }
    int position = 0;
    for (const auto& [task, since] : view.waiters) {
      if (status.waiters.size() >= limits::kStatusNamesMax) break;
      status.waiters.push_back({instance, task, ++position, since});
    }
  }
  return status;
}

api::ConcurrencyBudgetStatus budget_status(const api::ConcurrencyBudget& budget,
                                           Admission::Usage usage) {
  api::ConcurrencyBudgetStatus status;
  status.observed_generation = budget.metadata.generation;
  status.used = usage.used;
  status.waiting = usage.waiting;
  return status;
}

}  // namespace tidelock::planner
