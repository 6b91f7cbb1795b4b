// SPDX-License-Identifier: Apache-2.0
// Codecs of what users write about themselves: projects, releases, environments, tenants, targets.
#include "controller/api/codec_kind.h"

namespace tidelock::api {

template <class A>
void fields(A& a, Ref<A, DriftSpec> drift) {
  a.field("mode", drift.mode, DriftSpec{}.mode);
  a.field("maxCorrections", drift.max_corrections, DriftSpec{}.max_corrections);
}

template <class A>
void fields(A& a, Ref<A, ProjectSpec> spec) {
  fields(a, spec.process);
  a.object("retention", [&](A& r) { r.field("releases", spec.retention_releases, 3); });
  a.field("drift", spec.drift);
  a.field("paused", spec.paused);
}

template <class A>
void fields(A& a, Ref<A, ProjectStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.field("conditions", status.conditions);
}

template <class A>
void fields(A& a, Ref<A, ReleaseSpec> spec) {
  a.field("projectRef", spec.project_ref);
  a.field("version", spec.version);
  a.field("packages", spec.packages);
  a.field("notes", spec.notes);
}

template <class A>
void fields(A& a, Ref<A, ReleaseStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.field("process", status.process);
  a.field("digest", status.digest);
  a.field("conditions", status.conditions);
}

template <class A>
void fields(A& a, Ref<A, PromotionSpec> promotion) {
  a.field("from", promotion.from);
  a.field("perTenant", promotion.per_tenant, true);
  a.field("requiredSoak", promotion.required_soak);
  a.field("minSucceeded", promotion.min_succeeded);
}

template <class A>
void fields(A& a, Ref<A, EnvironmentSpec> spec) {
  a.field("promotion", spec.promotion);
  a.field("variables", spec.variables);
  a.field("paused", spec.paused);
}

template <class A>
void fields(A& a, Ref<A, TenantSpec> spec) {
  a.field("displayName", spec.display_name);
  a.field("variables", spec.variables);
  a.field("paused", spec.paused);
}

template <class A>
void fields(A& a, Ref<A, TargetSpec> spec) {
  a.field("environments", spec.environments);
  a.field("tenants", spec.tenants);
  a.field("maxConcurrent", spec.max_concurrent, 1);
  a.field("installRoot", spec.install_root);
  a.field("executor", spec.executor);
  a.field("variables", spec.variables);
  a.field("paused", spec.paused);
}

template <class A>
void fields(A& a, Ref<A, TargetStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.field("agentVersion", status.agent_version);
  a.field("agentInstance", status.agent_instance);
  a.field("lastHeartbeat", status.last_heartbeat);
  a.field("publicKey", status.public_key);
  a.field("conditions", status.conditions);
}

TIDELOCK_CODEC(Project);
TIDELOCK_CODEC(Release);
TIDELOCK_CODEC(Environment);
TIDELOCK_CODEC(Tenant);
TIDELOCK_CODEC(Target);
TIDELOCK_STATUS_CODEC(Project);
TIDELOCK_STATUS_CODEC(Release);
TIDELOCK_STATUS_CODEC(Target);

}  // namespace tidelock::api
