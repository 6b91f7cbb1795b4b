// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/api/filled.h"

namespace tidelock::api::test {
namespace {

using namespace std::chrono_literals;

TimePoint at(std::int64_t micros) {
  return TimePoint(Duration(1'790'000'000'000'000 + micros));
}

ObjectMeta metadata() {
  ObjectMeta meta;
  meta.name = "some-name";
  meta.ns = "some-space";
  meta.uid = "7c7c2a6e-0000-4000-8000-000000000001";
  meta.resource_version = "17";
  meta.generation = 3;
  meta.creation_timestamp = at(0);
  meta.deletion_timestamp = at(5'000'000);
  meta.labels = {{"ring", "canary"}};
  meta.annotations = {{"note", "\"quoted\"\n"}};
  meta.finalizers = {"tidelock.dev/installed"};
  meta.owner_references = {{"tidelock.dev/v1alpha1", "Rollout", "r", "u", true, true}};
  return meta;
}

std::vector<Condition> conditions() {
  return {{"Ready", true, false, "Done", "All is well", at(1'000'000), 3},
          {"Stalled", false, true, "Unknown", "Who knows", at(2'000'000), 2}};
}

LabelSelector selector() {
  using Operator = LabelSelectorRequirement::Operator;
  return {{{"role", "web"}},
          {{"ring", Operator::In, {"canary", "rest"}}, {"old", Operator::DoesNotExist, {}}}};
}

std::vector<Variable> variables(bool scoped) {
  Variable plain{"port", "", std::nullopt, "", ""};
  Variable secret{"password", std::nullopt, SecretKeyReference{"db", "password"}, "", ""};
  if (scoped) plain.project = secret.project = "storefront";
  if (scoped) plain.environment = secret.environment = "production";
  return {plain, secret};
}

std::vector<Step> steps() {
  Step package;
  package.name = "fetch";
  package.package = PackageStep{{"conf/app.conf"}};
  package.locks = {{"central", LockMode::Shared, std::nullopt}, {"db", LockMode::Exclusive, 2}};
  package.isolation = StepIsolation::Exclusive;
  package.timeout = 90s;
  package.retry = {2, 1500ms};
  package.start = StepStart::WithPrevious;
  package.when = "Always";
  Step script;
  script.name = "stop";
  script.script = ScriptStep{"bash", "echo stop"};
  Step http;
  http.name = "check";
  http.http = HttpStep{"POST", "http://127.0.0.1:${port}/", {{"accept", "text/plain"}}, "x", 204};
  std::vector<Step> all = {package, script, http};
  for (const char* method : {"GET", "PUT", "DELETE"}) {
    http.name += "-x";
    http.http->method = method;
    all.push_back(http);
  }
  return all;
}

// Both ways to check, which only one object at a time may have.
HealthCheck health_check() {
  HealthCheck check;
  check.script = ScriptStep{"bash", "./healthy"};
  check.http = HttpStep{"POST", "http://127.0.0.1:${port}/", {{"accept", "text/plain"}}, "x", 204};
  check.interval = 20s;
  check.timeout = 5s;
  check.failure_threshold = 2;
  return check;
}

Process process() {
  Process p;
  p.install_directory = "${target.installRoot}/x";
  p.allow_shared_install_directory = true;
  p.variables = variables(false);
  p.steps = steps();
  p.locks = {{"host", LockMode::Exclusive, std::nullopt}, {"pool", LockMode::Exclusive, 2}};
  p.health_check = health_check();
  return p;
}

std::vector<Package> packages() {
  return {{"fetch", "file:///var/packages/a.tar.gz", std::string(64, 'a')}};
}

constexpr IntOrPercent share(int percent) { return {percent, true}; }
constexpr IntOrPercent count(int number) { return {number, false}; }

WaveSpec wave() {
  WaveSpec w;
  w.name = "canary";
  w.tenants = selector();
  w.targets = selector();
  w.concurrency = count(1);
  w.max_failures = count(0);
  w.min_succeeded = share(100);
  w.min_healthy = 30s;
  w.soak = 10min;
  w.steps = {count(1), count(5), share(20)};
  w.before = {{"go", 2, 1h}};
  w.after = {{"release-manager", 3, 72h}};
  return w;
}

RolloutStrategy strategy() {
  RolloutStrategy s;
  s.concurrency = share(25);
  s.max_in_flight = 4;
  s.max_failures = share(0);
  s.min_succeeded = count(2);
  s.min_healthy = 1min;
  s.soak = 5min;
  s.steps = {share(1), count(7)};
  s.waves = {wave()};
  s.order = {{"ring", "example.com/zone"}, "failure-domain"};
  s.max_starts_per_minute = 60;
  s.task_timeout = 15min;
  s.progress_deadline = 60min;
  s.retry = {1, 20s, 3, 5min};
  s.on_failure = OnFailure::RollbackWave;
  s.unreachable = {UnreachablePolicy::Skip, 3min, share(20), false};
  s.membership = {MembersAdded::NextRollout, MembersRemoved::Skip};
  s.supersede = Supersede::StopAtStepBoundary;
  return s;
}

std::vector<BlockedBy> blocked_by() {
  return {{"Lock", "target/web-01/central", "task-1", "register", at(1), at(2), at(3), 2, "waits"}};
}

std::vector<TaskLock> task_locks() {
  return {{"target/web-01/central", LockMode::Shared, 2}, {"pair/a/b/c/d", LockMode::Exclusive, 1}};
}

std::vector<StepWait> waits() {
  return {{"Lock", "target/web-01/central", "task-1", at(11), at(12)}};
}

}  // namespace

Project filled_project() {
  return {metadata(), {process(), 5, {DriftMode::Correct, 7}, true}, {2, conditions()}};
}

Release filled_release() {
  return {metadata(),
          {{"storefront"}, "1.2.3-rc.1", packages(), "notes"},
          {2, process(), "sha256:" + std::string(64, 'b'), conditions()}};
}

Environment filled_environment() {
  return {metadata(), {{"staging", false, 1h, share(90)}, variables(false), true}};
}

Tenant filled_tenant() { return {metadata(), {"Tenant 1", variables(true), true}}; }

Target filled_target() {
  return {metadata(),
          {{"production"}, selector(), 10, "/srv", Executor::Local, variables(false), true},
          {2, "0.1.0", "agent-uid", at(7), "cHVibGlj", conditions()}};
}

LockGroup filled_lock_group() {
  return {metadata(),
          {LockScope::Target, 2, LockGranularity::Deployment, 3, 30s},
          {2,
           1,
           2,
           {{"target/web-01/central", "task-1", "register", LockMode::Shared, 2, at(4)}},
           {{"target/web-01/central", "task-2", 1, at(5)}}}};
}

ConcurrencyBudget filled_budget() {
  return {metadata(), {10, {{"storefront"}, {"production"}, selector(), selector()}}, {2, 3, 4}};
}

TenantDeployment filled_tenant_deployment() {
  return {metadata(),
          {{"storefront"},
           {"production"},
           {"1.0.0", "~1.4"},
           selector(),
           true,
           selector(),
           {{"tenant-01", "web-01", "0.9.0"}},
           strategy(),
           7,
           true,
           {share(25), 3}},
          {2, "1.0.0", "rollout-1", 10, 4, 3, 2, 1, conditions()}};
}

Rollout filled_rollout() {
  const WaveResolved resolved{10, 4, 2, 3, 5, {1, 5, 2}};
  const WaveStatus wave_status{"all", WavePhase::Soaking, 10, 4, 1, 2, 3, 2, 6, resolved, at(3), at(4)};
  return {metadata(),
          {{"storefront-production"}, "1.0.0", "sha256:x", strategy(), 7, true, true, {{"all", 2}}},
          {2, "Progressing", "GateClosed", "sha256:p", at(1), at(2), 6, at(5), at(6), {wave_status},
           {"pair-1"}, {"pair-2"}, conditions()}};
}

DeploymentWindow filled_window() {
  return {metadata(),
          {WindowKind::Deny,
           "0 22 * * 5",
           "Europe/Vienna",
           36h,
           {{"storefront"}, {"production"}, selector(), selector()},
           at(0),
           at(1),
           WindowInFlight::Cancel,
           false},
          {2, true, at(2)}};
}

Approval filled_approval() {
  return {metadata(),
          {{"storefront-production-1"},
           "release-manager",
           "sha256:" + std::string(64, 'c'),
           ApprovalDecision::Reject,
           "not on a Friday",
           "alice"}};
}

ReleaseHold filled_hold() {
  return {metadata(),
          {{"storefront-production"},
           "1.0.0",
           "sha256:" + std::string(64, 'd'),
           {"canary"},
           "rolled back: 3 failures"}};
}

Installation filled_installation() {
  return {metadata(),
          {{"storefront"},
           {"production"},
           LocalReference{"tenant-01"},
           {"web-01"},
           "storefront-production",
           "storefront-1.0.0",
           "1.0.0",
           "sha256:x",
           "hold-1"},
          {2,
           "0.9.0",
           "sha256:y",
           "0.8.0",
           "sha256:z",
           Action::Upgrade,
           "task-1",
           3,
           blocked_by(),
           {{"0.9.0", "sha256:y", 2, "Succeeded", at(9), 4}},
           conditions()}};
}

DeploymentTask filled_task() {
  std::vector<TaskStep> task_steps;
  for (const Step& step : steps()) task_steps.push_back({step, task_locks()});
  DeploymentTask task{metadata(), {}, {}};
  task.spec = {"inst-1",
               "inst-uid",
               "storefront",
               "production",
               "tenant-01",
               "web-01",
               "rollout-1",
               Action::Redeploy,
               "storefront-1.0.0",
               "1.0.0",
               "sha256:x",
               2,
               7,
               at(3),
               "/srv/tenant-01/storefront",
               5,
               packages(),
               {{"port", "9001", "", std::nullopt},
                {"password", "", "c2VhbGVk", SecretKeyReference{"db", "password"}}},
               task_steps,
               task_locks(),
               {"task-cap"},
               health_check(),
               15min,
               TaskCancel{CancelMode::Now, "Superseded", "by 1.0.1"}};
  task.status = {TaskPhase::Orphaned,
                 TaskGrant{at(1), task_locks(), {4, 17}, 2, 3, 2, at(2), task_locks(), waits()},
                 {{"fetch", StepPhase::TimedOut, 2, at(3), at(4), at(5), -9, waits(), "slow",
                   {{"port", "9001"}}}},
                 at(6),
                 at(7),
                 "AgentGone",
                 "nobody knows",
                 "task-2",
                 "0.9.0",
                 "sha256:y",
                 true,
                 HealthReport{true, at(8), "well"},
                 DriftReport{at(9), "0.7.0", "sha256:w", "receipt is not ours"},
                 blocked_by()};
  return task;
}

Secret filled_secret() {
  return {metadata(), "kubernetes.io/tls", {{"key", std::string("\0\xff binary", 9)}}};
}

Lease filled_lease() { return {metadata(), "me", 30, at(1), at(2), 4}; }

Event filled_event() {
  return {metadata(),  "tidelock.dev/v1alpha1", "Installation", "some-space", "inst-1", "uid-1",
          "Blocked",   "waits for a lock",      "Warning",      "planner",    at(0),    at(1'000'000),
          3};
}

}  // namespace tidelock::api::test
