// SPDX-License-Identifier: Apache-2.0
// Codecs of the core kinds that Tidelock itself uses.
#include "controller/api/codec_kind.h"
#include "controller/base/digest.h"

namespace tidelock::api {
namespace {

void secret_data(Reader& a, TextMap& data) {
  a.field("data", data);
  for (auto& [key, value] : data) {
    auto decoded = base64_decode(value);
    if (decoded) {
      value = std::move(*decoded);
    } else {
      // The value itself stays out of the message.
      a.object("data", [&](Reader& inner) { inner.wrong_hidden(key, decoded.error().message); });
    }
  }
}

void secret_data(Writer& a, const TextMap& data) {
  TextMap encoded;
  for (const auto& [key, value] : data) encoded[key] = base64_encode(value);
  a.field("data", encoded);
}

}  // namespace

template <class A>
void body(A& a, Ref<A, Secret> secret) {
  a.field("type", secret.type);
  secret_data(a, secret.data);
}

template <class A>
void body(A& a, Ref<A, Lease> lease) {
  a.object("spec", [&](A& spec) {
    spec.field("holderIdentity", lease.holder_identity);
    spec.always("leaseDurationSeconds", lease.lease_duration_seconds);
    spec.field("acquireTime", lease.acquire_time);
    spec.field("renewTime", lease.renew_time);
    spec.field("leaseTransitions", lease.lease_transitions);
  });
}

template <class A>
void body(A& a, Ref<A, Event> event) {
  a.object("involvedObject", [&](A& object) {
    object.field("apiVersion", event.involved_api_version);
    object.field("kind", event.involved_kind);
    object.field("namespace", event.involved_ns);
    object.field("name", event.involved_name);
    object.field("uid", event.involved_uid);
  });
  a.field("reason", event.reason);
  a.field("message", event.message);
  a.field("type", event.type);
  a.object("source", [&](A& source) { source.field("component", event.source_component); });
  a.seconds("firstTimestamp", event.first_timestamp);
  a.seconds("lastTimestamp", event.last_timestamp);
  a.always("count", event.count);
}

TIDELOCK_CODEC(Secret);
TIDELOCK_CODEC(Lease);
TIDELOCK_CODEC(Event);

}  // namespace tidelock::api
