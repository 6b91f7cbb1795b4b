// SPDX-License-Identifier: Apache-2.0
// Field lists of what all kinds share.
#include "controller/api/codec_fields.h"

namespace tidelock::api {
namespace {

void condition_status(Reader& a, Condition& condition) {
  std::string text;
  a.field("status", text);
  condition.status = text == "True";
  condition.unknown = text == "Unknown";
  if (!condition.status && !condition.unknown && text != "False" && !text.empty()) {
    a.wrong("status", "must be True, False or Unknown");
  }
}

void condition_status(Writer& a, const Condition& condition) {
  const char* text = condition.status ? "True" : "False";
  a.always("status", std::string(condition.unknown ? "Unknown" : text));
}

}  // namespace

template <class A>
void fields(A& a, Ref<A, OwnerReference> owner) {
  a.always("apiVersion", owner.api_version);
  a.always("kind", owner.kind);
  a.always("name", owner.name);
  a.always("uid", owner.uid);
  a.field("controller", owner.controller);
  a.field("blockOwnerDeletion", owner.block_owner_deletion);
}

template <class A>
void fields(A& a, Ref<A, ObjectMeta> meta) {
  a.field("name", meta.name);
  a.field("namespace", meta.ns);
  a.field("uid", meta.uid);
  a.field("resourceVersion", meta.resource_version);
  a.field("generation", meta.generation);
  a.seconds("creationTimestamp", meta.creation_timestamp);
  a.seconds("deletionTimestamp", meta.deletion_timestamp);
  a.field("labels", meta.labels);
  a.field("annotations", meta.annotations);
  a.field("finalizers", meta.finalizers);
  a.field("ownerReferences", meta.owner_references);
}

template <class A>
void fields(A& a, Ref<A, Condition> condition) {
  a.always("type", condition.type);
  condition_status(a, condition);
  a.always("reason", condition.reason);
  a.always("message", condition.message);
  a.seconds("lastTransitionTime", condition.last_transition_time);
  a.field("observedGeneration", condition.observed_generation);
}

template <class A>
void fields(A& a, Ref<A, LocalReference> reference) {
  a.field("name", reference.name);
}

template <class A>
void fields(A& a, Ref<A, LabelSelectorRequirement> requirement) {
  a.always("key", requirement.key);
  a.always("operator", requirement.op);
  a.field("values", requirement.values);
}

template <class A>
void fields(A& a, Ref<A, LabelSelector> selector) {
  a.field("matchLabels", selector.match_labels);
  a.field("matchExpressions", selector.match_expressions);
}

template void fields<Reader>(Reader&, ObjectMeta&);
template void fields<Writer>(Writer&, const ObjectMeta&);
template void fields<Reader>(Reader&, Condition&);
template void fields<Writer>(Writer&, const Condition&);
template void fields<Reader>(Reader&, LocalReference&);
template void fields<Writer>(Writer&, const LocalReference&);
template void fields<Reader>(Reader&, LabelSelector&);
template void fields<Writer>(Writer&, const LabelSelector&);

}  // namespace tidelock::api
