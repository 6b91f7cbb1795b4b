// SPDX-License-Identifier: Apache-2.0
// The status of every object that the planner writes (semantics.md §10). Pure; when to write is
// paced.h's business.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "controller/planner/admission.h"
#include "controller/planner/decision.h"
#include "controller/planner/facts.h"

namespace tidelock::planner {

enum class PairState { Ready, Updating, Waiting, Failed, Held };

// Where a pair stands, for counts.
PairState pair_state(const Wish& wish, Progress progress, const Decision& decision,
                     const api::DeploymentTask* task);

// `wished` is the digest that its deployment wishes for, null = nobody does; `base` is that of the decision.
api::InstallationStatus installation_status(const api::Installation& installation, const std::string* wished,
                                            const Decision& decision, api::InstallationStatus base,
                                            const api::DeploymentTask* task,
                                            std::vector<api::BlockedBy> blocked_by, TimePoint now);

struct PairCounts {
  int desired = 0;
  std::map<PairState, int> states;
  std::set<std::string> failed;                  // installations
  std::set<std::string> unreachable;             // left out by the rollout
  std::map<std::string, std::string> conflicts;  // installation → the deployment that keeps it
  int count(PairState state) const {
    const auto place = states.find(state);
    return place == states.end() ? 0 : place->second;
  }
  bool quiet() const { return count(PairState::Updating) == 0 && count(PairState::Waiting) == 0; }
};

// `stalled` is the reason why its rollout does not go on by itself, empty = it does.
api::TenantDeploymentStatus deployment_status(const api::TenantDeployment& deployment,
                                              const Expansion& expansion, const PairCounts& counts,
                                              const std::string& stalled, TimePoint now);

// Of a rollout that is not the newest wish of its deployment.
api::RolloutStatus left_rollout_status(const api::Rollout& rollout, TimePoint now);

std::optional<api::ProjectStatus> project_status(const api::Project& project, TimePoint now);

api::LockGroupStatus lock_group_status(const Facts& facts, const api::LockGroup& group,
                                       const std::map<std::string, Admission::View>& locks);
api::ConcurrencyBudgetStatus budget_status(const api::ConcurrencyBudget& budget,
                                           Admission::Usage usage);

}  // namespace tidelock::planner
