// SPDX-License-Identifier: Apache-2.0
// A random history of one namespace: what people write, what agents report, what breaks. Locks, budgets,
// waves, gates, windows, holds, rollback, membership, drift and promotion all occur in it.
#pragma once

#include "controller/base/random.h"
#include "tests/support/planner_world.h"

namespace tidelock::testing {

class RebuildHistory {
 public:
  explicit RebuildHistory(std::uint64_t seed) : random_(seed) {
    for (const char* name : {"staging", "production"}) world_.environment(name);
    for (const char* name : {"slow", "wide", "shared", "big"}) lock_group(name);
    for (int i = 0; i < targets_; ++i) target(i);
    for (int i = 0; i < tenants_; ++i) tenant(i);
    for (const char* name : kProjects) project(name);
    world_.outcome = [this](const api::DeploymentTask&, const std::string&, int) {
      if (random_.chance(0.15)) return PlannerWorld::Outcome::Fail;
      return random_.chance(0.05) ? PlannerWorld::Outcome::Retry : PlannerWorld::Outcome::Succeed;
    };
    for (const char* name : kProjects) release(name);
    if (random_.chance(0.6)) budget();
    deploy();
  }

  PlannerWorld& world() { return world_; }
  SeededRandom& random() { return random_; }

  int length() const { return length_; }
  // One thing happens; returns its name.
  std::string change() {
    switch (any(0, 19)) {
      case 0:
        release(any_project());
        return "release";
      case 1:
      case 2:
        deploy();
        return "deploy";
      case 3:
        tenant(any(0, tenants_));
        return "tenant";
      case 4:
        target(any(0, targets_ - 1));
        return "target";
      case 5:
        approve();
        return "approve";
      case 6:
        steer();
        return "steer";
      case 7:
        window();
        return "window";
      case 8:
        promotion();
        return "promotion";
      case 9:
        project(any_project());
        return "project";
      case 10:
        budget();
        return "budget";
      case 11:
        return remove();
      case 12:
        lock_group(pick({"slow", "wide", "shared", "big"}));
        return "lock group";
      case 13:
        return crash();
      case 14:
        return "lost " + lose();
      case 15:
        confirm();
        return "confirm";
      default:
        report();
        return "report";
    }
  }
  double pause() { return static_cast<double>(any(0, 30)); }

 private:
  static constexpr const char* kProjects[] = {"shop", "news"};

  int any(int low, int high) { return static_cast<int>(random_.between(low, high)); }
  std::string pick(const std::vector<std::string>& names) {
    return names[static_cast<std::size_t>(any(0, static_cast<int>(names.size()) - 1))];
  }
  std::string any_project() { return random_.chance(0.7) ? "shop" : "news"; }

  void target(int i) {
    const std::string name = "w" + std::to_string(i);
    world_.target(name, any(1, 3), !random_.chance(0.1));
    api::Target object = world_.target_object(name);
    object.spec.environments = {"staging", "production"};
    object.spec.paused = random_.chance(0.05);
    world_.put(object);
  }
  void tenant(int i) {
    api::Tenant object;
    object.metadata.name = "t" + std::to_string(i);
    object.metadata.labels["ring"] = pick({"canary", "first", "rest"});
    if (random_.chance(0.5)) object.metadata.labels["zone"] = pick({"a", "b"});
    object.spec.paused = random_.chance(0.05);
    world_.put(object);
  }

