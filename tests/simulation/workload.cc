// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/workload.h"

#include <algorithm>

#include "controller/api/codec.h"
#include "tests/simulation/check_installs.h"

namespace tidelock::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr const char* kJsonType = "application/json";
constexpr const char* kMergeType = "application/merge-patch+json";
const std::string kBase = "/apis/tidelock.dev/v1alpha1/namespaces/default/";
const std::string kSha256 = std::string(64, 'a');

std::string deployment_name(const std::string& project) { return project + "-production"; }

}  // namespace

Workload::Workload(Kernel& kernel, const Swarm& swarm, Cluster& cluster)
    : kernel_(kernel), swarm_(swarm), cluster_(cluster), random_(kernel.random().next()) {}

// ---- calls ------------------------------------------------------------------------------------

void Workload::send(Call call) {
  outbox_.push_back(std::move(call));
  flush();
}

// In order; what comes after a call that cannot be made waits with it.
void Workload::flush() {
  while (!outbox_.empty()) {
    const Call& call = outbox_.front();
    const auto response = cluster_.call(call.method, call.path, call.body, call.type);
    const bool refused = response && response->status >= 400 && response->status < 500 &&
                         response->status != 409 && response->status != 404;
    if (refused) {
      kernel_.violated("the workload is valid",
                       call.method + " " + call.path + ": " + response->body + " " + call.body);
    }
    if (!response || response->status >= 500) {
      if (flushing_) return;
      flushing_ = true;
      kernel_.after(seconds(1), [this] {
        flushing_ = false;
        flush();
      });
      return;
    }
    outbox_.pop_front();
  }
}

template <class T>
void Workload::create(T object) {
  object.metadata.ns = kNamespace;
  send({"POST", kBase + std::string(api::kind_info<T>().plural), api::encode(object).dump(),
        kJsonType});
}
void Workload::merge(const std::string& plural, const std::string& name, const Json& patch,
                     const std::string& subresource) {
  std::string path = kBase + plural + "/" + name;
  if (!subresource.empty()) path += "/" + subresource;
  send({"PATCH", path, patch.dump(), kMergeType});
}
void Workload::remove(const std::string& plural, const std::string& name) {
  send({"DELETE", kBase + plural + "/" + name, "", ""});
}

// ---- what there is ----------------------------------------------------------------------------

void Workload::build() {
  api::Environment environment;
  environment.metadata.name = "production";
  create(environment);
  for (int i = 0; i < 4; ++i) {
    api::LockGroup group;
    group.metadata.name = "g" + std::to_string(i);
    group.spec.granularity = i < 2 ? api::LockGranularity::Deployment : api::LockGranularity::Step;
    group.spec.scope = random_.below(2) == 0 ? api::LockScope::Target : api::LockScope::Global;
    if (random_.below(5) != 0) {
      capacity_[i] = static_cast<int>(random_.between(1, 3));
      group.spec.capacity = capacity_[i];
    }
    if (random_.below(5) == 0) group.spec.max_bypass = 2;
    create(group);
  }
  if (random_.below(4) != 0) {
    api::ConcurrencyBudget budget;
    budget.metadata.name = "all";
    budget.spec.max = static_cast<int>(random_.between(1, 4));
    create(budget);
  }
  for (int i = 0; i < swarm_.targets; ++i) add_target("w" + std::to_string(i + 1));
  for (int i = 0; i < swarm_.tenants; ++i) add_tenant("t" + std::to_string(++next_tenant_));
  for (int i = 0; i < swarm_.projects; ++i) add_project("p" + std::to_string(i + 1));
}

void Workload::add_target(const std::string& name) {
  api::Target target;
  target.metadata.name = name;
  target.metadata.labels["role"] = "web";
  target.spec.environments = {"production"};
  target.spec.executor = swarm_.local_agent ? api::Executor::Local : api::Executor::Agent;
  target.spec.install_root = "/srv/" + name;
  target.spec.max_concurrent = static_cast<int>(random_.between(1, 4));
  create(target);
  targets_.push_back(name);
}

