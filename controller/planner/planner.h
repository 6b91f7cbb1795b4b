// SPDX-License-Identifier: Apache-2.0
// The planner of one namespace: facts in, effects out (the Step/Ready form of etcd-io/raft).
//
// set()/remove() tell it what the API holds; plan(now) returns everything that should be written
// now and when to be called again at the latest. It does no I/O, reads no clock, and writes
// nothing: an effect has happened only when its result comes back as a fact. Calling plan() twice
// without new facts and with the same `now` returns the same effects. Same facts in any order, same
// effects.
//
// Incremental: one changed fact costs O(log n + what it affects). reference.h recomputes all from
// scratch; a test holds the two together. Rules: semantics.md. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "controller/api/kinds.h"

namespace tidelock::planner {

template <class T>
using Ptr = std::shared_ptr<const T>;

// ---- effects ----------------------------------------------------------------------------------
// Each names the object version it was planned on through `based_on` (metadata.resourceVersion), so
// that the writer can make the write conditional on it. Names are deterministic.

struct CreateInstallation {
  api::Installation object;
};
struct UpdateInstallation {
  std::string name;
  std::string based_on;
  api::InstallationSpec spec;
};
struct DeleteInstallation {
  std::string name;
  std::string uid;
  std::string based_on;
};
struct CreateRollout {
  api::Rollout object;
};
struct CreateHold {
  api::ReleaseHold object;
};
// What people said of an earlier run of the release: spec.acceptedFailures and spec.cancel go.
struct ResetRollout {
  std::string name;
  std::string based_on;
};
struct DeleteHold {
  std::string name;
  std::string uid;
};  // its release is not wished for any more
struct CreateTask {
  api::DeploymentTask object;
};
struct DeleteTask {
  std::string name;
  std::string uid;
};  // terminal and absorbed
struct CancelTask {
  std::string name;
  std::string based_on;
  api::TaskCancel cancel;
};
// The planner's part of a task's status: phase Running and a grant (also a parking one), or a
// terminal phase of a task that never started (Superseded, Cancelled).
struct GrantTask {
  std::string name;
  std::string based_on;
  api::TaskGrant grant;
};
struct EndTask {
  std::string name;
  std::string based_on;
  api::TaskPhase phase = api::TaskPhase::Superseded;
  std::string reason;
  std::string message;
  std::string superseded_by;
};
// Whole new status values; written only when they differ from the known ones.
struct ReleaseStatusChange {
  std::string name;
  std::string based_on;
  api::ReleaseStatus status;
};
struct ProjectStatusChange {
  std::string name;
  std::string based_on;
  api::ProjectStatus status;
};
struct TenantDeploymentStatusChange {
  std::string name;
  std::string based_on;
  api::TenantDeploymentStatus status;
};
struct RolloutStatusChange {
  std::string name;
  std::string based_on;
  api::RolloutStatus status;
};
struct InstallationStatusChange {
  std::string name;
  std::string based_on;
  api::InstallationStatus status;
};
struct WindowStatusChange {
  std::string name;
  std::string based_on;
  api::DeploymentWindowStatus status;
};
struct LockGroupStatusChange {
  std::string name;
  std::string based_on;
  api::LockGroupStatus status;
};
struct BudgetStatusChange {
  std::string name;
  std::string based_on;
  api::ConcurrencyBudgetStatus status;
};

using Effect =
    std::variant<CreateInstallation, UpdateInstallation, DeleteInstallation, CreateRollout,
                 ResetRollout, CreateHold, DeleteHold, CreateTask, DeleteTask, CancelTask, GrantTask, EndTask, ReleaseStatusChange,
                 ProjectStatusChange, TenantDeploymentStatusChange, RolloutStatusChange,
                 InstallationStatusChange, WindowStatusChange, LockGroupStatusChange, BudgetStatusChange>;

struct Effects {
  // To be written in any order, all at once; grants and ends first in the list, then the rest.
  std::vector<Effect> effects;
  TimePoint next = kNever;  // call plan() again then, at the latest
  bool left_out = false;    // there are more than were asked for
};

// ---- questions --------------------------------------------------------------------------------

// One row of the plan (§9).
struct PlanRow {
  std::string installation;
  std::string project, environment, tenant, target;
  api::Action action = api::Action::None;
  std::string from, to;  // versions; empty = none
  std::string digest;      // of `to`; empty = none, or not known yet
  std::string deployment;  // TenantDeployment that wishes for it, or did; empty = none
  std::string wave;      // empty while a rollout is one wave of everything
  int order = 0;         // 1 = first
  std::vector<api::BlockedBy> blocked_by;
  bool operator==(const PlanRow&) const = default;
};

struct LockHolder {
  std::string task;
  std::string step;     // name; empty = deployment level
  int step_number = 0;  // 1-based; 0 = deployment level
  api::LockMode mode = api::LockMode::Exclusive;
  int units = 1;
  TimePoint since;
};
struct LockWaiter {
  std::string task;
  int position = 0;
  TimePoint since;
};
struct LockView {
  std::string instance;
  std::optional<int> capacity;
  std::string group;  // empty = implicit
  std::vector<LockHolder> holders;
  std::vector<LockWaiter> waiters;  // in queue order
};

// Removals of a TenantDeployment that are more at once than its deletionGuard allows. They wait until its
// annotation holds their hash.
inline constexpr const char* kConfirmRemoval = "tidelock.dev/confirm-removal";
struct MassRemoval {
  std::vector<std::string> installations;  // to be removed
  int pairs = 0;                           // all that it has
  int allowed = 0;
  std::string hash;  // of `installations`
  bool confirmed = false;
};

struct Options {
  std::int64_t epoch = 1;  // of fences; higher at each start
  api::Fence after{};      // fences are higher than this one, too
  std::size_t status_waiters_max =
      20;  // waiters whose holder and position are kept fresh in status
};

// How often something was looked at anew: what bounds the cost of a change.
struct Looks {
  std::int64_t pairs = 0, rollouts = 0, statuses = 0, deployments = 0, members = 0;
  bool operator==(const Looks&) const = default;
};

class Planner {
 public:
  explicit Planner(Options options);
  ~Planner();
  Planner(Planner&&) noexcept;

