// SPDX-License-Identifier: Apache-2.0
// A server, controllers and an agent in virtual time, for tests of the whole loop.
//
// The agent obeys the protocol of controller/agent/README.md in its simplest form: each granted step
// takes `step_time`; at the end it reports the version. What it saw is kept as a timeline.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/api/codec.h"
#include "controller/api/kinds.h"
#include "controller/base/log.h"
#include "controller/base/random.h"
#include "controller/client/json_scan.h"
#include "controller/reconciler/controller.h"
#include "tests/support/fake_clock.h"

namespace tidelock::testing {

using Json = nlohmann::json;
using std::chrono::seconds;

// One execution of one step.
struct Run {
  std::string task;
  int step = 0;
  TimePoint from;
  TimePoint until = kNever;
};

class SimAgent {
 public:
  SimAgent(http::Transport& transport, std::string ns)
      : api_(transport, "tidelock-agent"), ns_(std::move(ns)) {}

  Duration step_time = seconds(10);
  std::vector<Run> runs;
  std::function<bool(const api::DeploymentTask&, int step)> fails;  // this run of the step

  TimePoint step(TimePoint now) {
    TimePoint next = kNever;
    auto text = api_.list(client::resource_of<api::DeploymentTask>(), ns_);
    if (!text) return now + seconds(1);
    for (std::string_view item : client::json_elements(client::json_member(*text, "items"))) {
      auto task = api::decode<api::DeploymentTask>(item);
      if (task && !api::is_terminal(task->status.phase)) next = std::min(next, tend(*task, now));
    }
    return next;
  }

 private:
  struct Work {
    api::Fence fence;
    int from = 0, count = 0;
    TimePoint until;
    std::size_t first_run = 0;
  };

  TimePoint tend(const api::DeploymentTask& task, TimePoint now) {
    auto found = work_.find(task.metadata.name);
    if (found != work_.end()) {
      if (found->second.until > now) return found->second.until;
      return finish(task, found->second, now);
    }
    if (task.spec.cancel && task.status.phase == api::TaskPhase::Running) {
      return report(task, task.status.steps, api::TaskPhase::Cancelled, now);
    }
    if (task.status.phase != api::TaskPhase::Running || !task.status.grant) return kNever;
    const api::TaskGrant& grant = *task.status.grant;
    api::Fence& highest = fences_[task.metadata.name];
    if (grant.step_count == 0 || grant.fence <= highest) return kNever;
    highest = grant.fence;
    Work work{grant.fence, grant.step, grant.step_count, now + step_time, runs.size()};
    auto steps = steps_of(task);
    for (int i = grant.step; i < grant.step + grant.step_count; ++i) {
      runs.push_back({task.metadata.name, i, now, kNever});
      api::StepStatus& status = steps.at(static_cast<std::size_t>(i));
      status.phase = api::StepPhase::Running;
      status.attempt = grant.step_attempt;
      status.started_at = now;
    }
    report(task, steps, api::TaskPhase::Running, now);
    work_[task.metadata.name] = work;
    return work.until;
  }

  TimePoint finish(const api::DeploymentTask& task, Work work, TimePoint now) {
    auto steps = steps_of(task);
    bool failed = false;
    for (int i = work.from; i < work.from + work.count; ++i) {
      runs[work.first_run + static_cast<std::size_t>(i - work.from)].until = now;
      api::StepStatus& status = steps.at(static_cast<std::size_t>(i));
      const bool bad = fails && fails(task, i);
      status.phase = bad ? api::StepPhase::Failed : api::StepPhase::Succeeded;
      if (!status.started_at) status.started_at = now - step_time;
      status.finished_at = now;
      status.exit_code = bad ? 1 : 0;
      failed = failed || bad;
    }
    const bool last = work.from + work.count == static_cast<int>(task.spec.steps.size());
    const api::TaskPhase phase = failed ? api::TaskPhase::Failed
                                 : last ? api::TaskPhase::Succeeded
                                        : api::TaskPhase::Running;
    const TimePoint again = report(task, steps, phase, now);
    if (again == kNever) work_.erase(task.metadata.name);
    return again;
  }

