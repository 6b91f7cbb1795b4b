// SPDX-License-Identifier: Apache-2.0
// Codecs of lock groups and concurrency budgets.
#include "controller/api/codec_kind.h"

namespace tidelock::api {

template <class A>
void fields(A& a, Ref<A, LockGroupSpec> spec) {
  a.field("scope", spec.scope);
  a.field("capacity", spec.capacity);
  a.field("granularity", spec.granularity, LockGranularity::Step);
  a.field("maxBypass", spec.max_bypass);
  a.field("waitTimeout", spec.wait_timeout);
}

template <class A>
void fields(A& a, Ref<A, LockHolderStatus> holder) {
  a.always("instance", holder.instance);
  a.always("task", holder.task);
  a.field("step", holder.step);
  a.always("mode", holder.mode);
  a.always("units", holder.units);
  a.field("since", holder.since);
}

template <class A>
void fields(A& a, Ref<A, LockWaiterStatus> waiter) {
  a.always("instance", waiter.instance);
  a.always("task", waiter.task);
  a.always("position", waiter.position);
  a.field("since", waiter.since);
}

template <class A>
void fields(A& a, Ref<A, LockGroupStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.always("holding", status.holding);
  a.always("waiting", status.waiting);
  a.field("holders", status.holders);
  a.field("waiters", status.waiters);
}

template <class A>
void fields(A& a, Ref<A, PairSelector> selector) {
  a.field("projects", selector.projects);
  a.field("environments", selector.environments);
  a.field("tenants", selector.tenants);
  a.field("targets", selector.targets);
}

template <class A>
void fields(A& a, Ref<A, ConcurrencyBudgetSpec> spec) {
  a.always("max", spec.max);
  a.field("selector", spec.selector);
}

template <class A>
void fields(A& a, Ref<A, ConcurrencyBudgetStatus> status) {
  observed_generation<A>(a, status.observed_generation);
  a.always("used", status.used);
  a.always("waiting", status.waiting);
}

template void fields<Reader>(Reader&, PairSelector&);
template void fields<Writer>(Writer&, const PairSelector&);

TIDELOCK_CODEC(LockGroup);
TIDELOCK_CODEC(ConcurrencyBudget);
TIDELOCK_STATUS_CODEC(LockGroup);
TIDELOCK_STATUS_CODEC(ConcurrencyBudget);

}  // namespace tidelock::api