  // An object of the namespace as the API holds it now. The older version is replaced.
  void set(Ptr<api::Project>);
  void set(Ptr<api::Release>);
  void set(Ptr<api::Environment>);
  void set(Ptr<api::Tenant>);
  void set(Ptr<api::Target>);
  void set(Ptr<api::LockGroup>);
  void set(Ptr<api::ConcurrencyBudget>);
  void set(Ptr<api::TenantDeployment>);
  void set(Ptr<api::Rollout>);
  void set(Ptr<api::Installation>);
  void set(Ptr<api::DeploymentTask>);
  void set(Ptr<api::DeploymentWindow>);
  void set(Ptr<api::Approval>);
  void set(Ptr<api::ReleaseHold>);
  // `kind` is "Project", "Release", …
  void remove(const std::string& kind, const std::string& name);

  // About `max` effects at most, but all grants and ends: the others come when these have become facts.
  Effects plan(TimePoint now, std::size_t max = static_cast<std::size_t>(-1));
  api::Fence fence() const;  // the highest known: given by this planner, or seen
  Looks looks() const;       // since it was made

  // Facts as they are, without effects applied. Sorted by order, then by name.
  std::vector<PlanRow> rows(TimePoint now);
  // What rows of each TenantDeployment follow: its rollout's copy, else what its next one will have.
  std::map<std::string, api::RolloutStrategy> strategies(TimePoint now);
  std::vector<api::BlockedBy> why(const std::string& installation, TimePoint now);
  std::optional<MassRemoval> mass_removal(const std::string& deployment, TimePoint now);
  std::vector<LockView> locks(TimePoint now);  // those that are held or waited for, by instance

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// "tenant-01.storefront.production.web-01"-like deterministic names that fit 253 characters (long
// ones are shortened with a digest); a task is "<installation>-<attempt>".
std::string installation_name(const std::string& project, const std::string& environment,
                              const std::string& tenant, const std::string& target);
std::string task_name(const std::string& installation, int attempt);

}  // namespace tidelock::planner
