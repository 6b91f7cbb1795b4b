// SPDX-License-Identifier: Apache-2.0
// Codec of installations.
#include "controller/api/codec_kind.h"

namespace tidelock::api {

template <class A>
void fields(A& a, Ref<A, BlockedBy> blocked) {
  a.always("kind", blocked.kind);
  a.field("name", blocked.name);
  a.field("holder", blocked.holder);
  a.field("holderStep", blocked.holder_step);
  a.field("since", blocked.since);
  a.field("holderSince", blocked.holder_since);
  a.field("until", blocked.until);
  a.field("position", blocked.position);
  a.field("message", blocked.message);
}

template <class A>
void fields(A& a, Ref<A, InstallationSpec> spec) {
  a.field("projectRef", spec.project_ref);
  a.field("environmentRef", spec.environment_ref);
  a.field("tenantRef", spec.tenant_ref);
  a.field("targetRef", spec.target_ref);
  a.field("tenantDeployment", spec.tenant_deployment);
  a.field("release", spec.release);
  a.field("version", spec.version);
  a.field("digest", spec.digest);
  a.field("hold", spec.hold);
}

template <class A>
void fields(A& a, Ref<A, HistoryEntry> entry) {
  a.always("version", entry.version);
  a.field("digest", entry.digest);
  a.always("attempt", entry.attempt);
  a.always("phase", entry.phase);
  a.field("finishedAt", entry.finished_at);
  a.field("generation", entry.generation);
}

template <class A>
void fields(A& a, Ref<A, InstallationStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.field("actualRelease", status.actual_release);
  a.field("actualDigest", status.actual_digest);
  a.field("previousGoodRelease", status.previous_good_release);
  a.field("previousGoodDigest", status.previous_good_digest);
  a.always("action", status.action);
  a.field("task", status.task);
  a.always("attempts", status.attempts);
  a.field("blockedBy", status.blocked_by);
  a.field("history", status.history);
  a.field("conditions", status.conditions);
}

template void fields<Reader>(Reader&, BlockedBy&);
template void fields<Writer>(Writer&, const BlockedBy&);

TIDELOCK_CODEC(Installation);
TIDELOCK_STATUS_CODEC(Installation);

}  // namespace tidelock::api