  // "slow" and "wide" are for whole deployments, the others for steps.
  void lock_group(const std::string& name) {
    api::LockGroupSpec spec;
    spec.granularity =
        name == "slow" || name == "wide" ? api::LockGranularity::Deployment : api::LockGranularity::Step;
    spec.scope = static_cast<api::LockScope>(any(0, 3));
    if (random_.chance(0.8)) spec.capacity = any(1, 3);
    world_.lock_group(name, spec);
  }
  std::vector<api::LockRequest> locks(const std::vector<std::string>& groups) {
    std::vector<api::LockRequest> all;
    for (const auto& group : groups) {
      if (!random_.chance(0.3)) continue;
      all.push_back(random_.chance(0.4)   ? exclusive(group)
                    : random_.chance(0.5) ? shared(group)
                                          : units(group, random_.chance(0.8) ? 1 : 2));
    }
    return all;
  }
  void project(const std::string& name) {
    std::optional<api::HealthCheck> check;
    if (random_.chance(0.3)) check.emplace().script = api::ScriptStep{"sh", "true"};
    std::vector<api::Step> steps;
    const int count = any(1, 3);
    for (int i = 0; i < count; ++i) {
      auto& made = steps.emplace_back(
          step(std::string(1, static_cast<char>('a' + i)), any(1, 10), locks({"shared", "big"})));
      if (i > 0 && random_.chance(0.2)) made.start = api::StepStart::WithPrevious;
      if (random_.chance(0.1)) made.isolation = api::StepIsolation::Exclusive;
      made.retry.limit = any(0, 1);
    }
    world_.project(name, steps, locks({"slow", "wide"}), check,
                   pick({"Never", "Report", "Correct", "CorrectInWindow"}));
  }
  void release(const std::string& project) {
    world_.release(project, "1.0." + std::to_string(++newest_[project]));
  }
  void budget() {
    api::PairSelector selector;
    const bool nested = random_.chance(0.4);
    if (nested) selector.projects = {any_project()};
    const std::string name = nested ? "inner" : "cap";
    if (random_.chance(0.15) && world_.budgets().count(name) != 0) {
      world_.remove("ConcurrencyBudget", name);
    } else {
      world_.budget(name, any(1, 4), selector);
    }
  }

  api::IntOrPercent share() {
    return random_.chance(0.5) ? api::IntOrPercent{any(1, 3), false} : api::IntOrPercent{any(1, 100), true};
  }
  api::GateSpec gate(const std::string& name) {
    api::GateSpec made;
    made.approval = name;
    made.required = random_.chance(0.3) ? 2 : 1;
    if (random_.chance(0.3)) made.expires_after = std::chrono::seconds(any(5, 60));
    return made;
  }
  void waves(api::RolloutStrategy& made) {
    for (const char* name : {"canary", "first"}) {
      auto& wave = made.waves.emplace_back();
      wave.name = name;
      wave.tenants.emplace().match_labels["ring"] = name;
      if (random_.chance(0.3)) wave.concurrency = share();
      if (random_.chance(0.3)) wave.min_succeeded = share();
      if (random_.chance(0.1)) wave.before.push_back(gate(std::string(name) + "-go"));
      if (random_.chance(0.1)) wave.after.push_back(gate(std::string(name) + "-done"));
    }
    if (random_.chance(0.8)) made.waves.emplace_back().name = "rest";
  }
  api::RolloutStrategy strategy() {
    api::RolloutStrategy made;
    if (random_.chance(0.5)) made.concurrency = share();
    if (random_.chance(0.2)) made.max_in_flight = any(1, 2);
    if (random_.chance(0.5)) made.max_failures = api::IntOrPercent{any(0, 50), true};
    if (random_.chance(0.3)) made.min_healthy = std::chrono::seconds(any(1, 20));
    if (random_.chance(0.3)) made.soak = std::chrono::seconds(any(1, 30));
    if (random_.chance(0.3)) made.steps = {share(), share()};
    if (random_.chance(0.2)) made.max_starts_per_minute = any(1, 3);
    if (random_.chance(0.2)) made.task_timeout = std::chrono::seconds(any(5, 30));
    if (random_.chance(0.3)) made.progress_deadline = std::chrono::seconds(any(20, 200));
    if (random_.chance(0.3)) made.order.by = {random_.chance(0.5) ? "zone" : "remaining-work"};
    if (random_.chance(0.3)) made.order.spread_by = "ring";
    made.retry.limit = any(0, 1);
    made.retry.backoff_initial = std::chrono::seconds(5);
    made.on_failure = static_cast<api::OnFailure>(random_.chance(0.4) ? any(3, 4) : any(0, 4));
    made.unreachable.policy = static_cast<api::UnreachablePolicy>(any(0, 2));
    made.unreachable.after = std::chrono::seconds(any(1, 40));
    made.unreachable.catch_up = !random_.chance(0.2);
    if (random_.chance(0.3)) made.unreachable.max = share();
    made.membership.added = static_cast<api::MembersAdded>(any(0, 1));
    made.supersede = static_cast<api::Supersede>(any(0, 1));
    if (random_.chance(0.7)) waves(made);
    return made;
  }

