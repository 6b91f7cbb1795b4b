// SPDX-License-Identifier: Apache-2.0
// What a Planner keeps between two facts: the facts, what follows from them, and what is stale.
// Everything here can be rebuilt from the facts; only the pace of status writes is memory.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "controller/planner/admission.h"
#include "controller/planner/decision.h"
#include "controller/planner/explain.h"
#include "controller/planner/fact_index.h"
#include "controller/planner/facts.h"
#include "controller/planner/member_tree.h"
#include "controller/planner/pace.h"
#include "controller/planner/status.h"
#include "controller/planner/step_durations.h"
#include "controller/planner/task_state.h"
#include "controller/planner/windows.h"

namespace tidelock::planner {

// Corrections of drift have a lane of their own, so that they never crowd out rollouts.
inline constexpr const char* kCorrections = "drift/corrections";
inline constexpr int kCorrectionsAtOnce = 4;

// Names with the time at which they have to be looked at again.
class Timers {
 public:
  void set(const std::string& name, TimePoint at);  // kNever = clear
  std::set<std::string> take_due(TimePoint now);
  TimePoint next() const { return by_time_.empty() ? kNever : by_time_.begin()->first; }

 private:
  std::map<std::string, TimePoint> by_name_;
  std::set<std::pair<TimePoint, std::string>> by_time_;
};

inline bool is_end(const Effect& effect) {
  return std::holds_alternative<EndTask>(effect) || std::holds_alternative<CancelTask>(effect);
}

// Where a pair is counted.
struct PairPlace {
  const std::string* deployment = nullptr;  // in deployment_names; null = nowhere
  PairState state = PairState::Waiting;
  int wave = 0;
  Progress progress = Progress::Waiting;
  bool moving = false;    // under a hold
  bool windowed = false;  // waits for a DeploymentWindow
  TimePoint succeeded_at;  // of Succeeded, in a wave where it matters; else zero
  bool operator==(const PairPlace&) const = default;
};
// A decision as it is kept: that of a pair at rest takes no room, since its installation says it all; that of
// many pairs that wait for the same is kept once.
class KeptDecision {
  struct Kept {
    Decision decision;
    bool based = false;  // `base` is what the installation says, and left out
  };

 public:
  // What pairs were told of late.
  class Recent {
   private:
    friend class KeptDecision;
    static constexpr std::size_t kMax = 8;
    std::array<std::shared_ptr<const Kept>, kMax> all_;
    std::size_t next_ = 0;
  };

  // `installation` is what was decided on; null = there was none.
  void keep(Decision decision, const api::Installation* installation, Recent& recent);
  // Maybe without base, and without digest for a pair at rest.
  const Decision* operator->() const { return kept_ ? &kept_->decision : &plain(); }
  api::InstallationStatus base(const api::Installation& installation) const;
  // In full, for the same installation.
  Decision whole(const api::Installation* installation) const;

 private:
  static const Decision& plain();
  std::shared_ptr<const Kept> kept_;
};

struct PairEntry {
  KeptDecision decision;
  const std::string* claimer = nullptr;  // a deployment that expands to it, in deployment_names
  PairPlace place;
};

// The newest rollout of a deployment.
struct RolloutBook {
  std::vector<WaveCounts> waves;
  std::vector<std::map<TimePoint, int>> successes;  // by wave: when its pairs succeeded
  int held_moving = 0;
  int windowed = 0;
  std::string plan_hash;  // empty = to be computed, from:
  std::string head;       // empty = to be computed, and the members, too
  MemberTree members;     // names in pairs
  std::string rollout;    // that `outcome` is about; empty = none
  RolloutOutcome outcome;
};

struct Stale {
  std::set<std::string> releases;
  std::set<std::string> deployments;    // to be expanded
  std::map<std::string, Pairs> members;  // by deployment: of others, pairs to be expanded
  std::set<std::string> installations;  // to be decided
  // Statuses to be computed.
  std::set<std::string> projects, deployment_status, rollouts, installation_status, lock_groups,
      budgets, windows;
};

// Which objects speak of one, by its name.
struct Speakers {
  Grouped approvals;  // by rollout
  Grouped holds, rollouts;  // by deployment
  Grouped deployments_of_project, deployments_of_environment, releases;
  Grouped live_tasks;  // unfinished, by rollout
};

struct Planner::State {
  explicit State(Options given);

