// SPDX-License-Identifier: Apache-2.0
// Codecs of tenant deployments and rollouts.
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
void fields(A& a, Ref<A, RolloutStrategy> strategy) {
  a.field("maxInFlight", strategy.max_in_flight);
  a.field("taskTimeout", strategy.task_timeout);
  a.field("retry", strategy.retry);
  a.field("supersede", strategy.supersede);
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
}

template <class A>
void fields(A& a, Ref<A, WaveStatus> wave) {
  a.always("name", wave.name);
  a.always("members", wave.members);
  a.always("succeeded", wave.succeeded);
  a.always("failed", wave.failed);
  a.always("running", wave.running);
  a.always("waiting", wave.waiting);
}

template <class A>
void fields(A& a, Ref<A, RolloutStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.field("phase", status.phase);
  a.field("startedAt", status.started_at);
  a.field("finishedAt", status.finished_at);
  a.field("waves", status.waves);
  a.field("failedNames", status.failed_names);
  a.field("conditions", status.conditions);
}

template void fields<Reader>(Reader&, RolloutStrategy&);
template void fields<Writer>(Writer&, const RolloutStrategy&);

TIDELOCK_CODEC(TenantDeployment);
TIDELOCK_CODEC(Rollout);
TIDELOCK_STATUS_CODEC(TenantDeployment);
TIDELOCK_STATUS_CODEC(Rollout);

}  // namespace tidelock::api