void Workload::add_tenant(const std::string& name) {
  api::Tenant tenant;
  tenant.metadata.name = name;
  tenant.metadata.labels["ring"] = random_.below(2) == 0 ? "canary" : "general";
  create(tenant);
  tenants_.insert(name);
}

std::vector<api::LockRequest> Workload::locks(int from, int to) {
  std::vector<api::LockRequest> requests;
  for (int i = from; i <= to; ++i) {
    if (random_.below(5) < 2) continue;
    api::LockRequest request;
    request.group = "g" + std::to_string(i);
    const int most = capacity_.contains(i) ? capacity_[i] : 3;
    const auto kind = random_.below(10);
    if (kind < 5) {
      request.mode = api::LockMode::Exclusive;
    } else if (kind < 7) {
      request.mode = api::LockMode::Shared;
    } else {
      request.units = static_cast<int>(random_.between(1, most));
    }
    requests.push_back(request);
  }
  return requests;
}

api::Step Workload::script_step(const std::string& name) {
  api::Step step;
  step.name = name;
  step.script = api::ScriptStep{"sh", "true"};
  step.locks = locks(2, 3);
  if (random_.below(6) == 0) step.start = api::StepStart::WithPrevious;
  if (random_.below(8) == 0) step.isolation = api::StepIsolation::Exclusive;
  if (random_.below(4) == 0) step.retry.limit = static_cast<int>(random_.between(1, 2));
  if (random_.below(5) == 0) {
    step.timeout = seconds(random_.between(3, 30));
    shortest_timeout_ = std::min(shortest_timeout_, step.timeout);
  }
  return step;
}

void Workload::add_project(const std::string& name) {
  api::Project project;
  project.metadata.name = name;
  project.spec.process.install_directory = "${target.installRoot}/${tenant.name}/${project.name}";
  project.spec.process.locks = locks(0, 1);
  api::Step fetch;
  fetch.name = "fetch";
  fetch.package = api::PackageStep{};
  project.spec.process.steps.push_back(fetch);
  const auto count = random_.between(1, 3);
  for (int i = 0; i < count; ++i) {
    project.spec.process.steps.push_back(script_step("s" + std::to_string(i + 1)));
  }
  create(project);
  projects_.push_back(name);
  add_deployment(name);
}

std::string Workload::add_release(const std::string& project) {
  const std::string version = "1." + std::to_string(++next_version_) + ".0";
  api::Release release;
  release.metadata.name = project + "-" + version;
  release.spec.project_ref.name = project;
  release.spec.version = version;
  const std::string url = "https://packages.example/" + release.metadata.name + ".tar.gz";
  release.spec.packages.push_back({"fetch", url, kSha256});
  for (std::size_t i = 0; i < cluster_.agents(); ++i) {
    cluster_.agent(i).machine.packages.packages.emplace(url, package_of(version));
  }
  create(release);
  deployments_[project].versions.push_back(version);
  return version;
}

void Workload::add_deployment(const std::string& project) {
  Deployment& known = deployments_[project];
  known.version = add_release(project);
  known.present = true;
  api::TenantDeployment deployment;
  deployment.metadata.name = deployment_name(project);
  deployment.spec.project_ref.name = project;
  deployment.spec.environment_ref.name = "production";
  deployment.spec.release.version = known.version;
  deployment.spec.tenants = api::LabelSelector{};
  deployment.spec.targets.match_labels["role"] = "web";
  deployment.spec.priority = static_cast<int>(random_.between(0, 2));
  deployment.spec.rollout.retry.limit = static_cast<int>(random_.between(0, 2));
  deployment.spec.rollout.retry.backoff_initial = seconds(random_.between(1, 20));
  draw_strategy(deployment.spec.rollout);
  create(deployment);
}