  static std::vector<api::StepStatus> steps_of(const api::DeploymentTask& task) {
    auto steps = task.status.steps;
    for (std::size_t i = steps.size(); i < task.spec.steps.size(); ++i) {
      api::StepStatus status;
      status.name = task.spec.steps[i].step.name;
      steps.push_back(status);
    }
    return steps;
  }

  // kNever when it was taken, else when to try again.
  TimePoint report(api::DeploymentTask task, std::vector<api::StepStatus> steps,
                   api::TaskPhase phase, TimePoint now) {
    task.status.steps = std::move(steps);
    if (!task.status.started_at) task.status.started_at = now;
    const bool ended = api::is_terminal(phase);
    if (ended) {
      task.status.phase = phase;
      task.status.finished_at = now;
      task.status.reason = phase == api::TaskPhase::Failed ? "StepFailed" : "";
      if (phase == api::TaskPhase::Succeeded) {
        task.status.reported_version = task.spec.version;
        task.status.reported_digest = task.spec.digest;
      }
    }
    Json status = api::encode_status(task);
    for (const char* planners : {"grant", "blockedBy"}) status.erase(planners);
    if (!ended) status.erase("phase");
    client::Call call;
    call.verb = client::Call::Verb::Patch;
    call.resource = client::resource_of<api::DeploymentTask>();
    call.ns = ns_;
    call.name = task.metadata.name;
    call.subresource = "status";
    call.body = Json{{"status", status}}.dump();
    return api_.call(call) ? kNever : now + seconds(1);
  }

  client::ApiClient api_;
  std::string ns_;
  std::map<std::string, Work> work_;
  std::map<std::string, api::Fence> fences_;
};

struct Seed {
  int tenants = 10;
  int steps = 6;
  int locked_step = 4;  // 0-based; -1 = none
  int max_concurrent = 10;
  int budget = 10;
};

class World {
 public:
  // `transport` for the controller, `plain` for the agent and the test.
  World(http::Transport& transport, http::Transport& plain, std::function<long()> revision)
      : controller_api_(transport, "tidelock-controller"), user_(plain, "kubectl"),
        agent(plain, "default"), revision_(std::move(revision)) {
    set_log_level(std::getenv("TIDELOCK_TEST_LOG") != nullptr ? LogLevel::Debug : LogLevel::Off);
    restart();
  }

  void restart(const std::string& identity = "tidelock-server") {
    controller.reset();
    controller = reconciler::Controller::make(
        controller_api_, random_, {.identity = identity, .lease_duration = seconds(15), .wake = {}});
  }

