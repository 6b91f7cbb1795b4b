// SPDX-License-Identifier: Apache-2.0
// Rules of what keeps a rollout from going on: windows, approvals, holds.
#include <nlohmann/json.hpp>

#include "controller/api/validate_kinds.h"
#include "controller/base/cron.h"
#include "controller/base/limits.h"
#include "controller/base/time_zone.h"

namespace tidelock::api {

void check_window(CauseList& causes, const DeploymentWindow& window) {
  const DeploymentWindowSpec& spec = window.spec;
  if (spec.schedule.empty()) {
    causes.required("spec.schedule", "five fields of cron, e.g. \"0 22 * * 1-5\"");
  } else if (const auto schedule = CronSchedule::parse(spec.schedule); !schedule) {
    causes.invalid("spec.schedule", spec.schedule, schedule.error().message);
  }
  if (spec.time_zone.empty()) {
    causes.required("spec.timeZone", "an IANA name, e.g. Europe/Vienna");
  } else if (const auto zone = TimeZone::load(spec.time_zone); !zone) {
    causes.invalid("spec.timeZone", spec.time_zone, zone.error().message);
  }
  check_positive(causes, "spec.duration", spec.duration);
  check_pairs(causes, "spec.selector", spec.selector);
  if (spec.from && spec.until && *spec.from >= *spec.until) {
    causes.invalid("spec.until", format_micro_time(*spec.until),
                   "must be later than from, which is " + format_micro_time(*spec.from));
  }
}

void check_approval(CauseList& causes, const Approval& approval, const nlohmann::json& spec,
                    const nlohmann::json* old_spec) {
  if (old_spec != nullptr) {
    if (spec != *old_spec) causes.invalid_json("spec", spec.dump(), "field is immutable");
    return;
  }
  check_reference(causes, "spec.rolloutRef.name", approval.spec.rollout_ref.name);
  check_label(causes, "spec.gate", approval.spec.gate);
  check_digest(causes, "spec.planHash", approval.spec.plan_hash);
  check_text(causes, "spec.reason", approval.spec.reason, limits::kReasonBytesMax);
}

void check_hold(CauseList& causes, const ReleaseHold& hold) {
  const ReleaseHoldSpec& spec = hold.spec;
  check_reference(causes, "spec.tenantDeploymentRef.name", spec.tenant_deployment_ref.name);
  if (!spec.version.empty()) check_version(causes, "spec.version", spec.version);
  check_digest(causes, "spec.digest", spec.digest);
  check_labels(causes, "spec.waves", spec.waves);
  check_text(causes, "spec.reason", spec.reason, limits::kReasonBytesMax);
}

}  // namespace tidelock::api