  void deploy() {
    const std::string project = any_project();
    const int newest = newest_[project];
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = project;
    spec.release.version = "1.0." + std::to_string(any(std::max(1, newest - 1), newest));
    spec.rollout = strategy();
    spec.priority = random_.chance(0.6) ? 0 : any(1, 2);
    spec.paused = random_.chance(0.1);
    spec.deletion_guard = {{random_.chance(0.5) ? 50 : 20, true}, any(0, 2)};
    if (random_.chance(0.3)) spec.tenants.emplace().match_labels["zone"] = pick({"a", "b"});
    if (random_.chance(0.2)) spec.targets.match_labels["name"] = pick({"w0", "w1"});
    if (random_.chance(0.1)) spec.pins = {{"t" + std::to_string(any(0, 4)), "", "1.0.1"}};
    world_.deployment(project + "-prod", spec);
    if (!random_.chance(0.4)) return;
    spec.environment_ref.name = "staging";
    world_.deployment(project + "-stage", spec);
  }

  void approve() {
    for (const auto& [name, rollout] : std::map(world_.rollouts())) {
      if (rollout->status.phase != "Progressing") continue;
      for (const char* gate : {"canary-go", "canary-done", "first-go", "first-done"}) approve(*rollout, gate);
    }
  }
  void approve(const api::Rollout& rollout, const std::string& gate) {
    if (random_.chance(0.4)) return;
    api::Approval object;
    object.metadata.name = "word-" + std::to_string(++words_);
    object.spec.rollout_ref.name = rollout.metadata.name;
    object.spec.gate = gate;
    object.spec.plan_hash = random_.chance(0.8) ? rollout.status.plan_hash : "sha256:other";
    object.spec.approver = pick({"ann", "ben"});
    if (random_.chance(0.2)) object.spec.decision = api::ApprovalDecision::Reject;
    world_.put(object);
  }
  void steer() {
    for (const auto& [name, rollout] : std::map(world_.rollouts())) {
      api::Rollout object = *rollout;
      object.spec.paused = random_.chance(0.2);
      object.spec.cancel = object.spec.cancel || random_.chance(0.05);
      for (const auto& wave : rollout->status.waves) {
        if (wave.failed > 0 && random_.chance(0.5)) object.spec.accepted_failures[wave.name] = wave.failed;
      }
      world_.put(object);
    }
  }
  void window() {
    api::DeploymentWindow object;
    object.metadata.name = pick({"one", "two"});
    object.spec.kind = random_.chance(0.5) ? api::WindowKind::Allow : api::WindowKind::Deny;
    object.spec.schedule = pick({"* * * * *", "*/2 * * * *", "0 * * * *"});
    object.spec.time_zone = "UTC";
    object.spec.duration = std::chrono::seconds(any(10, 50));
    if (random_.chance(0.3)) object.spec.in_flight = api::WindowInFlight::Cancel;
    object.spec.allow_rollback = random_.chance(0.7);
    if (random_.chance(0.5)) object.spec.selector.environments = {pick({"staging", "production"})};
    world_.put(object);
  }
  void promotion() {
    api::Environment object;
    object.metadata.name = "production";
    object.spec.paused = random_.chance(0.1);
    if (random_.chance(0.4)) object.spec.promotion.from = "staging";
    object.spec.promotion.per_tenant = random_.chance(0.7);
    if (random_.chance(0.3)) object.spec.promotion.required_soak = std::chrono::seconds(any(1, 40));
    if (random_.chance(0.3)) object.spec.promotion.min_succeeded = share();
    world_.put(object);
  }
  std::string remove() {
    const auto kind =
        pick({"ReleaseHold", "DeploymentWindow", "Tenant", "TenantDeployment", "LockGroup", "Release"});
    if (kind == "ReleaseHold") {
      for (const auto& [name, hold] : std::map(world_.holds())) world_.remove(kind, name);
    } else if (kind == "DeploymentWindow") {
      world_.remove(kind, pick({"one", "two"}));
    } else if (kind == "Tenant") {
      world_.remove(kind, "t" + std::to_string(any(0, tenants_)));
    } else if (kind == "LockGroup") {
      world_.remove(kind, pick({"slow", "wide", "shared", "big"}));
    } else if (kind == "Release") {
      if (random_.chance(0.3)) world_.remove(kind, "shop-1.0.1");
    } else if (random_.chance(0.3)) {
      world_.remove(kind, pick({"shop-stage", "news-prod"}));
    }
    return "remove " + kind;
  }

