// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/narrator.h"

#include <string>

#include "controller/base/log.h"

namespace tidelock::reconciler {
namespace {

bool ended_badly(api::TaskPhase phase) {
  switch (phase) {
    case api::TaskPhase::Failed:
    case api::TaskPhase::TimedOut:
    case api::TaskPhase::Interrupted:
    case api::TaskPhase::Orphaned: return true;
    case api::TaskPhase::Pending:
    case api::TaskPhase::Running:
    case api::TaskPhase::Succeeded:
    case api::TaskPhase::Cancelled:
    case api::TaskPhase::Superseded: return false;
  }
  return false;
}

// Kind and name only: that the holder changed is no new reason.
std::string reasons_of(const api::Installation& installation) {
  std::string text;
  for (const api::BlockedBy& blocked : installation.status.blocked_by) {
    if (!text.empty()) text += ", ";
    text += blocked.kind + " " + blocked.name;
  }
  return text;
}

bool is_true(const std::vector<api::Condition>& conditions, const char* type) {
  const api::Condition* condition = api::find_condition(conditions, type);
  return condition != nullptr && condition->status;
}

}  // namespace

void Narrator::changed(const api::DeploymentTask* before, const api::DeploymentTask* after) {
  if (after == nullptr) return;
  const api::TaskPhase was = before != nullptr ? before->status.phase : api::TaskPhase::Pending;
  const api::TaskPhase is = after->status.phase;
  if (was == is) return;
  const std::string phase(api::to_string(is));
  log_info("task", {{"namespace", after->metadata.ns},
                    {"task", after->metadata.name},
                    {"phase", phase},
                    {"reason", after->status.reason}});
  if (!ended_badly(is)) return;
  std::string message = after->spec.version.empty() ? "removal" : "release " + after->spec.version;
  message += " on target " + after->spec.target + ", attempt " + std::to_string(after->spec.attempt);
  if (!after->status.message.empty()) message += ": " + after->status.message;
  events_.warning(subject_of(*after), after->status.reason.empty() ? phase : after->status.reason,
                  message);
}

void Narrator::changed(const api::Installation* before, const api::Installation* after) {
  if (after == nullptr) return;
  const std::string was = before != nullptr ? reasons_of(*before) : std::string{};
  const std::string is = reasons_of(*after);
  if (was == is || is.empty()) return;
  log_info("waiting", {{"namespace", after->metadata.ns},
                       {"installation", after->metadata.name},
                       {"for", is},
                       {"holder", after->status.blocked_by.front().holder}});
}

void Narrator::changed(const api::Rollout* before, const api::Rollout* after) {
  if (after == nullptr || after->status.phase.empty()) return;
  if (before != nullptr && before->status.phase == after->status.phase) return;
  const std::string& phase = after->status.phase;
  const std::string reason = phase == "Progressing" ? "RolloutStarted" : "Rollout" + phase;
  const std::string message = after->spec.tenant_deployment_ref.name + " to " + after->spec.version;
  if (phase == "Failed") {
    events_.warning(subject_of(*after), reason, message);
  } else {
    events_.normal(subject_of(*after), reason, message);
  }
  log_info("rollout", {{"namespace", after->metadata.ns},
                       {"rollout", after->metadata.name},
                       {"version", after->spec.version},
                       {"phase", phase}});
}

void Narrator::changed(const api::TenantDeployment* before, const api::TenantDeployment* after) {
  if (after == nullptr || !is_true(after->status.conditions, "Stalled")) return;
  const api::Condition* stalled = api::find_condition(after->status.conditions, "Stalled");
  if (before != nullptr) {
    const api::Condition* was = api::find_condition(before->status.conditions, "Stalled");
    if (was != nullptr && was->status && was->reason == stalled->reason) return;
  }
  const std::string reason = stalled->reason.empty() ? "Stalled" : stalled->reason;
  events_.warning(subject_of(*after), reason, stalled->message);
}

}  // namespace tidelock::reconciler