  Options options;
  Facts facts;
  FactIndex index;
  Speakers speakers;
  Groups strays;  // installations of deployments that do not wish for them, or not as first
  Admission admission;
  Stale stale;
  Windows windows;

  std::map<std::string, api::ReleaseStatus> snapshots;
  std::map<std::string, Expansion> expansions;          // by deployment
  std::set<std::string> deployment_names;               // that were ever told; never erased
  // Installation → deployments, of those that more than one expands to; else see PairEntry::claimer.
  std::map<std::string, std::set<std::string>> claims;
  std::map<std::string, PairCounts> counts;             // by deployment
  std::map<std::string, RolloutBook> books;             // by deployment
  std::map<std::string, PairEntry> pairs;               // by installation
  KeptDecision::Recent recent;
  std::set<std::string> acting, ending;                 // installations whose decision has effects: others, ends
  NameSet taskless;                                     // installations for which no task is made; in pairs
  std::map<std::string, CreateRollout> new_rollouts;    // by deployment
  Groups removals;                                         // by deployment: asked for, without a task
  std::map<std::string, WaveOpening> removal_guards;       // by deployment: too many of them
  std::set<std::string> guards_to_check;                   // deployments
  std::map<std::string, ResetRollout> resets;           // by rollout
  std::map<std::string, CreateHold> new_holds;          // by deployment
  std::map<std::string, DeleteHold> old_holds;          // by hold
  Timers look_at_rollout;                               // rollouts
  std::map<std::string, std::map<std::string, TimePoint>> starts;  // by rollout: task → first grant
  Timers decide_again;                                  // installations
  Timers lock_waits;                                    // tasks: end of waitTimeout
  std::map<std::string, std::string> timed_out;         // task → message
  std::map<std::string, TimePoint> candidate_since;
  StepDurations durations;
  std::map<std::string, std::string> by_work;               // waiting tasks ordered by it → project
  std::map<std::string, api::BlockedBy> gates;              // tasks that are no candidates
  std::set<std::string> must_park;                          // at a boundary, in a retry backoff
  std::map<std::string, GrantTask> grants;                  // outstanding, by task
  std::set<std::string> early_grants;                       // tasks: on slots that are still to be given up
  std::map<std::string, std::vector<api::StepWait>> waits;  // of waiting tasks, the last one open
  api::Fence fence;                                         // highest known
  Looks looks;

  Pace<api::TenantDeploymentStatus> deployment_pace;
  Pace<api::RolloutStatus> rollout_pace;
  Pace<api::InstallationStatus> installation_pace;
  Pace<api::LockGroupStatus> lock_group_pace;
  Pace<api::ConcurrencyBudgetStatus> budget_pace;
  TimePoint lock_groups_due = kNever;  // those that are stale and may not be written yet
  std::map<std::string, api::ProjectStatus> project_statuses;
  std::map<std::string, api::DeploymentWindowStatus> window_statuses;

  // planner.cc
  LockRules rules_of(const std::string& instance) const;
  void advance(TimePoint now);
  void advance_windows(TimePoint now);
  WindowVerdict window_verdict(const api::DeploymentTask& task);

  // planner_facts.cc
  void unindex(const api::DeploymentTask& task);
  void stale_pairs(const FactIndex::Names& names);
  void stale_pairs_of(const std::string& deployment);
  void stale_member(const std::string& deployment, const std::string& tenant, const std::string& target);
  void project_changed(const std::string& name);
  void environment_changed(const std::string& name);
  void deployment_changed(const std::string& name, const api::TenantDeployment* old, const api::TenantDeployment* now);
  // Null: it was, it is not of a deployment.
  void rollout_changed(const std::string& name, const std::string* old, const std::string* now);
  void tenant_changed(const std::string& name, const api::Tenant* old, const api::Tenant* now);
  void target_changed(const std::string& name, const api::Target* old, const api::Target* now);
  void stale_pairs_with_tasks();
  void stale_where_unresolved();

