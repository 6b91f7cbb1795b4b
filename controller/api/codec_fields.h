// SPDX-License-Identifier: Apache-2.0
// Internal to the codecs: the field lists that more than one codec file needs.
#pragma once

#include "controller/api/field_io.h"
#include "controller/api/kinds.h"

namespace tidelock::api {

// codec_meta.cc
template <class A>
void fields(A& a, Ref<A, ObjectMeta> meta);
template <class A>
void fields(A& a, Ref<A, Condition> condition);
template <class A>
void fields(A& a, Ref<A, LocalReference> reference);
template <class A>
void fields(A& a, Ref<A, LabelSelector> selector);

// codec_process.cc
template <class A>
void fields(A& a, Ref<A, SecretKeyReference> reference);
template <class A>
void fields(A& a, Ref<A, Variable> variable);
template <class A>
void fields(A& a, Ref<A, Package> package);
template <class A>
void fields(A& a, Ref<A, Step> step);
template <class A>
void fields(A& a, Ref<A, HealthCheck> check);
template <class A>
void fields(A& a, Ref<A, Process> process);

// codec_deployment.cc
template <class A>
void fields(A& a, Ref<A, RolloutStrategy> strategy);

// codec_lock.cc
template <class A>
void fields(A& a, Ref<A, PairSelector> selector);

// codec_installation.cc
template <class A>
void fields(A& a, Ref<A, BlockedBy> blocked);

// observedGeneration: -1 = absent.
template <class A>
void observed_generation(A& a, Ref<A, std::int64_t> generation) {
  a.field("observedGeneration", generation, -1);
}

}  // namespace tidelock::api
