// SPDX-License-Identifier: Apache-2.0
// The kinds of tidelock.dev/v1alpha1 as plain structs. crd/ holds the same kinds as schemas; a test
// keeps the two equal. Enums are spelled in JSON as here. Durations are JSON strings ("30s").
#pragma once

#include "controller/api/meta.h"
#include "controller/api/process.h"

namespace tidelock::api {

inline constexpr const char* kGroup = "tidelock.dev";
inline constexpr const char* kVersion = "v1alpha1";
inline constexpr const char* kApiVersion = "tidelock.dev/v1alpha1";

// ---- what users write -------------------------------------------------------------------------

enum class DriftMode { Never, Report, Correct, CorrectInWindow };
// What happens when a target no longer has what was installed there.
struct DriftSpec {
  DriftMode mode = DriftMode::Report;
  int max_corrections = 3;  // of a pair per hour
  bool operator==(const DriftSpec&) const = default;
};
struct ProjectSpec {
  Process process;  // its fields stand directly in spec
  int retention_releases = 3;  // JSON: retention.releases; release folders kept per pair, ≥ 1
  DriftSpec drift;
  bool paused = false;
  bool operator==(const ProjectSpec&) const = default;
};
struct ProjectStatus {
  std::int64_t observed_generation = -1;
  std::vector<Condition> conditions;  // Ready
  bool operator==(const ProjectStatus&) const = default;
};
struct Project {
  ObjectMeta metadata;
  ProjectSpec spec;
  ProjectStatus status;
};

struct ReleaseSpec {
  LocalReference project_ref;
  std::string version;  // semver
  std::vector<Package> packages;
  std::string notes;
  bool operator==(const ReleaseSpec&) const = default;
};
struct ReleaseStatus {
  std::int64_t observed_generation = -1;
  std::optional<Process> process;  // the project's, when the release was first seen
  std::string digest;              // "sha256:<64 hex>" of project, version, packages and process
  std::vector<Condition> conditions;
  bool operator==(const ReleaseStatus&) const = default;
};
struct Release {
  ObjectMeta metadata;
  ReleaseSpec spec;
  ReleaseStatus status;
};

// A whole number, or a share of a count that is known later. JSON: 10 or "25%".
struct IntOrPercent {
  int value = 0;
  bool percent = false;
  bool operator==(const IntOrPercent&) const = default;
};

// A tenant is admitted to this environment only after its own pairs of the same project in `from`
// have passed with the same release.
struct PromotionSpec {
  std::string from;        // Environment; empty = no promotion rule
  bool per_tenant = true;  // false: all tenants together
  std::optional<Duration> required_soak;      // since the last success in `from`
  std::optional<IntOrPercent> min_succeeded;  // of the pairs in `from`; ceils; absent = all
  bool operator==(const PromotionSpec&) const = default;
};
struct EnvironmentSpec {
  PromotionSpec promotion;
  std::vector<Variable> variables;
  bool paused = false;
  bool operator==(const EnvironmentSpec&) const = default;
};
struct Environment {
  ObjectMeta metadata;
  EnvironmentSpec spec;
};

struct TenantSpec {
  std::string display_name;
  std::vector<Variable> variables;
  bool paused = false;
  bool operator==(const TenantSpec&) const = default;
};
struct Tenant {
  ObjectMeta metadata;
  TenantSpec spec;
};

enum class Executor { Agent, Local, SSH, HTTP };

struct TargetSpec {
  std::vector<std::string> environments;
  LabelSelector tenants;  // whom it hosts; empty = everybody
  int max_concurrent = 1;
  std::string install_root;
  Executor executor = Executor::Agent;
  std::vector<Variable> variables;
  bool paused = false;
  bool operator==(const TargetSpec&) const = default;
};
struct TargetStatus {
  std::int64_t observed_generation = -1;
  std::string agent_version;
  std::string agent_instance;  // uid of the agent process that serves the target
  std::optional<TimePoint> last_heartbeat;
  std::string public_key;  // base64 X25519; values for this target are sealed to it
  std::vector<Condition> conditions;  // Ready
  bool operator==(const TargetStatus&) const = default;
};
struct Target {
  ObjectMeta metadata;
  TargetSpec spec;
  TargetStatus status;
};

enum class LockScope { Global, Environment, Target, Tenant };
enum class LockGranularity { Deployment, Step };

struct LockGroupSpec {
  LockScope scope = LockScope::Global;
  std::optional<int> capacity;  // absent = unbounded
  LockGranularity granularity = LockGranularity::Step;
  int max_bypass = 0;
  std::optional<Duration> wait_timeout;
  bool operator==(const LockGroupSpec&) const = default;
};
struct LockHolderStatus {
  std::string instance;  // "target/web-01/central-config"
  std::string task;
  std::string step;  // empty = deployment level
  LockMode mode = LockMode::Exclusive;
  int units = 1;
  TimePoint since;
  bool operator==(const LockHolderStatus&) const = default;
};
struct LockWaiterStatus {
  std::string instance;
  std::string task;
  int position = 0;  // 1 = next
  TimePoint since;
  bool operator==(const LockWaiterStatus&) const = default;
};
struct LockGroupStatus {
  std::int64_t observed_generation = -1;
  int holding = 0;
  int waiting = 0;
  std::vector<LockHolderStatus> holders;  // at most limits::kStatusNamesMax
  std::vector<LockWaiterStatus> waiters;  // at most limits::kStatusNamesMax, in queue order
  bool operator==(const LockGroupStatus&) const = default;
};
struct LockGroup {
  ObjectMeta metadata;
  LockGroupSpec spec;
  LockGroupStatus status;
};

// Which pairs a budget or a window speaks of.
struct PairSelector {
  std::vector<std::string> projects;      // names; empty = all
  std::vector<std::string> environments;  // names; empty = all
  LabelSelector tenants;
  LabelSelector targets;
  bool operator==(const PairSelector&) const = default;
};
struct ConcurrencyBudgetSpec {
  int max = 1;
  PairSelector selector;
  bool operator==(const ConcurrencyBudgetSpec&) const = default;
};
struct ConcurrencyBudgetStatus {
  std::int64_t observed_generation = -1;
  int used = 0;
  int waiting = 0;
  bool operator==(const ConcurrencyBudgetStatus&) const = default;
};
struct ConcurrencyBudget {
  ObjectMeta metadata;
  ConcurrencyBudgetSpec spec;
  ConcurrencyBudgetStatus status;
};

struct ReleaseSelector {
  std::string version;  // exactly one of the two
  std::string range;    // npm-style semver range, e.g. "~1.4"
  bool operator==(const ReleaseSelector&) const = default;
};
struct Pin {
  std::string tenant;
  std::string target;  // empty = every target
  std::string version;
  bool operator==(const Pin&) const = default;
};
enum class Supersede { FinishInFlight, StopAtStepBoundary };
struct TaskRetry {
  int limit = 0;  // further attempts of a pair after the first
  Duration backoff_initial = std::chrono::seconds(30);
  int backoff_factor = 2;
  Duration backoff_max = std::chrono::minutes(10);
  bool operator==(const TaskRetry&) const = default;
};
// A person's word before a wave starts or after it is done (kind Approval).
struct GateSpec {
  std::string approval;  // name of the gate; JSON: approval.name, approval.required, …
  int required = 1;      // distinct approvers
  std::optional<Duration> expires_after;  // of each approval, from its creation
  bool operator==(const GateSpec&) const = default;
};
// Absent limits are those of the strategy.
struct WaveSpec {
  std::string name;
  std::optional<LabelSelector> tenants;  // neither tenants nor targets: what no earlier wave took
  std::optional<LabelSelector> targets;
  std::optional<IntOrPercent> concurrency;
  std::optional<IntOrPercent> max_failures;
  std::optional<IntOrPercent> min_succeeded;
  std::optional<Duration> min_healthy;
  std::optional<Duration> soak;
  std::vector<IntOrPercent> steps;  // the ramp; the last one repeats
  std::vector<GateSpec> before;
  std::vector<GateSpec> after;
  bool operator==(const WaveSpec&) const = default;
};
enum class OnFailure { Pause, Stop, Continue, RollbackWave, RollbackAll };
enum class UnreachablePolicy { Wait, Skip, Fail };
struct Unreachable {
  UnreachablePolicy policy = UnreachablePolicy::Wait;
  Duration after = std::chrono::minutes(2);  // that long before Skip or Fail
  std::optional<IntOrPercent> max;  // of the wave; more are failures; floors; absent = no bound
  bool catch_up = true;             // skipped pairs go when they are back
  bool operator==(const Unreachable&) const = default;
};
enum class MembersAdded { JoinWave, NextRollout };
enum class MembersRemoved { Skip };
struct Membership {
  MembersAdded added = MembersAdded::JoinWave;
  MembersRemoved removed = MembersRemoved::Skip;
  bool operator==(const Membership&) const = default;
};
struct RolloutOrder {
  std::vector<std::string> by;  // label keys of tenants, else of targets: lesser values first
  std::string spread_by;        // label key: values take turns
  bool operator==(const RolloutOrder&) const = default;
};
// semantics.md §4. Limits here are those of waves that set none of their own.
struct RolloutStrategy {
  std::optional<IntOrPercent> concurrency;    // pairs of a wave at once; absent = unlimited
  std::optional<int> max_in_flight;           // started tasks of a wave; absent = concurrency
  std::optional<IntOrPercent> max_failures;   // absent = failures never stop it
  std::optional<IntOrPercent> min_succeeded;  // absent = 1
  std::optional<Duration> min_healthy;
  std::optional<Duration> soak;
  std::vector<IntOrPercent> steps;
  std::vector<WaveSpec> waves;  // empty = one wave of everything
  RolloutOrder order;
  std::optional<int> max_starts_per_minute;  // JSON: pacing.maxStartsPerMinute
  std::optional<Duration> task_timeout;      // execution time of a task
  std::optional<Duration> progress_deadline;
  TaskRetry retry;
  OnFailure on_failure = OnFailure::Pause;
  Unreachable unreachable;
  Membership membership;
  Supersede supersede = Supersede::FinishInFlight;
  bool operator==(const RolloutStrategy&) const = default;
};
// A plan that removes more than this waits until a person confirms it by its hash.
struct DeletionGuard {
  IntOrPercent max{10, true};  // of the pairs that there are; floors
  int min = 5;                 // so many are always allowed
  bool operator==(const DeletionGuard&) const = default;
};
struct TenantDeploymentSpec {
  LocalReference project_ref;
  LocalReference environment_ref;
  ReleaseSelector release;
  std::optional<LabelSelector> tenants;  // absent with untenanted
  bool untenanted = false;
  LabelSelector targets;
  std::vector<Pin> pins;
  RolloutStrategy rollout;
  int priority = 0;
  bool paused = false;
  DeletionGuard deletion_guard;
  bool operator==(const TenantDeploymentSpec&) const = default;
};
struct TenantDeploymentStatus {
  std::int64_t observed_generation = -1;
  std::string version;  // the release that is wished for now
  std::string rollout;  // name of the newest Rollout
  int desired = 0;
  int ready = 0;
  int updating = 0;
  int waiting = 0;
  int failed = 0;
  std::vector<Condition> conditions;  // Ready, Reconciling, Stalled
  bool operator==(const TenantDeploymentStatus&) const = default;
};
struct TenantDeployment {
  ObjectMeta metadata;
  TenantDeploymentSpec spec;
  TenantDeploymentStatus status;
};

enum class WindowKind { Allow, Deny };
enum class WindowInFlight { Finish, Cancel };
struct DeploymentWindowSpec {
  WindowKind kind = WindowKind::Allow;
  std::string schedule;   // cron, 5 fields: when it opens
  std::string time_zone;  // IANA name
  Duration duration{};    // how long it stays open
  PairSelector selector;
  std::optional<TimePoint> from, until;  // the window exists only then
  WindowInFlight in_flight = WindowInFlight::Finish;
  bool allow_rollback = true;  // rollbacks start at any time
  bool operator==(const DeploymentWindowSpec&) const = default;
};
struct DeploymentWindowStatus {
  std::int64_t observed_generation = -1;
  bool open = false;
  std::optional<TimePoint> next_change;
  bool operator==(const DeploymentWindowStatus&) const = default;
};
struct DeploymentWindow {
  ObjectMeta metadata;
  DeploymentWindowSpec spec;
  DeploymentWindowStatus status;
};

enum class ApprovalDecision { Approve, Reject };
// Immutable.
struct ApprovalSpec {
  LocalReference rollout_ref;
  std::string gate;
  std::string plan_hash;
  ApprovalDecision decision = ApprovalDecision::Approve;
  std::string reason;
  std::string approver;  // the authenticated user, stamped by the server
  bool operator==(const ApprovalSpec&) const = default;
};
struct Approval {
  ObjectMeta metadata;
  ApprovalSpec spec;
};

// Keeps pairs off a release that is wished for: each stays at its own previous good one. Ends when
// another release is wished for, or when a person deletes it.
struct ReleaseHoldSpec {
  LocalReference tenant_deployment_ref;
  std::string version;             // the release held off
  std::string digest;
  std::vector<std::string> waves;  // names; empty = all pairs
  std::string reason;
  bool operator==(const ReleaseHoldSpec&) const = default;
};
struct ReleaseHold {
  ObjectMeta metadata;
  ReleaseHoldSpec spec;
};

// ---- what the controller writes ---------------------------------------------------------------

enum class Action { None, Install, Upgrade, Downgrade, Redeploy, Rollback, Remove, Blocked };

// The one record of semantics.md §8. `holder` is a task that exists.
struct BlockedBy {
  std::string kind;  // Lock Budget InFlight Wave Window Approval Hold Pause Unreachable Pacing
                     // Backoff Orphaned MassRemoval (and Reference for what is missing)
  std::string name;  // lock instance, budget, target, …
  std::string holder;
  std::string holder_step;
  TimePoint since;
  std::optional<TimePoint> holder_since;
  std::optional<TimePoint> until;
  std::optional<int> position;  // 1 = next
  std::string message;
  bool operator==(const BlockedBy&) const = default;
};

struct RolloutSpec {
  LocalReference tenant_deployment_ref;
  std::string version;
  std::string digest;
  RolloutStrategy strategy;
  int priority = 0;
  bool paused = false;
  bool cancel = false;
  // Failures of each wave that a person has accepted: they do not count against maxFailures.
  std::map<std::string, int> accepted_failures;
  bool operator==(const RolloutSpec&) const = default;
};
enum class WavePhase { Pending, Running, Soaking, Gated, Succeeded, Failed, Skipped };
// The strategy's limits as numbers, fixed when the wave starts.
struct WaveResolved {
  int members = 0;                  // what the shares are shares of
  std::optional<int> concurrency;   // absent = unlimited
  std::optional<int> max_failures;  // absent = no bound
  std::optional<int> max_unreachable;
  int min_succeeded = 1;
  std::vector<int> steps;  // sizes of the ramp's steps that are known; the last one repeats
  bool operator==(const WaveResolved&) const = default;
};
struct WaveStatus {
  std::string name;
  WavePhase phase = WavePhase::Pending;
  int members = 0;
  int succeeded = 0;
  int failed = 0;
  int unreachable = 0;
  int running = 0;
  int waiting = 0;
  int held = 0;  // kept off the release, or not taken in any more
  std::optional<WaveResolved> resolved;
  std::optional<TimePoint> started_at;
  std::optional<TimePoint> finished_at;
  bool operator==(const WaveStatus&) const = default;
};
struct RolloutStatus {
  std::int64_t observed_generation = -1;
  std::string phase;   // Progressing Paused RollingBack Succeeded Failed Superseded Cancelled RolledBack
  std::string reason;  // CamelCase, why it stands or ended so; empty = it goes on
  std::string plan_hash;
  std::optional<TimePoint> started_at;
  std::optional<TimePoint> finished_at;
  // For progressDeadline: the last rise of the number of terminal pairs, moved on by all time in which
  // nothing was allowed to start.
  int terminal = 0;
  std::optional<TimePoint> progress_at;
  std::optional<TimePoint> halted_at;  // since when nothing may start
  std::vector<WaveStatus> waves;
  std::vector<std::string> failed_names;       // at most limits::kStatusNamesMax each
  std::vector<std::string> unreachable_names;
  std::vector<Condition> conditions;      // Succeeded
  bool operator==(const RolloutStatus&) const = default;
};
struct Rollout {
  ObjectMeta metadata;
  RolloutSpec spec;
  RolloutStatus status;
};

struct InstallationSpec {
  LocalReference project_ref;
  LocalReference environment_ref;
  std::optional<LocalReference> tenant_ref;  // absent = untenanted
  LocalReference target_ref;
  std::string tenant_deployment;
  std::string release;  // name of the desired Release; empty = to be removed
  std::string version;
  std::string digest;
  // The ReleaseHold that keeps it off the release that its deployment wishes for; empty = none.
  std::string hold;
  bool operator==(const InstallationSpec&) const = default;
};
struct HistoryEntry {
  std::string version;
  std::string digest;
  int attempt = 0;
  std::string phase;
  TimePoint finished_at;
  // metadata.generation of the installation when the result was taken in: whether it was wished for
  // anew since.
  std::int64_t generation = 0;
  bool operator==(const HistoryEntry&) const = default;
};
struct InstallationStatus {
  std::int64_t observed_generation = -1;
  std::string actual_release;  // version that the target reports; empty = none
  std::string actual_digest;
  std::string previous_good_release;
  std::string previous_good_digest;
  Action action = Action::None;
  std::string task;     // newest task
  int attempts = 0;     // attempts so far; the next task is attempt + 1
  std::vector<BlockedBy> blocked_by;  // at most limits::kBlockedByMax
  std::vector<HistoryEntry> history;  // newest first, at most limits::kInstallationHistoryMax
  std::vector<Condition> conditions;  // Ready, Reconciling, Stalled
  bool operator==(const InstallationStatus&) const = default;
};
struct Installation {
  ObjectMeta metadata;
  InstallationSpec spec;
  InstallationStatus status;
};

// Strictly rising over all grants of a namespace: the planner's epoch (one per start), then a
// sequence. JSON: one integer, epoch * 1'000'000'000 + sequence.
struct Fence {
  std::int64_t epoch = 0;
  std::int64_t sequence = 0;
  auto operator<=>(const Fence&) const = default;
};
inline constexpr std::int64_t kFenceSequenceMax = 999'999'999;

struct TaskVariable {
  std::string name;
  std::string value;   // plain, or
  std::string sealed;  // base64 sealed box for the target's public key, or
  std::optional<SecretKeyReference> secret;  // JSON: valueFrom.secretKeyRef; the agent reads it
  bool operator==(const TaskVariable&) const = default;
};
// A lock as one task wants it: instance resolved, group kept for display.
struct TaskLock {
  std::string instance;  // "target/web-01/central-config", "pair/…", "target/web-01/slots"
  LockMode mode = LockMode::Exclusive;
  int units = 1;
  bool operator==(const TaskLock&) const = default;
};
struct TaskStep {
  Step step;                    // JSON: its fields stand directly in the list item
  std::vector<TaskLock> needs;  // resolved `locks` and the implicit isolation lock
  bool operator==(const TaskStep&) const = default;
};
enum class CancelMode { StepBoundary, Now };
struct TaskCancel {
  CancelMode mode = CancelMode::StepBoundary;
  std::string reason;  // Superseded, Removed, RolloutCancelled
  std::string message;
  bool operator==(const TaskCancel&) const = default;
};
struct DeploymentTaskSpec {
  std::string installation;      // name
  std::string installation_uid;
  std::string project;
  std::string environment;
  std::string tenant;            // empty = untenanted
  std::string target;
  std::string rollout;
  Action action = Action::Install;
  std::string release;           // name; empty for Remove
  std::string version;
  std::string digest;
  int attempt = 1;
  int priority = 0;
  TimePoint requested_at;        // place in the queue; kept when a newer release replaces it
  std::string install_directory; // resolved, absolute
  int retention_releases = 3;
  std::vector<Package> packages; // URLs resolved
  std::vector<TaskVariable> variables;  // by name
  std::vector<TaskStep> steps;
  std::vector<TaskLock> locks;   // deployment level, implicit ones included
  std::vector<std::string> budgets;  // names of the budgets that select it
  std::optional<HealthCheck> health_check;
  std::optional<Duration> timeout;   // execution
  std::optional<TaskCancel> cancel;
  bool operator==(const DeploymentTaskSpec&) const = default;
};

enum class TaskPhase {
  Pending,      // waits for its first grant
  Running,      // granted; between two steps without a step grant it is parked
  Orphaned,     // nobody can say whether a process of it is alive; locks are kept
  Succeeded,    // this and what follows: terminal
  Failed,
  TimedOut,
  Cancelled,
  Superseded,   // replaced before it started
  Interrupted,  // the agent died and its processes are proven dead
};
bool is_terminal(TaskPhase phase);

enum class StepPhase { Pending, Running, Succeeded, Failed, TimedOut, Skipped, Cancelled, Interrupted };

struct StepWait {
  std::string kind;  // Lock | Budget | …, as in BlockedBy
  std::string name;
  std::string holder;
  TimePoint from;
  TimePoint until;
  bool operator==(const StepWait&) const = default;
};
// What the planner gave, durable before a step is spawned. Written by the planner only.
struct TaskGrant {
  TimePoint granted_at;           // of the first grant
  std::vector<TaskLock> locks;    // deployment level, held until the task is terminal
  // The steps that may run now: [step, step + step_count). step_count 0 = parked: no slot and no
  // step lock is held.
  Fence fence;                    // of the newest grant
  int step = 0;
  int step_count = 0;
  int step_attempt = 1;           // which attempt of `step` this grant is for
  TimePoint step_granted_at;
  std::vector<TaskLock> step_locks;
  std::vector<StepWait> waits;    // what the request for this grant waited for
  bool operator==(const TaskGrant&) const = default;
};
// Written by the agent only.
struct StepStatus {
  std::string name;
  StepPhase phase = StepPhase::Pending;
  int attempt = 0;  // attempts begun
  std::optional<TimePoint> started_at;
  std::optional<TimePoint> finished_at;
  std::optional<TimePoint> retry_at;  // Pending again after a failed attempt: not before
  std::optional<int> exit_code;
  std::vector<StepWait> waits;
  std::string message;
  std::map<std::string, std::string> outputs;
  bool operator==(const StepStatus&) const = default;
};
// What the executor sees of the release that the task brought, from its health check.
struct HealthReport {
  bool healthy = false;
  TimePoint since;
  std::string message;
  bool operator==(const HealthReport&) const = default;
};
// What the executor finds installed when it is no longer what the task brought.
struct DriftReport {
  TimePoint since;
  std::string version;  // empty = nothing that it knows
  std::string digest;
  std::string message;
  bool operator==(const DriftReport&) const = default;
};
struct DeploymentTaskStatus {
  TaskPhase phase = TaskPhase::Pending;
  std::optional<TaskGrant> grant;
  std::vector<StepStatus> steps;
  std::optional<TimePoint> started_at;
  std::optional<TimePoint> finished_at;
  std::string reason;   // CamelCase, of a terminal phase or Orphaned
  std::string message;
  std::string superseded_by;
  // What the target has installed, from its receipt, at the terminal phase.
  std::string reported_version;
  std::string reported_digest;
  bool nothing_installed = false;  // the target was looked at: no receipt there
  std::optional<HealthReport> health;  // absent: not known (yet), or no health check
  std::optional<DriftReport> drift;    // of the newest task that succeeded
  std::vector<BlockedBy> blocked_by;
  bool operator==(const DeploymentTaskStatus&) const = default;
};
struct DeploymentTask {
  ObjectMeta metadata;
  DeploymentTaskSpec spec;
  DeploymentTaskStatus status;
};

// ---- core kinds that Tidelock itself uses -----------------------------------------------------

struct Secret {
  ObjectMeta metadata;
  std::string type = "Opaque";
  std::map<std::string, std::string> data;  // decoded
};

struct Lease {
  ObjectMeta metadata;
  std::string holder_identity;
  int lease_duration_seconds = 15;
  std::optional<TimePoint> acquire_time;
  std::optional<TimePoint> renew_time;
  int lease_transitions = 0;
};

struct Event {
  ObjectMeta metadata;
  std::string involved_api_version;
  std::string involved_kind;
  std::string involved_ns;
  std::string involved_name;
  std::string involved_uid;
  std::string reason;
  std::string message;
  std::string type = "Normal";  // Normal | Warning
  std::string source_component;
  TimePoint first_timestamp;
  TimePoint last_timestamp;
  int count = 1;
};

}  // namespace tidelock::api