void Workload::draw_strategy(api::RolloutStrategy& strategy) {
  const auto one_in = [this](std::uint64_t n) { return random_.below(n) == 0; };
  if (one_in(3)) strategy.supersede = api::Supersede::StopAtStepBoundary;
  if (one_in(3)) strategy.max_in_flight = static_cast<int>(random_.between(1, 3));
  if (one_in(3)) strategy.concurrency = api::IntOrPercent{static_cast<int>(random_.between(1, 3)), false};
  if (!swarm_.waves) return;
  if (one_in(2)) strategy.max_failures = api::IntOrPercent{static_cast<int>(random_.between(0, 2)), false};
  if (one_in(2)) strategy.min_succeeded = api::IntOrPercent{static_cast<int>(random_.between(1, 100)), true};
  if (one_in(3)) strategy.soak = seconds(random_.between(1, 30));
  if (one_in(4)) strategy.max_starts_per_minute = static_cast<int>(random_.between(2, 20));
  constexpr api::OnFailure kOnFailure[] = {api::OnFailure::Pause, api::OnFailure::Stop,
                                           api::OnFailure::Continue, api::OnFailure::RollbackWave,
                                           api::OnFailure::RollbackAll};
  strategy.on_failure = kOnFailure[random_.below(5)];
  api::WaveSpec canary;
  canary.name = "canary";
  canary.tenants = api::LabelSelector{};
  canary.tenants->match_labels["ring"] = "canary";
  if (one_in(2)) canary.concurrency = api::IntOrPercent{1, false};
  if (one_in(3)) canary.soak = seconds(random_.between(1, 20));
  api::WaveSpec rest;
  rest.name = "rest";
  if (one_in(2)) rest.concurrency = api::IntOrPercent{static_cast<int>(random_.between(1, 100)), true};
  if (one_in(3)) rest.steps = {{1, false}, {50, true}};
  strategy.waves = {canary, rest};
}

// ---- what processes do ------------------------------------------------------------------------

testing::ProcessScript Workload::script_of(const ProcessSpec&) {
  testing::ProcessScript script;
  script.duration = Duration(random_.between(Duration(milliseconds(10)).count(),
                                             Duration(swarm_.step_max).count()));
  if (calm_) {
    script.duration = std::min<Duration>(script.duration, seconds(2));  // below every timeout
    if (encore_) {
      const Duration longest = std::min<Duration>(seconds(8), shortest_timeout_ - milliseconds(700));
      script.duration = Duration(random_.between(longest.count() / 2, longest.count()));
    }
    return script;
  }
  if (random_.chance(swarm_.step_fails)) script.exit_code = 1;
  if (random_.below(20) == 0) script.ignores_sigterm = true;
  if (random_.below(20) == 0) script.lingers = seconds(random_.between(1, 20));
  if (random_.below(5) == 0) script.output = {{Duration{0}, "working\n"}};
  if (swarm_.step_fails > 0 && random_.below(100) == 0) {
    script.start = fail(Reason::ServiceUnavailable, "cannot fork");
  }
  return script;
}

// ---- changes of mind --------------------------------------------------------------------------

std::string Workload::any(const std::vector<std::string>& names) {
  return names[random_.below(names.size())];
}

void Workload::act() {
  if (calm_) return;
  ++actions_;
  free_orphans(false);
  switch (random_.below(8)) {
    case 0:
      if (swarm_.cancels) return cancel_task();
      break;
    case 1:
      if (swarm_.pauses) return pause_something();
      break;
    case 2:
      if (swarm_.resizes) return resize_something();
      break;
    case 3:
    case 4:
      if (swarm_.removals) return remove_something();
      break;
    default: break;
  }
  change_release();
}

void Workload::change_release() {
  const std::string project = any(projects_);
  Deployment& deployment = deployments_[project];
  if (!deployment.present) return add_deployment(project);
  deployment.version =
      random_.below(4) == 0 ? any(deployment.versions) : add_release(project);
  merge("tenantdeployments", deployment_name(project),
        {{"spec", {{"release", {{"version", deployment.version}}}}}});
}