  // ---- what agents say, and what becomes of them

  std::vector<std::string> tasks_that(const std::function<bool(const api::DeploymentTask&)>& matches) {
    std::vector<std::string> names;
    for (const auto& [name, task] : world_.tasks()) {
      if (matches(*task)) names.push_back(name);
    }
    return names;
  }
  void report() {
    std::vector<std::string> installations;
    for (const auto& [name, task] : world_.tasks()) {
      if (task->status.phase == api::TaskPhase::Succeeded && task->spec.action != api::Action::Remove)
        installations.push_back(task->spec.installation);
    }
    if (installations.empty()) return;
    const auto& name = pick(installations);
    if (random_.chance(0.2)) {
      world_.drift(name);
    } else {
      world_.health(name, random_.chance(0.8));
    }
  }
  std::string crash() {
    const auto running = tasks_that([](const auto& task) { return task.status.phase == api::TaskPhase::Running; });
    if (running.empty() || random_.chance(0.3)) {
      world_.crash_planner();
      return "crash of the planner";
    }
    const auto& name = pick(running);
    if (random_.chance(0.5)) {
      world_.interrupt(name);
      return "interrupt";
    }
    world_.orphan(name);
    return "orphan";
  }
  // An orphan is found, or an executor falls silent until its time is up.
  std::string lose() {
    const auto orphans =
        tasks_that([](const auto& task) { return task.status.phase == api::TaskPhase::Orphaned; });
    if (!orphans.empty() && random_.chance(0.7)) {
      world_.interrupt(pick(orphans));
      return "and found";
    }
    const auto waiting = tasks_that([](const auto& task) { return !task.status.grant; });
    if (!waiting.empty() && random_.chance(0.5)) world_.silent.insert(pick(waiting));
    const auto silent = tasks_that([this](const auto& task) {
      return world_.silent.count(task.metadata.name) != 0 && task.status.phase == api::TaskPhase::Running;
    });
    if (silent.empty()) return "word";
    world_.prove_dead(pick(silent));
    return "process";
  }
  void confirm() {
    for (const auto& [name, installation] : std::map(world_.installations())) {
      for (const auto& blocked : installation->status.blocked_by) {
        if (blocked.kind != "MassRemoval" || world_.deployments().count(blocked.name) == 0) continue;
        const std::string hash = blocked.message.substr(blocked.message.rfind('=') + 1);
        world_.annotate(blocked.name, "tidelock.dev/confirm-removal", hash);
      }
    }
  }

  SeededRandom random_;
  PlannerWorld world_;
  // Small ones mostly: they are quick, and there is little that only a large one can show.
  const int length_ = random_.chance(0.1) ? 40 : any(4, 14);
  const int targets_ = any(1, 2);
  const int tenants_ = random_.chance(0.2) ? 5 : any(1, 3);
  std::map<std::string, int> newest_;
  int words_ = 0;
};

}  // namespace tidelock::testing
