// SPDX-License-Identifier: Apache-2.0
// From a TenantDeployment to its pairs, each with the release that it is to have (semantics.md §1).
// Pure.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "controller/planner/facts.h"

namespace tidelock::planner {

struct ReleaseChoice {
  std::string release;  // name
  std::string version;
  std::string digest;  // empty: not yet snapshotted, or a problem
  std::optional<Problem> problem;
  bool operator==(const ReleaseChoice&) const = default;
};

struct Wish {
  std::string project, environment, tenant, target;  // tenant: empty = untenanted
  std::string deployment;                            // name of the TenantDeployment
  std::string rollout;                               // name; empty while no release is known
  ReleaseChoice choice;
  int wave = 0;      // of its rollout; -1 = none takes it
  int rank = 0;      // among those of its wave that ask at the same time; lesser first
  std::string hold;  // the ReleaseHold that keeps it off `choice`; empty = none
  bool operator==(const Wish&) const = default;
};

struct Expansion {
  ReleaseChoice main;                  // without pins
  std::map<std::string, Wish> wishes;  // by installation name
  std::vector<std::string> waves;      // names
  std::vector<std::string> unmatched;  // installations that no wave takes
  std::string ambiguous;               // one that two waves would take; empty = none
};

// "<deployment>-<short digest>".
std::string rollout_name(const std::string& deployment, const std::string& digest);

// The Project or Environment that a deployment names and that does not exist.
std::optional<Problem> missing_objects(const Facts& facts, const api::TenantDeployment& deployment);

Expansion expand(const Facts& facts, const api::TenantDeployment& deployment);

// The strategy that applies to a rollout: its own copy, else the deployment's.
const api::RolloutStrategy& strategy_of(const Facts& facts, const std::string& rollout,
                                        const std::string& deployment);

// Of two TenantDeployments that claim one pair, the one that keeps it.
bool claims_before(const api::TenantDeployment& a, const api::TenantDeployment& b);

// The digest and process snapshot that a Release is to have; nullopt when it has them, or cannot
// have them yet.
std::optional<api::ReleaseStatus> snapshot(const Facts& facts, const api::Release& release,
                                           TimePoint now);

// What the difference asks for. An empty digest = not installed, or to be removed.
api::Action difference(const std::string& actual_version, const std::string& actual_digest,
                       const std::string& desired_version, const std::string& desired_digest);

}  // namespace tidelock::planner
