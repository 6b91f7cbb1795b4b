// SPDX-License-Identifier: Apache-2.0
// A planner that heard of every change says the same as one that is told the facts as they are now: over
// random histories of rollouts with waves, gates, windows, holds, health, drift and promotion.
// TIDELOCK_REBUILDS=n runs more of them, TIDELOCK_SEED=s begins at s; a failure names its seed and step.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <sstream>

#include "controller/api/codec.h"
#include "controller/base/random.h"
#include "tests/support/effort.h"
#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

constexpr int kSteps = 40;

std::string told(const std::vector<planner::PlanRow>& rows) {
  std::ostringstream out;
  for (const auto& row : rows) {
    out << row.order << " " << row.installation << " " << api::to_string(row.action) << " " << row.from << ">"
        << row.to << " " << row.wave;
    for (const auto& blocked : row.blocked_by) {
      out << " [" << blocked.kind << " " << blocked.name << " " << blocked.holder << ": " << blocked.message << "]";
    }
    out << "\n";
  }
  return out.str();
}

bool is_status(const planner::Effect& effect) {
  return std::holds_alternative<planner::InstallationStatusChange>(effect) ||
         std::holds_alternative<planner::TenantDeploymentStatusChange>(effect) ||
         std::holds_alternative<planner::RolloutStatusChange>(effect) ||
         std::holds_alternative<planner::BudgetStatusChange>(effect) ||
         std::holds_alternative<planner::LockGroupStatusChange>(effect);
}

class History {
 public:
  explicit History(std::uint64_t seed) : random_(seed) {
    for (const char* name : {"staging", "production"}) world_.environment(name);
    for (int i = 0; i < 2; ++i) target(i);
    const int tenants = static_cast<int>(random_.between(2, 5));
    for (int i = 0; i < tenants; ++i) tenant(i);
    project();
    world_.outcome = [this](const api::DeploymentTask&, const std::string&, int) {
      if (random_.chance(0.15)) return PlannerWorld::Outcome::Fail;
      return random_.chance(0.05) ? PlannerWorld::Outcome::Retry : PlannerWorld::Outcome::Succeed;
    };
    release();
    deploy();
  }

  void run() {
    for (int step = 0; step < kSteps; ++step) {
      last_ = change();
      world_.settle();
      check(step);
      world_.run_until(world_.now() + static_cast<double>(random_.between(0, 30)));
      last_ += ", time";
      check(step);
    }
  }

 private:
  int any(int low, int high) { return static_cast<int>(random_.between(low, high)); }
  std::string pick(const std::vector<std::string>& names) {
    return names[static_cast<std::size_t>(any(0, static_cast<int>(names.size()) - 1))];
  }

  void target(int i) {
    const std::string name = "w" + std::to_string(i);
    world_.target(name, any(1, 3), !random_.chance(0.2));
    api::Target object = world_.target_object(name);
    object.spec.environments = {"staging", "production"};
    object.spec.paused = random_.chance(0.1);
    world_.put(object);
  }
  void tenant(int i) {
    std::map<std::string, std::string> labels{{"ring", pick({"canary", "first", "rest"})}};
    if (random_.chance(0.5)) labels["zone"] = pick({"a", "b"});
    world_.tenant("t" + std::to_string(i), labels);
  }
  void project() {
    std::optional<api::HealthCheck> check;
    if (random_.chance(0.3)) check.emplace().script = api::ScriptStep{"sh", "true"};
    std::vector<api::Step> steps{step("a", 10)};
    if (random_.chance(0.5)) steps.push_back(step("b", 5));
    world_.project("shop", steps, {}, check, pick({"Never", "Report", "Correct", "CorrectInWindow"}));
  }
  void release() {
    ++newest_;
    world_.release("shop", "1.0." + std::to_string(newest_));
  }
  api::IntOrPercent share() {
    return random_.chance(0.5) ? api::IntOrPercent{any(1, 3), false} : api::IntOrPercent{any(1, 100), true};
  }
  api::GateSpec gate(const std::string& name) {
    api::GateSpec made;
    made.approval = name;
    if (random_.chance(0.3)) made.expires_after = std::chrono::seconds(any(5, 60));
    return made;
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
    if (random_.chance(0.3)) made.order.by = {"zone"};
    if (random_.chance(0.3)) made.order.spread_by = "ring";
    made.retry.limit = any(0, 1);
    made.retry.backoff_initial = std::chrono::seconds(5);
    made.on_failure = static_cast<api::OnFailure>(any(0, 4));
    made.unreachable.policy = static_cast<api::UnreachablePolicy>(any(0, 2));
    made.unreachable.after = std::chrono::seconds(any(1, 40));
    if (random_.chance(0.3)) made.unreachable.max = share();
    made.supersede = static_cast<api::Supersede>(any(0, 1));
    if (random_.chance(0.3)) return made;
    for (const char* name : {"canary", "first"}) {
      auto& wave = made.waves.emplace_back();
      wave.name = name;
      wave.tenants.emplace().match_labels["ring"] = name;
      if (random_.chance(0.3)) wave.min_succeeded = share();
      if (random_.chance(0.2)) wave.before.push_back(gate(std::string(name) + "-go"));
      if (random_.chance(0.2)) wave.after.push_back(gate(std::string(name) + "-done"));
    }
    if (random_.chance(0.8)) made.waves.emplace_back().name = "rest";
    return made;
  }

