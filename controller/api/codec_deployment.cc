// SPDX-License-Identifier: Apache-2.0
// Codecs of tenant deployments, rollouts, and what keeps them from going on.
#include "controller/api/codec_kind.h"

namespace tidelock::api {

template <class A>
void fields(A& a, Ref<A, ReleaseSelector> release) {
  a.field("version", release.version);
  a.field("range", release.range);
}

template <class A>
void fields(A& a, Ref<A, Pin> pin) {
  a.always("tenant", pin.tenant);
  a.field("target", pin.target);
  a.always("version", pin.version);
}

template <class A>
void fields(A& a, Ref<A, TaskRetry> retry) {
  a.field("limit", retry.limit);
  a.object("backoff", [&](A& backoff) {
    backoff.field("initial", retry.backoff_initial, TaskRetry{}.backoff_initial);
    backoff.field("factor", retry.backoff_factor, TaskRetry{}.backoff_factor);
    backoff.field("max", retry.backoff_max, TaskRetry{}.backoff_max);
  });
}

template <class A>
void fields(A& a, Ref<A, GateSpec> gate) {
  a.object("approval", [&](A& approval) {
    approval.field("name", gate.approval);
    approval.field("required", gate.required, GateSpec{}.required);
    approval.field("expiresAfter", gate.expires_after);
  });
}

// Both the strategy and each of its waves have them.
template <class A, class T>
void wave_limits(A& a, T& limits) {
  a.field("concurrency", limits.concurrency);
  a.field("maxFailures", limits.max_failures);
  a.field("minSucceeded", limits.min_succeeded);
  a.field("minHealthy", limits.min_healthy);
  a.field("soak", limits.soak);
  a.field("steps", limits.steps);
}

template <class A>
void fields(A& a, Ref<A, WaveSpec> wave) {
  a.always("name", wave.name);
  a.field("tenants", wave.tenants);
  a.field("targets", wave.targets);
  wave_limits(a, wave);
  a.field("before", wave.before);
  a.field("after", wave.after);
}

template <class A>
void fields(A& a, Ref<A, Unreachable> unreachable) {
  a.field("policy", unreachable.policy);
  a.field("after", unreachable.after, Unreachable{}.after);
  a.field("max", unreachable.max);
  a.field("catchUp", unreachable.catch_up, true);
}

template <class A>
void fields(A& a, Ref<A, Membership> membership) {
  a.field("added", membership.added);
  a.field("removed", membership.removed);
}

template <class A>
void fields(A& a, Ref<A, RolloutOrder> order) {
  a.field("by", order.by);
  a.field("spreadBy", order.spread_by);
}

template <class A>
void fields(A& a, Ref<A, RolloutStrategy> strategy) {
  wave_limits(a, strategy);
  a.field("maxInFlight", strategy.max_in_flight);
  a.field("waves", strategy.waves);
  a.field("order", strategy.order);
  a.object("pacing", [&](A& pacing) {
    pacing.field("maxStartsPerMinute", strategy.max_starts_per_minute);
  });
  a.field("taskTimeout", strategy.task_timeout);
  a.field("progressDeadline", strategy.progress_deadline);
  a.field("retry", strategy.retry);
  a.field("onFailure", strategy.on_failure);
  a.field("unreachable", strategy.unreachable);
  a.field("membership", strategy.membership);
  a.field("supersede", strategy.supersede);
}

template <class A>
void fields(A& a, Ref<A, DeletionGuard> guard) {
  a.field("max", guard.max, DeletionGuard{}.max);
  a.field("min", guard.min, DeletionGuard{}.min);
}

template <class A>
void fields(A& a, Ref<A, TenantDeploymentSpec> spec) {
  a.field("projectRef", spec.project_ref);
  a.field("environmentRef", spec.environment_ref);
  a.field("release", spec.release);
  a.field("tenants", spec.tenants);
  a.field("untenanted", spec.untenanted);
  a.field("targets", spec.targets);
  a.field("pins", spec.pins);
  a.field("rollout", spec.rollout);
  a.field("priority", spec.priority);
  a.field("paused", spec.paused);
  a.field("deletionGuard", spec.deletion_guard);
}

template <class A>
void fields(A& a, Ref<A, TenantDeploymentStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.field("version", status.version);
  a.field("rollout", status.rollout);
  a.always("desired", status.desired);
  a.always("ready", status.ready);
  a.always("updating", status.updating);
  a.always("waiting", status.waiting);
  a.always("failed", status.failed);
  a.field("conditions", status.conditions);
}

template <class A>
void fields(A& a, Ref<A, RolloutSpec> spec) {
  a.field("tenantDeploymentRef", spec.tenant_deployment_ref);
  a.field("version", spec.version);
  a.field("digest", spec.digest);
  a.field("strategy", spec.strategy);
  a.field("priority", spec.priority);
  a.field("paused", spec.paused);
  a.field("cancel", spec.cancel);
  a.field("acceptedFailures", spec.accepted_failures);
}

template <class A>
void fields(A& a, Ref<A, WaveResolved> resolved) {
  a.always("members", resolved.members);
  a.field("concurrency", resolved.concurrency);
  a.field("maxFailures", resolved.max_failures);
  a.field("maxUnreachable", resolved.max_unreachable);
  a.always("minSucceeded", resolved.min_succeeded);
  a.field("steps", resolved.steps);
}

template <class A>
void fields(A& a, Ref<A, WaveStatus> wave) {
  a.always("name", wave.name);
  a.always("phase", wave.phase);
  a.always("members", wave.members);
  a.always("succeeded", wave.succeeded);
  a.always("failed", wave.failed);
  a.field("unreachable", wave.unreachable);
  a.always("running", wave.running);
  a.always("waiting", wave.waiting);
  a.field("held", wave.held);
  a.field("resolved", wave.resolved);
  a.field("startedAt", wave.started_at);
  a.field("finishedAt", wave.finished_at);
}

template <class A>
void fields(A& a, Ref<A, RolloutStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.field("phase", status.phase);
  a.field("reason", status.reason);
  a.field("planHash", status.plan_hash);
  a.field("startedAt", status.started_at);
  a.field("finishedAt", status.finished_at);
  a.field("terminal", status.terminal);
  a.field("progressAt", status.progress_at);
  a.field("haltedAt", status.halted_at);
  a.field("waves", status.waves);
  a.field("failedNames", status.failed_names);
  a.field("unreachableNames", status.unreachable_names);
  a.field("conditions", status.conditions);
}

template <class A>
void fields(A& a, Ref<A, DeploymentWindowSpec> spec) {
  a.always("kind", spec.kind);
  a.always("schedule", spec.schedule);
  a.always("timeZone", spec.time_zone);
  a.always("duration", spec.duration);
  a.field("selector", spec.selector);
  a.field("from", spec.from);
  a.field("until", spec.until);
  a.field("inFlight", spec.in_flight);
  a.field("allowRollback", spec.allow_rollback, true);
}

template <class A>
void fields(A& a, Ref<A, DeploymentWindowStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.always("open", status.open);
  a.field("nextChange", status.next_change);
}

template <class A>
void fields(A& a, Ref<A, ApprovalSpec> spec) {
  a.field("rolloutRef", spec.rollout_ref);
  a.always("gate", spec.gate);
  a.always("planHash", spec.plan_hash);
  a.always("decision", spec.decision);
  a.field("reason", spec.reason);
  a.field("approver", spec.approver);
}

template <class A>
void fields(A& a, Ref<A, ReleaseHoldSpec> spec) {
  a.field("tenantDeploymentRef", spec.tenant_deployment_ref);
  a.field("version", spec.version);
  a.always("digest", spec.digest);
  a.field("waves", spec.waves);
  a.field("reason", spec.reason);
}

template void fields<Reader>(Reader&, RolloutStrategy&);
template void fields<Writer>(Writer&, const RolloutStrategy&);

TIDELOCK_CODEC(TenantDeployment);
TIDELOCK_CODEC(Rollout);
TIDELOCK_STATUS_CODEC(TenantDeployment);
TIDELOCK_STATUS_CODEC(Rollout);
TIDELOCK_CODEC(DeploymentWindow);
TIDELOCK_CODEC(Approval);
TIDELOCK_CODEC(ReleaseHold);
TIDELOCK_STATUS_CODEC(DeploymentWindow);

}  // namespace tidelock::api
