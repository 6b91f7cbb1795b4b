// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/planner.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

#include "tests/support/planner_world.h"

namespace tidelock::planner {
namespace {

using testing::exclusive;
using testing::PlannerWorld;
using testing::step;

const std::string kPair = "shop.production.t1.web-01";

api::TenantDeploymentSpec wish(const std::string& version) {
  api::TenantDeploymentSpec spec;
  spec.project_ref.name = "shop";
  spec.release.version = version;
  return spec;
}

// One project of two steps, one target, n tenants; nothing is deployed yet.
void shop(PlannerWorld& world, int tenants = 1, int slots = 10) {
  world.environment("production");
  world.target("web-01", slots);
  for (int i = 1; i <= tenants; ++i) world.tenant("t" + std::to_string(i));
  world.project("shop", {step("a", 10), step("b", 10)});
  world.release("shop", "1.0.0");
  world.release("shop", "2.0.0");
}

template <class E>
std::vector<E> only(const Effects& effects) {
  std::vector<E> found;
  for (const auto& effect : effects.effects) {
    if (const auto* one = std::get_if<E>(&effect)) found.push_back(*one);
  }
  return found;
}

std::vector<std::size_t> kinds(const Effects& effects) {
  std::vector<std::size_t> indexes;
  for (const auto& effect : effects.effects) indexes.push_back(effect.index());
  return indexes;
}

const api::Condition& condition(const api::Installation& installation, const std::string& type) {
  const auto* found = api::find_condition(installation.status.conditions, type);
  REQUIRE(found != nullptr);
  return *found;
}

}  // namespace

TEST_CASE("names of pairs are readable, deterministic and never shared", "[planner][names]") {
  CHECK(installation_name("storefront", "production", "tenant-02", "web-01") ==
        "storefront.production.tenant-02.web-01");
  CHECK(task_name("storefront.production.tenant-02.web-01", 1) ==
        "storefront.production.tenant-02.web-01-1");
  CHECK(installation_name("p", "e", "", "w") == "p.e.w");
  CHECK(installation_name("a.b", "c", "t", "w") != installation_name("a", "b.c", "t", "w"));
  const std::string longest(200, 'x');
  CHECK(task_name(installation_name(longest, longest, longest, longest), 1'000'000).size() <= 253);
  CHECK(installation_name(longest, "e", "a", longest) !=
        installation_name(longest, "e", "b", longest));
}

TEST_CASE("planning twice without new facts gives the same effects", "[planner]") {
  PlannerWorld world;
  shop(world, 3, 1);
  world.deployment("shop", wish("1.0.0"));
  for (int round = 0; round < 4; ++round) {
    const auto first = world.planner().plan(world.time());
    const auto second = world.planner().plan(world.time());
    CHECK(kinds(first) == kinds(second));
    const auto grants = only<GrantTask>(first);
    const auto again = only<GrantTask>(second);
    REQUIRE(grants.size() == again.size());
    for (std::size_t i = 0; i < grants.size(); ++i) CHECK(grants[i].grant == again[i].grant);
    world.run_until(world.now() + 5);
  }
}

// Were it otherwise, a crash between the two writes would leave two tasks with one slot.
TEST_CASE("a slot is granted only when who had it is known to have given it up", "[planner]") {
  PlannerWorld world;
  world.environment("production");
  world.target("web-01", 10);
  world.tenant("t1");
  world.tenant("t2");
  auto first = step("a", 10);
  first.retry = {1, std::chrono::seconds(5)};
  world.project("shop", {first, step("b", 10)});
  world.release("shop", "1.0.0");
  world.budget("all", 1);
  // t1 rests in backoff from 10 to 15; t2 has the slot then, and comes to a step boundary at 20.
  world.outcome = [](const auto& task, const std::string& name, int attempt) {
    const bool fails = task.spec.tenant == "t1" && name == "a" && attempt == 1;
    return fails ? PlannerWorld::Outcome::Retry : PlannerWorld::Outcome::Succeed;
  };
  int parkings = 0;
  bool losing = false;
  world.lose = [&](const Effect& effect) {
    const auto* grant = std::get_if<GrantTask>(&effect);
    const bool parks = grant != nullptr && grant->grant.step_count == 0;
    if (parks && losing) ++parkings;
    return parks && losing && parkings < 10;
  };
  world.deployment("shop", wish("1.0.0"));
  world.run_until(19);
  losing = true;
  bool crashed = false;
  const auto running = [&] {
    int steps = 0;
    for (const auto& [name, task] : world.tasks()) {
      for (const auto& one : task->status.steps) steps += one.phase == api::StepPhase::Running;
    }
    return steps;
  };
  world.after_step = [&] {
    CHECK(running() <= 1);
    if (parkings > 0 && !crashed) {
      crashed = true;
      world.crash_planner();
    }
  };
  world.run();
  CHECK(crashed);
  CHECK(parkings >= 10);
  for (const auto& [name, task] : world.tasks()) CHECK(task->status.phase == api::TaskPhase::Succeeded);
}

TEST_CASE("a new planner that is told the facts in any order plans the same", "[planner]") {
  PlannerWorld world;
  shop(world, 5, 2);
  world.deployment("shop", wish("1.0.0"));
  world.run_until(12);
  Planner forward{Options{7}};
  Planner backward{Options{7}};
  const auto tell = [](Planner& planner, const auto& objects, bool reverse) {
    std::vector<typename std::decay_t<decltype(objects)>::mapped_type> list;
    for (const auto& [name, object] : objects) list.push_back(object);
    if (reverse) std::reverse(list.begin(), list.end());
    for (const auto& object : list) planner.set(object);
  };
  world.agent_works = false;
  world.tell_all([&](const auto& objects) { tell(forward, objects, false); }, false);
  world.tell_all([&](const auto& objects) { tell(backward, objects, true); }, true);
  const auto a = forward.plan(world.time());
  const auto b = backward.plan(world.time());
  CHECK(kinds(a) == kinds(b));
  CHECK(a.next == b.next);
  CHECK(forward.rows(world.time()) == backward.rows(world.time()));
}

TEST_CASE("nothing is deployed before the release has its copy of the process", "[planner]") {
  PlannerWorld world;
  world.lose = [](const Effect& effect) {
    return std::holds_alternative<ReleaseStatusChange>(effect);
  };
  shop(world);
  world.deployment("shop", wish("1.0.0"));
  for (int i = 0; i < 3; ++i) {
    const auto effects = world.planner().plan(world.time());
    CHECK(only<ReleaseStatusChange>(effects).size() == 2);
    CHECK(only<CreateInstallation>(effects).empty());
    CHECK(only<CreateTask>(effects).empty());
  }
}

TEST_CASE("editing the project changes no release that was seen before", "[planner]") {
  PlannerWorld world;
  shop(world);
  world.deployment("shop", wish("1.0.0"));
  world.run();
  world.project("shop", {step("other", 1)});
  world.run();
  CHECK(world.tasks().size() == 1);
  world.deployment("shop", wish("2.0.0"));
  world.run();
  // 2.0.0 was seen together with 1.0.0.
  CHECK(world.tasks().at(kPair + "-2")->spec.steps.size() == 2);
}

TEST_CASE("a deployment costs at most four status writes of its installation",
          "[planner][writes]") {
  PlannerWorld world;
  shop(world, 10, 1);
  world.deployment("shop", wish("1.0.0"));
  world.run();
  // Created once; the first starts at once: running and the end.
  CHECK(world.writes().at("Installation/" + kPair) <= 1 + 4);
  PlannerWorld wide;
  shop(wide, 10, 10);
  wide.deployment("shop", wish("1.0.0"));
  wide.run();
  for (const auto& [name, count] : wide.writes()) {
    if (name.rfind("Installation/", 0) == 0) CHECK(count <= 1 + 2);
  }
}

TEST_CASE("terminal tasks are deleted when their result is kept, except the newest two",
          "[planner]") {
  PlannerWorld world;
  shop(world);
  for (int i = 1; i <= 6; ++i) {
    world.deployment("shop", wish(i % 2 == 1 ? "1.0.0" : "2.0.0"));
    world.run();
  }
  CHECK(world.tasks().size() == 2);
  const auto& status = world.installations().at(kPair)->status;
  CHECK(status.attempts == 6);
  CHECK(status.history.size() == 6);
  CHECK(status.history.front().attempt == 6);
  CHECK(status.actual_release == "2.0.0");
  CHECK(status.previous_good_release == "1.0.0");
}

TEST_CASE("the newest success stays whatever failed after it: reports on what is installed are in it",
          "[planner]") {
  PlannerWorld world;
  shop(world);
  world.deployment("shop", wish("1.0.0"));
  world.run();
  world.outcome = [](const api::DeploymentTask&, const std::string&, int) {
    return PlannerWorld::Outcome::Fail;
  };
  auto broken = wish("2.0.0");
  broken.rollout.retry.limit = 4;
  world.deployment("shop", broken);
  world.run();
  CHECK(world.installations().at(kPair)->status.attempts == 6);
  std::set<int> kept;
  for (const auto& [name, task] : world.tasks()) kept.insert(task->spec.attempt);
  CHECK(kept == std::set<int>{1, 5, 6});
  world.outcome = {};
  world.release("shop", "3.0.0");
  world.deployment("shop", wish("3.0.0"));
  world.run();
  kept.clear();
  for (const auto& [name, task] : world.tasks()) kept.insert(task->spec.attempt);
  CHECK(kept == std::set<int>{6, 7});
}

TEST_CASE("a report of another installation is not believed", "[planner]") {
  PlannerWorld world;
  shop(world);
  world.deployment("shop", wish("1.0.0"));
  world.run();
  world.remove("Installation", kPair);
  world.run();
  // The target says that it has 1.0.0, but for an installation that is gone.
  CHECK(world.installations().at(kPair)->status.attempts == 2);
  CHECK(condition(*world.installations().at(kPair), "Ready").status);
}

TEST_CASE("success counts only when the target reports the release that was sent", "[planner]") {
  PlannerWorld world;
  shop(world);
  world.report_digest = "sha256:other";
  world.deployment("shop", wish("1.0.0"));
  world.run();
  CHECK(world.tasks().size() == 1);
  const auto& installation = *world.installations().at(kPair);
  CHECK_FALSE(condition(installation, "Ready").status);
  CHECK(condition(installation, "Stalled").reason == "ReportMismatch");
}

TEST_CASE("a failure names the step and what it said", "[planner]") {
  PlannerWorld world;
  shop(world);
  world.outcome = [](const api::DeploymentTask&, const std::string& name, int) {
    return name == "b" ? PlannerWorld::Outcome::Fail : PlannerWorld::Outcome::Succeed;
  };
  world.deployment("shop", wish("1.0.0"));
  world.run();
  const auto& stalled = condition(*world.installations().at(kPair), "Stalled");
  CHECK(stalled.status);
  CHECK(stalled.reason == "TaskFailed");
  CHECK(stalled.message.find("step b: it failed") != std::string::npos);
  CHECK(world.tasks().size() == 1);
}

TEST_CASE("the strategy StopAtStepBoundary ends the running task before its next step",
          "[planner]") {
  PlannerWorld world;
  shop(world);
  auto spec = wish("1.0.0");
  spec.rollout.supersede = api::Supersede::StopAtStepBoundary;
  world.deployment("shop", spec);
  world.run_until(5);
  spec.release.version = "2.0.0";
  world.deployment("shop", spec);
  world.run();
  CHECK(world.tasks().at(kPair + "-1")->status.phase == api::TaskPhase::Cancelled);
  CHECK(world.tasks().at(kPair + "-2")->status.phase == api::TaskPhase::Succeeded);
  REQUIRE(world.intervals().size() == 3);
  CHECK(world.intervals()[0].end == 10);
  CHECK(world.intervals()[1].begin == 10);
}

TEST_CASE("a cancelled rollout ends what waits and starts nothing", "[planner]") {
  PlannerWorld world;
  shop(world, 2, 1);
  world.deployment("shop", wish("1.0.0"));
  world.run_until(5);
  api::Rollout rollout = *world.rollouts().begin()->second;
  rollout.spec.cancel = true;
  world.put(rollout);
  world.run();
  for (const auto& [name, task] : world.tasks())
    CHECK(task->status.phase == api::TaskPhase::Cancelled);
  CHECK(world.rollouts().begin()->second->status.phase == "Cancelled");
}

TEST_CASE("secrets stay references, and may not be used where a plain text is needed",
          "[planner]") {
  PlannerWorld world;
  shop(world);
  api::Project project;
  project.metadata.name = "safe";
  project.spec.process.install_directory = "/srv/${tenant.name}/safe";
  api::Variable password;
  password.name = "password";
  password.secret = api::SecretKeyReference{"db", "password"};
  project.spec.process.variables = {password};
  project.spec.process.steps = {step("a", 1)};
  world.put(project);
  world.release("safe", "1.0.0");
  auto spec = wish("1.0.0");
  spec.project_ref.name = "safe";
  world.deployment("safe", spec);
  world.run();
  const auto& variables = world.tasks().at("safe.production.t1.web-01-1")->spec.variables;
  REQUIRE(variables.size() == 1);
  CHECK(variables[0].value.empty());
  CHECK(variables[0].secret == api::SecretKeyReference{"db", "password"});

  project.metadata.name = "unsafe";
  project.spec.process.install_directory = "/srv/${password}";
  world.put(project);
  world.release("unsafe", "1.0.0");
  spec.project_ref.name = "unsafe";
  world.deployment("unsafe", spec);
  world.run();
  const auto blocked = world.planner().why("unsafe.production.t1.web-01", world.time());
  REQUIRE(blocked.size() == 1);
  CHECK(blocked[0].kind == "Invalid");
  CHECK(blocked[0].message.find("password is a secret") != std::string::npos);
  CHECK(condition(*world.installations().at("unsafe.production.t1.web-01"), "Stalled").status);
}

TEST_CASE("two projects in one directory of a target wait for each other unless they share it",
          "[planner][locks]") {
  for (const bool shared : {false, true}) {
    PlannerWorld world;
    shop(world);
    for (const char* name : {"p1", "p2"}) {
      api::Project project;
      project.metadata.name = name;
      project.spec.process.install_directory =
          std::string("/srv/app") + (name[1] == '2' ? "/sub" : "");
      project.spec.process.allow_shared_install_directory = shared;
      project.spec.process.steps = {step("a", 10)};
      world.put(project);
      world.release(name, "1.0.0");
      auto spec = wish("1.0.0");
      spec.project_ref.name = name;
      world.deployment(name, spec);
    }
    world.run_until(5);
    const auto blocked = world.planner().why("p2.production.t1.web-01", world.time());
    CHECK(blocked.empty() == shared);
    if (!shared) CHECK(blocked[0].holder == "p1.production.t1.web-01-1");
    world.run();
    CHECK(world.now() >= (shared ? 10 : 20));
  }
}

TEST_CASE("a heartbeat of a target changes no plan", "[planner]") {
  PlannerWorld world;
  shop(world, 3, 1);
  world.deployment("shop", wish("1.0.0"));
  world.run_until(2);
  world.heartbeat("web-01");
  CHECK(world.planner().plan(world.time()).effects.empty());
}

TEST_CASE("a target that is not ready says why, and starts its tasks when it is", "[planner]") {
  PlannerWorld world;
  shop(world);
  world.target("web-01", 10, false);
  world.deployment("shop", wish("1.0.0"));
  world.run_until(1);
  const auto message = [&] { return world.planner().why(kPair, world.time()).at(0).message; };
  CHECK(message().find("no agent has reported yet; run tidelock agent --target web-01") !=
        std::string::npos);
  CHECK(world.planner().why(kPair, world.time()).at(0).kind == "Unreachable");
  auto target = world.target_object("web-01");
  target.spec.executor = api::Executor::Local;
  world.put(target);
  world.run_until(2);
  CHECK(message().find("no agent serves it; start the server with --allow-local-executor") !=
        std::string::npos);
  world.target("web-01", 10);
  world.run();
  CHECK(condition(*world.installations().at(kPair), "Ready").status);
}

TEST_CASE("an urgent waiter lends its priority to the parked task that is in its way",
          "[planner][locks]") {
  // low holds `whole` and is parked: its second step waits for `gate`. When that is free there is
  // one slot for low and middle; low gets it, since high waits for what low holds.
  PlannerWorld world;
  shop(world);
  api::LockGroupSpec group;
  group.capacity = 1;
  world.lock_group("gate", group);
  group.granularity = api::LockGranularity::Deployment;
  world.lock_group("whole", group);
  world.budget("cap", 1);
  const auto deploy = [&](const char* name, std::vector<api::Step> steps,
                          std::vector<api::LockRequest> locks, int priority) {
    world.project(name, std::move(steps), std::move(locks));
    world.release(name, "1.0.0");
    auto spec = wish("1.0.0");
    spec.project_ref.name = name;
    spec.priority = priority;
    world.deployment(name, spec);
  };
  world.budget("cap", 2);
  deploy("blocker", {step("a", 25, {exclusive("gate")})}, {}, 0);
  deploy("low", {step("a", 10), step("b", 10, {exclusive("gate")})}, {exclusive("whole")}, 0);
  world.run_until(11);
  world.budget("cap", 1);
  deploy("high", {step("a", 10)}, {exclusive("whole")}, 5);
  deploy("middle", {step("a", 10)}, {}, 3);
  world.run();
  std::map<std::string, double> begin;
  for (const auto& interval : world.intervals())
    begin[interval.task.substr(0, interval.task.find('.')) + interval.step] = interval.begin;
  CHECK(begin["lowb"] == 25);
  CHECK(begin["higha"] == 35);
  CHECK(begin["middlea"] == 45);
}

TEST_CASE("what happened is told in the grant: whom the request waited for, and how long",
          "[planner]") {
  PlannerWorld world;
  shop(world, 2, 1);
  world.deployment("shop", wish("1.0.0"));
  world.run_until(25);
  const auto& grant = *world.tasks().at("shop.production.t2.web-01-1")->status.grant;
  REQUIRE(grant.waits.size() == 1);
  CHECK(grant.waits[0].kind == "Lock");
  CHECK(grant.waits[0].name == "target/web-01/slots");
  CHECK(grant.waits[0].holder == kPair + "-1");
  CHECK(testing::second_of(grant.waits[0].from) == 0);
  CHECK(testing::second_of(grant.waits[0].until) == 20);
}

TEST_CASE("lock groups and budgets show who holds, who waits, and end empty", "[planner][status]") {
  PlannerWorld world;
  shop(world, 3);
  api::LockGroupSpec group;
  group.scope = api::LockScope::Target;
  group.capacity = 1;
  world.lock_group("config", group);
  world.budget("cap", 5);
  world.project("locked", {step("a", 10, {exclusive("config")})});
  world.release("locked", "1.0.0");
  auto spec = wish("1.0.0");
  spec.project_ref.name = "locked";
  world.deployment("locked", spec);
  world.run_until(5);
  const auto& status = world.lock_groups().at("config")->status;
  CHECK(status.holding == 1);
  CHECK(status.waiting == 2);
  REQUIRE(status.holders.size() == 1);
  CHECK(status.holders[0].instance == "target/web-01/config");
  CHECK(status.holders[0].step == "a");
  REQUIRE(status.waiters.size() == 2);
  CHECK(status.waiters[1].position == 2);
  CHECK(world.budgets().at("cap")->status.used == 1);
  CHECK(world.budgets().at("cap")->status.waiting == 2);
  world.run();
  CHECK(world.lock_groups().at("config")->status.holding == 0);
  CHECK(world.budgets().at("cap")->status.used == 0);
}

TEST_CASE("shrinking a budget or a capacity evicts nobody", "[planner]") {
  PlannerWorld world;
  shop(world, 4);
  world.budget("cap", 3);
  world.deployment("shop", wish("1.0.0"));
  world.run_until(5);
  world.budget("cap", 1);
  world.target("web-01", 1);
  world.run();
  REQUIRE(world.intervals().size() == 8);
  for (const auto& interval : world.intervals()) {
    CHECK(interval.end - interval.begin == 10);
  }
  CHECK(world.tasks().at("shop.production.t4.web-01-1")->status.phase == api::TaskPhase::Succeeded);
}

TEST_CASE("objects that come late are waited for by name", "[planner]") {
  PlannerWorld world;
  world.deployment("shop", wish("1.0.0"));
  world.run();
  CHECK(api::find_condition(world.deployments().at("shop")->status.conditions, "Stalled")->reason ==
        "ReferenceNotFound");
  shop(world);
  world.run();
  CHECK(world.deployments().at("shop")->status.ready == 1);
  CHECK(api::find_condition(world.deployments().at("shop")->status.conditions, "Ready")->status);
  CHECK(world.deployments().at("shop")->status.observed_generation == 1);
}

TEST_CASE("fences go on after those of an earlier planner", "[planner]") {
  Options options;
  options.epoch = 2;
  options.after = {2, 41};
  PlannerWorld world(options);
  world.environment("production");
  world.target("w1", 1);
  world.tenant("t1");
  world.project("shop", {step("a", 10)});
  world.release("shop", "1.0.0");
  api::TenantDeploymentSpec spec;
  spec.project_ref.name = "shop";
  spec.release.version = "1.0.0";
  world.deployment("shop", spec);
  world.run_until(1);
  REQUIRE(world.tasks().size() == 1);
  CHECK(world.tasks().begin()->second->status.grant->fence == api::Fence{2, 42});
  CHECK(world.planner().fence() == api::Fence{2, 42});
}

}  // namespace tidelock::planner
