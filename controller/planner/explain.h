// SPDX-License-Identifier: Apache-2.0
// Why a task does not move, as the one record of semantics.md §8. Pure.
#pragma once

#include <optional>

#include "controller/planner/admission.h"
#include "controller/planner/facts.h"

namespace tidelock::planner {

// "waits for Lock target/web-01/slots (position 3), held by … step 1 since 2026-01-01T00:01:00Z".
api::BlockedBy explain(const Facts& facts, const Obstacle& obstacle, TimePoint since);

// "Environment production": the first of these that is paused; empty = none is.
std::string who_pauses(const Facts& facts, const std::string& deployment, const std::string& rollout,
                       const std::string& environment, const std::string& project);

// What keeps an unstarted task from being a candidate: a pause, a missing or unreachable target.
// Its time of the start of the wait is `since`.
std::optional<api::BlockedBy> start_gate(const Facts& facts, const api::DeploymentTask& task);

// A started task that may not go on yet: Orphaned or retry backoff.
std::optional<api::BlockedBy> started_gate(const api::DeploymentTask& task, TimePoint now);

}  // namespace tidelock::planner
