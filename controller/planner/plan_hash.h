// SPDX-License-Identifier: Apache-2.0
// SHA-256 over what a person agrees to: of a whole plan, and of one rollout. Pure; the same on
// every machine, for any order of the facts, and for every version that knows the same fields.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "controller/planner/member_tree.h"
#include "controller/planner/planner.h"

namespace tidelock::planner {

// "sha256:<hex>" of what `tidectl plan` shows.
//   In: of each row that changes something its pair, action, from, to, release digest, wave and
//   place (first, second, … among these rows); the strategy of each TenantDeployment that has such
//   a row. Out: rows without a change, times, and what a row waits for: these change while nobody
//   does anything.
// `strategies` is by TenantDeployment, as Planner::strategies() has it.
std::string plan_hash(std::vector<PlanRow> rows,
                      const std::map<std::string, api::RolloutStrategy>& strategies);

// "sha256:<hex>" of what an Approval speaks of: Rollout.status.planHash.
//   In: TenantDeployment, release digest, strategy (gates and waves are there), every member with
//   its wave and its release digest.
//   Out: what changes while the rollout goes on (actions, versions that are installed, order,
//   phases, counts, holds) and what a person does to it (paused, cancel, acceptedFailures,
//   priority): an approval must not become stale by itself. A pair that joins, leaves or changes
//   its wave makes another hash.
// It is made of two parts: all but the members, and MemberTree's sum of these, as their TenantDeployment wishes
// for them (holds and progress do not matter): the installation's name, the wave (empty while a rollout is one
// wave of everything), the digest of the release that it is to get (the rollout's, or that of its pin).
std::string rollout_head(const api::RolloutSpec& rollout);
std::string rollout_plan_hash(const std::string& head, const MemberTree::Sum& members);

}  // namespace tidelock::planner
