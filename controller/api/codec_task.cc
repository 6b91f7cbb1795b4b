// SPDX-License-Identifier: Apache-2.0
// Codec of deployment tasks.
#include "controller/api/codec_kind.h"

namespace tidelock::api {
namespace {

void fence(Reader& a, Fence& out) {
  std::int64_t number = 0;
  a.field("fence", number);
  out = fence_from_integer(number);
}
void fence(Writer& a, const Fence& in) { a.always("fence", to_integer(in)); }

}  // namespace

template <class A>
void fields(A& a, Ref<A, TaskVariable> variable) {
  a.always("name", variable.name);
  a.field("value", variable.value);
  a.field("sealed", variable.sealed);
  a.object("valueFrom", [&](A& from) { from.field("secretKeyRef", variable.secret); });
}

template <class A>
void fields(A& a, Ref<A, TaskLock> lock) {
  a.always("instance", lock.instance);
  a.field("mode", lock.mode);
  a.field("units", lock.units, 1);
}

template <class A>
void fields(A& a, Ref<A, TaskStep> step) {
  fields(a, step.step);
  a.field("needs", step.needs);
}

template <class A>
void fields(A& a, Ref<A, TaskCancel> cancel) {
  a.always("mode", cancel.mode);
  a.field("reason", cancel.reason);
  a.field("message", cancel.message);
}

template <class A>
void fields(A& a, Ref<A, DeploymentTaskSpec> spec) {
  a.field("installation", spec.installation);
  a.field("installationUID", spec.installation_uid);
  a.field("project", spec.project);
  a.field("environment", spec.environment);
  a.field("tenant", spec.tenant);
  a.field("target", spec.target);
  a.field("rollout", spec.rollout);
  a.always("action", spec.action);
  a.field("release", spec.release);
  a.field("version", spec.version);
  a.field("digest", spec.digest);
  a.field("attempt", spec.attempt, 1);
  a.field("priority", spec.priority);
  a.field("requestedAt", spec.requested_at);
  a.field("installDirectory", spec.install_directory);
  a.object("retention", [&](A& r) { r.field("releases", spec.retention_releases, 3); });
  a.field("packages", spec.packages);
  a.field("variables", spec.variables);
  a.field("steps", spec.steps);
  a.field("locks", spec.locks);
  a.field("budgets", spec.budgets);
  a.field("healthCheck", spec.health_check);
  a.field("timeout", spec.timeout);
  a.field("cancel", spec.cancel);
}

template <class A>
void fields(A& a, Ref<A, StepWait> wait) {
  a.always("kind", wait.kind);
  a.field("name", wait.name);
  a.field("holder", wait.holder);
  a.field("from", wait.from);
  a.field("until", wait.until);
}

template <class A>
void fields(A& a, Ref<A, TaskGrant> grant) {
  a.field("grantedAt", grant.granted_at);
  a.field("locks", grant.locks);
  fence(a, grant.fence);
  a.always("step", grant.step);
  a.always("stepCount", grant.step_count);
  a.always("stepAttempt", grant.step_attempt);
  a.field("stepGrantedAt", grant.step_granted_at);
  a.field("stepLocks", grant.step_locks);
  a.field("waits", grant.waits);
}

template <class A>
void fields(A& a, Ref<A, StepStatus> status) {
  a.always("name", status.name);
  a.always("phase", status.phase);
  a.always("attempt", status.attempt);
  a.field("startedAt", status.started_at);
  a.field("finishedAt", status.finished_at);
  a.field("retryAt", status.retry_at);
  a.field("exitCode", status.exit_code);
  a.field("waits", status.waits);
  a.field("message", status.message);
  a.field("outputs", status.outputs);
}

template <class A>
void fields(A& a, Ref<A, DriftReport> drift) {
  a.field("since", drift.since);
  a.field("version", drift.version);
  a.field("digest", drift.digest);
  a.field("message", drift.message);
}

template <class A>
void fields(A& a, Ref<A, HealthReport> health) {
  a.always("healthy", health.healthy);
  a.field("since", health.since);
  a.field("message", health.message);
}

template <class A>
void fields(A& a, Ref<A, DeploymentTaskStatus> status) {
  a.always("phase", status.phase);
  a.field("grant", status.grant);
  a.field("steps", status.steps);
  a.field("startedAt", status.started_at);
  a.field("finishedAt", status.finished_at);
  a.field("reason", status.reason);
  a.field("message", status.message);
  a.field("supersededBy", status.superseded_by);
  a.field("reportedVersion", status.reported_version);
  a.field("reportedDigest", status.reported_digest);
  a.field("nothingInstalled", status.nothing_installed);
  a.field("health", status.health);
  a.field("drift", status.drift);
  a.field("blockedBy", status.blocked_by);
}

TIDELOCK_CODEC(DeploymentTask);
TIDELOCK_STATUS_CODEC(DeploymentTask);

}  // namespace tidelock::api