void Workload::cancel_task() {
  std::vector<std::string> names;
  for (const auto& [name, task] : cluster_.truth().objects().all<api::DeploymentTask>()) {
    if (!api::is_terminal(task->status.phase) && !task->spec.cancel) names.push_back(name);
  }
  if (names.empty()) return;
  const char* mode = random_.below(2) == 0 ? "Now" : "StepBoundary";
  merge("deploymenttasks", any(names),
        {{"spec", {{"cancel", {{"mode", mode}, {"reason", "Asked"}, {"message", "by hand"}}}}}});
}

void Workload::pause_something() {
  std::pair<std::string, std::string> what;
  switch (random_.below(4)) {
    case 0: what = {"tenantdeployments", deployment_name(any(projects_))}; break;
    case 1: what = {"projects", any(projects_)}; break;
    case 2: what = {"targets", any(targets_)}; break;
    default: what = {"environments", "production"}; break;
  }
  const bool pause = !paused_.contains(what);
  if (pause) {
    paused_.insert(what);
  } else {
    paused_.erase(what);
  }
  merge(what.first, what.second, {{"spec", {{"paused", pause}}}});
}

void Workload::resize_something() {
  const int size = static_cast<int>(random_.between(1, 4));
  switch (random_.below(3)) {
    case 0:
      merge("targets", any(targets_), {{"spec", {{"maxConcurrent", size}}}});
      break;
    case 1:
      merge("concurrencybudgets", "all", {{"spec", {{"max", size}}}});
      break;
    default:
      // Not below what steps ask for: such a manifest would be refused later on.
      merge("lockgroups", "g" + std::to_string(random_.below(4)),
            {{"spec", {{"capacity", 3 + size}}}});
      break;
  }
}

void Workload::remove_something() {
  if (random_.below(3) == 0) {
    const std::string project = any(projects_);
    if (!deployments_[project].present) return add_deployment(project);
    deployments_[project].present = false;
    return remove("tenantdeployments", deployment_name(project));
  }
  if (tenants_.size() > 1 && random_.below(2) == 0) {
    const std::string tenant = *tenants_.begin();
    tenants_.erase(tenant);
    return remove("tenants", tenant);
  }
  if (tenants_.size() < 4) add_tenant("t" + std::to_string(++next_tenant_));
}

// An operator who looked at the target and found nothing alive.
void Workload::free_orphans(bool all) {
  const auto tasks = cluster_.truth().objects().all<api::DeploymentTask>();
  for (const auto& [name, task] : tasks) {
    if (task->status.phase != api::TaskPhase::Orphaned) continue;
    kernel_.probe("a task is orphaned");
    if (!all && random_.below(2) == 0) continue;
    bool alive = false;
    for (std::size_t i = 0; i < cluster_.agents(); ++i) {
      Machine& machine = cluster_.agent(i).machine;
      machine.tend();
      for (const auto& interval : machine.processes.intervals()) {
        const std::string& file = interval.spec.lock_file;
        const bool its = file.find("/" + task->metadata.uid + "/") != std::string::npos;
        alive = alive || (its && machine.processes.alive(file));
      }
    }
    if (alive) continue;
    kernel_.probe("an operator frees an orphan");
    merge("deploymenttasks", name,
          {{"status", {{"phase", "Interrupted"}, {"reason", "FreedByOperator"}}}}, "status");
  }
}

void Workload::calm_down() {
  calm_ = true;
  for (const auto& [plural, name] : paused_) merge(plural, name, {{"spec", {{"paused", false}}}});
  paused_.clear();
  free_orphans(true);
  if (swarm_.final_release) release_everything();
}

// Slower than in the calm before, so that there is something to wait for.
void Workload::encore() {
  encore_ = true;
  release_everything();
}

void Workload::release_everything() {
  for (const std::string& project : projects_) {
    Deployment& deployment = deployments_[project];
    if (!deployment.present) {
      add_deployment(project);
      continue;
    }
    deployment.version = add_release(project);
    merge("tenantdeployments", deployment_name(project),
          {{"spec", {{"release", {{"version", deployment.version}}}}}});
  }
}

}  // namespace tidelock::simulation