  // planner_pairs.cc
  Holds holds_of(const std::string& deployment) const;
  void snapshot_releases(TimePoint now);
  void expand_deployments();
  void expand_deployment(const std::string& name);
  void expand_members(const std::string& name, const Pairs& pairs);
  const std::string* intern(const std::string& installation);
  void replace_claims(const std::string& deployment, const Expansion& expansion);
  bool add_claim(const std::string& installation, const std::string& deployment);
  void drop_claim(const std::string& installation, const std::string& deployment);
  const api::TenantDeployment* owner_of(const std::set<std::string>& claimers) const;
  std::set<std::string> claimers_of(const std::string& installation) const;
  void update_conflicts(const std::string& installation);
  void plan_rollout(const std::string& deployment);
  const Expansion* expansion_of(const std::string& installation) const;
  std::optional<Wish> wish_of(const std::string& installation) const;
  void decide_pairs(TimePoint now);
  void decide_pair(const std::string& installation, TimePoint now);
  void note_effects(const std::string& installation, const Decision& decision);
  void cancel_outside_window(Decision& decision);
  void count_pair(const std::string& installation, const PairPlace& place);

  // planner_guards.cc
  void note_passing(const api::Installation* before, const api::Installation* after);
  void stale_where_promoted(const api::InstallationSpec& spec);
  std::optional<api::BlockedBy> promotion_gate(const Wish& wish, TimePoint now, TimePoint& due) const;
  bool has_passed(const std::string& installation, const std::string& digest, TimePoint now,
                  const api::PromotionSpec& promotion, TimePoint& due) const;
  void note_removal(const std::string& installation, const std::string& deployment, bool wanted);
  std::optional<MassRemoval> mass_removal(const std::string& deployment) const;
  void guard_removals();

  // planner_rollouts.cc
  const std::string* wave_of(const Wish& wish) const;
  std::string window_name(const Wish& wish) const;
  std::string wave_name(const Wish& wish) const;  // empty where a rollout is one wave of everything
  std::string current_rollout(const std::string& deployment) const;
  const WaveOpening* opening_of(const Wish& wish) const;
  const WaveOpening* opening_of_window(const std::string& window) const;
  void advance_rollouts(TimePoint now);
  void advance_rollout_of(const std::string& deployment, const api::Rollout& rollout, TimePoint now);
  void take_outcome(const std::string& deployment, const api::Rollout& rollout, RolloutOutcome outcome);
  std::string hash_of(const std::string& deployment, const api::Rollout& rollout);
  void update_holds(const std::string& deployment);
  void note_start(const api::DeploymentTask& task, bool exists);
  RecentStarts recent_starts(const std::string& rollout, TimePoint now);

  // planner_admit.cc
  // `wish` is that of its installation; null = none.
  TimePoint update_request(const api::DeploymentTask& task, const Wish* wish, const Decision& decision,
                           TimePoint now);
  std::optional<api::BlockedBy> window_gate(const api::DeploymentTask& task);
  void order_by_work(const api::DeploymentTask& task, const TaskView& view, Request& request);
  void reorder_by_work();
  void forget_task(const std::string& task);
  void admit(TimePoint now);
  void expire_lock_waits(TimePoint now);
  void compose_grants(const std::vector<std::string>& granted, TimePoint now);
  void compose_grant(const std::string& task, bool park, TimePoint now);
  void record_wait(const std::string& task, const api::BlockedBy& blocked, TimePoint now);
  api::BlockedBy explain_wait(const api::DeploymentTask& task, const Obstacle& obstacle) const;
  std::vector<api::BlockedBy> why_task(const std::string& task, std::size_t position_max) const;
  std::vector<api::BlockedBy> why_pair(const PairEntry& pair, std::size_t position_max) const;

  // planner_status.cc
  void refresh_statuses(TimePoint now);
  void refresh_lock_groups(TimePoint now);
  void refresh_installation(const std::string& name, TimePoint now);
  void emit_statuses(TimePoint now, std::size_t max, Effects& effects);
  void emit_grants_and_ends(Effects& effects) const;
  void emit_objects(std::size_t max, Effects& effects) const;
};

}  // namespace tidelock::planner