  // Runs until nothing is due before `end` (seconds since the start).
  void run_until(int end) {
    const TimePoint limit = kEpoch + seconds(end);
    for (int idle = 0;;) {
      REQUIRE(++rounds_ < 200'000);
      const long before = revision_();
      TimePoint next = controller ? controller->step(now) : kNever;
      next = std::min(next, agent.step(now));
      if (each_round) each_round();
      if (revision_() != before) {
        idle = 0;
        continue;
      }
      // Nobody may ask to be called again at once without having done anything.
      if (next <= now) {
        REQUIRE(++idle < 20);
        continue;
      }
      idle = 0;
      if (next > limit) break;
      set_time(next);
    }
    set_time(limit);
  }

  template <class T>
  void create(T object) {
    object.metadata.ns = "default";
    auto made = user_.create(object);
    INFO((made ? std::string() : made.error().message));
    REQUIRE(made);
  }
  template <class T>
  T get(const std::string& name) {
    auto object = user_.get<T>("default", name);
    INFO(name << (object ? std::string() : ": " + object.error().message));
    REQUIRE(object);
    return *object;
  }
  template <class T>
  std::vector<T> all() {
    std::vector<T> objects;
    auto text = user_.list(client::resource_of<T>(), "default");
    REQUIRE(text);
    for (std::string_view item : client::json_elements(client::json_member(*text, "items"))) {
      auto object = api::decode<T>(item);
      if (object) objects.push_back(std::move(*object));
    }
    return objects;
  }
  template <class T>
  void merge(const std::string& name, const Json& patch, const std::string& subresource = {}) {
    client::Call call;
    call.verb = client::Call::Verb::Patch;
    call.resource = client::resource_of<T>();
    call.ns = "default";
    call.name = name;
    call.subresource = subresource;
    call.body = patch.dump();
    auto done = user_.call(call);
    INFO((done ? std::string() : done.error().message));
    REQUIRE(done);
  }

  // The seed's case of api.md.
  void seed(const Seed& seed) {
    api::LockGroup group;
    group.metadata.name = "central-config";
    group.spec = {api::LockScope::Target, 1, api::LockGranularity::Step, 0, {}};
    create(group);
    api::ConcurrencyBudget budget;
    budget.metadata.name = "task-cap";
    budget.spec.max = seed.budget;
    create(budget);
    api::Environment environment;
    environment.metadata.name = "production";
    create(environment);
    api::Project project;
    project.metadata.name = "storefront";
    project.spec.process.install_directory =
        "${target.installRoot}/${tenant.name}/${project.name}";
    for (int i = 0; i < seed.steps; ++i) {
      api::Step step;
      step.name = "step-" + std::to_string(i + 1);
      step.script = api::ScriptStep{"sh", "true"};
      if (i == seed.locked_step) step.locks.push_back({"central-config", {}, {}});
      project.spec.process.steps.push_back(step);
    }
    create(project);
    api::Target target;
    target.metadata.name = "web-01";
    target.metadata.labels["role"] = "web";
    target.spec.environments = {"production"};
    target.spec.executor = api::Executor::Local;
    target.spec.install_root = "/srv/tenants";
    target.spec.max_concurrent = seed.max_concurrent;
    create(target);
    api::Condition ready;
    ready.type = "Ready";
    ready.status = true;
    ready.reason = "AgentAlive";
    ready.last_transition_time = kEpoch;
    target.status.conditions.push_back(ready);
    target.status.last_heartbeat = kEpoch;
    merge<api::Target>("web-01", {{"status", api::encode_status(target)}}, "status");
    for (int i = 1; i <= seed.tenants; ++i) create(tenant(i));
    create(release("1.0.0"));
    api::TenantDeployment deployment;
    deployment.metadata.name = "storefront-production";
    deployment.spec.project_ref.name = "storefront";
    deployment.spec.environment_ref.name = "production";
    deployment.spec.release.version = "1.0.0";
    deployment.spec.tenants = api::LabelSelector{};
    deployment.spec.targets.match_labels["role"] = "web";
    create(deployment);
  }
  static api::Tenant tenant(int number) {
    api::Tenant made;
    made.metadata.name = "tenant-" + std::string(number < 10 ? "0" : "") + std::to_string(number);
    return made;
  }
  static api::Release release(const std::string& version) {
    api::Release made;
    made.metadata.name = "storefront-" + version;
    made.spec.project_ref.name = "storefront";
    made.spec.version = version;
    return made;
  }

  bool ready() {
    const auto deployment = get<api::TenantDeployment>("storefront-production");
    const auto* condition = api::find_condition(deployment.status.conditions, "Ready");
    return condition != nullptr && condition->status;
  }
  // How many runs of a step were under way at once, at most.
  int peak(int step) const {
    int most = 0;
    for (const Run& at : agent.runs) {
      int count = 0;
      for (const Run& run : agent.runs) {
        const bool counted = step < 0 || run.step == step;
        if (counted && run.from <= at.from && at.from < run.until) ++count;
      }
      if (step < 0 || at.step == step) most = std::max(most, count);
    }
    return most;
  }
  // Seconds from the start to the last end.
  int makespan() const {
    TimePoint last = kEpoch;
    for (const Run& run : agent.runs) {
      if (run.until != kNever) last = std::max(last, run.until);
    }
    return static_cast<int>(std::chrono::duration_cast<seconds>(last - kEpoch).count());
  }

 private:
  SeededRandom random_{1};
  client::ApiClient controller_api_;
  client::ApiClient user_;

 public:
  TimePoint now = kEpoch;
  SimAgent agent;
  std::unique_ptr<reconciler::Controller> controller;
  std::function<void()> each_round;
  std::function<void(TimePoint)> on_time;

 private:
  void set_time(TimePoint time) {
    now = time;
    if (on_time) on_time(now);
  }

  std::function<long()> revision_;
  int rounds_ = 0;
};

}  // namespace tidelock::testing