  void deploy() {
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = "shop";
    spec.release.version = "1.0." + std::to_string(any(std::max(1, newest_ - 1), newest_));
    spec.rollout = strategy();
    spec.paused = random_.chance(0.1);
    spec.deletion_guard = {{50, true}, 1};
    world_.deployment("prod", spec);
    if (!random_.chance(0.4)) return;
    spec.environment_ref.name = "staging";
    world_.deployment("stage", spec);
  }

  void approve() {
    for (const auto& [name, rollout] : std::map(world_.rollouts())) {
      api::Approval object;
      object.metadata.name = "word-" + std::to_string(++words_);
      object.spec.rollout_ref.name = name;
      object.spec.gate = pick({"canary-go", "canary-done", "first-go", "first-done"});
      object.spec.plan_hash = random_.chance(0.8) ? rollout->status.plan_hash : "sha256:other";
      object.spec.approver = pick({"ann", "ben"});
      if (random_.chance(0.2)) object.spec.decision = api::ApprovalDecision::Reject;
      world_.put(object);
    }
  }
  void steer() {
    for (const auto& [name, rollout] : std::map(world_.rollouts())) {
      api::Rollout object = *rollout;
      object.spec.paused = random_.chance(0.3);
      object.spec.cancel = object.spec.cancel || random_.chance(0.1);
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
    if (random_.chance(0.5)) object.spec.selector.environments = {pick({"staging", "production"})};
    world_.put(object);
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
  void promotion() {
    api::Environment object;
    object.metadata.name = "production";
    object.spec.paused = random_.chance(0.2);
    if (random_.chance(0.5)) object.spec.promotion.from = "staging";
    object.spec.promotion.per_tenant = random_.chance(0.7);
    if (random_.chance(0.3)) object.spec.promotion.required_soak = std::chrono::seconds(any(1, 40));
    if (random_.chance(0.3)) object.spec.promotion.min_succeeded = share();
    world_.put(object);
  }

  std::string change() {
    switch (any(0, 12)) {
      case 0: release(); return "release";
      case 1: deploy(); return "deploy";
      case 2: tenant(any(0, 5)); return "tenant";
      case 3: target(any(0, 1)); return "target";
      case 4: approve(); return "approve";
      case 5: steer(); return "steer";
      case 6: window(); return "window";
      case 7: promotion(); return "promotion";
      case 8: project(); return "project";
      case 9: world_.budget("cap", any(1, 4)); return "budget";
      case 10: return remove();
      default: report(); return "report";
    }
  }
  std::string remove() {
    const auto kind = pick({"ReleaseHold", "DeploymentWindow", "Tenant", "TenantDeployment"});
    if (kind == "ReleaseHold") {
      for (const auto& [name, hold] : std::map(world_.holds())) world_.remove(kind, name);
    } else if (kind == "DeploymentWindow") {
      world_.remove(kind, pick({"one", "two"}));
    } else if (kind == "Tenant") {
      world_.remove(kind, "t" + std::to_string(any(0, 5)));
    } else if (random_.chance(0.3)) {
      world_.remove(kind, "stage");
    }
    return "remove " + kind;
  }

  void check(int step) {
    world_.settle();
    planner::Options options;
    options.epoch = 1'000;
    planner::Planner fresh(options);
    world_.tell_all(
        [&](const auto& objects) {
          for (const auto& [name, object] : objects) fresh.set(object);
        },
        random_.chance(0.5));
    INFO("step " << step << ", after: " << last_ << ", at " << world_.now());
    REQUIRE(told(world_.planner().rows(world_.time())) == told(fresh.rows(world_.time())));
    // Statuses may be on their way: how often they are written is memory. Nothing else is.
    for (const auto& effect : fresh.plan(world_.time()).effects) REQUIRE(is_status(effect));
  }

  SeededRandom random_;
  PlannerWorld world_;
  int newest_ = 0;
  int words_ = 0;
  std::string last_;
};

}  // namespace

TEST_CASE("a planner that heard of every change agrees with one that is told the facts", "[scenario][rebuild]") {
  const int histories = effort("TIDELOCK_REBUILDS", 400);
  const char* given = std::getenv("TIDELOCK_SEED");
  const int first = given == nullptr ? 1 : std::atoi(given);
  for (int i = 0; i < histories; ++i) {
    INFO("seed " << first + i);
    History(static_cast<std::uint64_t>(first + i)).run();
  }
}

}  // namespace tidelock::testing
