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

Process process() {
  Process p;
  p.install_directory = "${target.installRoot}/x";
  p.allow_shared_install_directory = true;
  p.variables = variables(false);
  p.steps = steps();
  p.locks = {{"host", LockMode::Exclusive, std::nullopt}, {"pool", LockMode::Exclusive, 2}};
  return p;
}

std::vector<Package> packages() {
  return {{"fetch", "file:///var/packages/a.tar.gz", std::string(64, 'a')}};
}

RolloutStrategy strategy() {
  RolloutStrategy s;
  s.max_in_flight = 4;
  s.task_timeout = 15min;
  s.retry = {1, 20s, 3, 5min};
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

Project filled_project() { return {metadata(), {process(), 5, true}, {2, conditions()}}; }

Release filled_release() {
  return {metadata(),
          {{"storefront"}, "1.2.3-rc.1", packages(), "notes"},
          {2, process(), "sha256:" + std::string(64, 'b'), conditions()}};
}

Environment filled_environment() { return {metadata(), {variables(false), true}}; }

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
           true},
          {2, "1.0.0", "rollout-1", 10, 4, 3, 2, 1, conditions()}};
}

Rollout filled_rollout() {
  return {metadata(),
          {{"storefront-production"}, "1.0.0", "sha256:x", strategy(), 7, true, true},
          {2, "Progressing", at(1), at(2), {{"all", 10, 4, 1, 3, 2}}, {"pair-1"}, conditions()}};
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
           "sha256:x"},
          {2,
           "0.9.0",
           "sha256:y",
           "0.8.0",
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
