// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/rehearsal.h"

#include <catch2/catch.hpp>

#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

using namespace planner;
using std::chrono::hours;

api::TenantDeploymentSpec wish(const std::string& version) {
  api::TenantDeploymentSpec spec;
  spec.project_ref.name = "shop";
  spec.release.version = version;
  return spec;
}

void shop(PlannerWorld& world, int tenants, int max_concurrent) {
  world.lock_group("central", {api::LockScope::Target, 1, api::LockGranularity::Step, 0, {}});
  world.project("shop",
                {step("stop", 10), step("register", 5, {exclusive("central")}), step("start", 20)});
  world.release("shop", "1.0.0");
  world.release("shop", "1.1.0");
  world.environment("production");
  world.target("web-01", max_concurrent);
  for (int i = 1; i <= tenants; ++i) world.tenant("t" + std::to_string(i));
}

Facts facts_of(const PlannerWorld& world) {
  Facts facts;
  struct Take {
    Facts& facts;
    void operator()(const ByName<api::Project>& all) { facts.projects = all; }
    void operator()(const ByName<api::Release>& all) { facts.releases = all; }
    void operator()(const ByName<api::Environment>& all) { facts.environments = all; }
    void operator()(const ByName<api::Tenant>& all) { facts.tenants = all; }
    void operator()(const ByName<api::Target>& all) { facts.targets = all; }
    void operator()(const ByName<api::LockGroup>& all) { facts.lock_groups = all; }
    void operator()(const ByName<api::ConcurrencyBudget>& all) { facts.budgets = all; }
    void operator()(const ByName<api::TenantDeployment>& all) { facts.deployments = all; }
    void operator()(const ByName<api::Rollout>& all) { facts.rollouts = all; }
    void operator()(const ByName<api::Installation>& all) { facts.installations = all; }
    void operator()(const ByName<api::DeploymentTask>& all) { facts.tasks = all; }
    void operator()(const ByName<api::DeploymentWindow>& all) { facts.windows = all; }
    void operator()(const ByName<api::Approval>& all) { facts.approvals = all; }
    void operator()(const ByName<api::ReleaseHold>& all) { facts.holds = all; }
  };
  Take take{facts};
  world.tell_all([&](const auto& objects) { take(objects); }, false);
  return facts;
}

std::optional<Duration> as_written(const api::DeploymentTask& task, std::size_t step) {
  const double seconds = std::stod(task.spec.steps[step].step.script->body);
  return Duration(static_cast<std::int64_t>(seconds * 1e6));
}

TEST_CASE("a settled rehearsal has the rows that the world comes to", "[planner][rehearsal]") {
  PlannerWorld world;
  world.agent_works = false;
  shop(world, 4, 2);
  world.deployment("shop", wish("1.0.0"));
  Rehearsal rehearsal(facts_of(world), world.time());
  CHECK(rehearsal.planner().rows(world.time()).front().blocked_by.empty());
  REQUIRE(rehearsal.settle());
  world.settle();
  CHECK(rehearsal.planner().rows(world.time()) == world.planner().rows(world.time()));
  CHECK(rehearsal.planner().rows(world.time()).back().blocked_by.size() == 1);
}

TEST_CASE("a rehearsal ends each pair when the world does", "[planner][rehearsal]") {
  PlannerWorld world;
  shop(world, 5, 3);
  world.budget("cap", 2);
  world.deployment("shop", wish("1.0.0"));
  const auto start_at = GENERATE(0.0, 3.0, 12.0, 31.0, 70.0);  // in the middle of steps, too
  world.run_until(start_at);
  Rehearsal rehearsal(facts_of(world), world.time());
  REQUIRE(rehearsal.settle());
  REQUIRE(rehearsal.run(as_written, world.time() + hours(1), 10'000));
  CHECK(rehearsal.unknown().empty());
  world.run();
  int compared = 0;
  for (const auto& [name, times] : rehearsal.times()) {
    for (const auto& [task_name, task] : world.tasks()) {
      if (task->spec.installation != name) continue;
      INFO(name << " from " << start_at);
      REQUIRE(times.finished);
      CHECK(second_of(*times.finished) == Approx(second_of(*task->status.finished_at)));
      ++compared;
    }
  }
  CHECK(compared > 0);
  for (const auto& row : rehearsal.planner().rows(rehearsal.now())) {
    CHECK(row.action == api::Action::None);
  }
}

TEST_CASE("a rehearsal of an upgrade leaves the world as it is", "[planner][rehearsal]") {
  PlannerWorld world;
  shop(world, 2, 1);
  world.deployment("shop", wish("1.0.0"));
  world.run();
  world.deployment("shop", wish("1.1.0"));
  const auto rows = world.planner().rows(world.time());
  Rehearsal rehearsal(facts_of(world), world.time());
  REQUIRE(rehearsal.settle());
  REQUIRE(rehearsal.run(as_written, world.time() + hours(1), 10'000));
  CHECK(rehearsal.times().size() == 2);
  CHECK(world.planner().rows(world.time()) == rows);
  CHECK(rows.front().action == api::Action::Upgrade);
}

TEST_CASE("a rehearsal stops at a step whose time nobody knows, at its end and at its limit",
          "[planner][rehearsal]") {
  PlannerWorld world;
  shop(world, 3, 1);
  world.deployment("shop", wish("1.0.0"));
  const Facts facts = facts_of(world);
  Rehearsal unknown(facts, world.time());
  REQUIRE(unknown.settle());
  CHECK(unknown.run([](const auto&, std::size_t) { return std::nullopt; }, world.time() + hours(1),
                    10'000));
  CHECK(unknown.unknown() == "step stop of project shop on web-01");
  Rehearsal brief(facts, world.time());
  REQUIRE(brief.settle());
  CHECK(brief.run(as_written, world.time() + std::chrono::seconds(40), 10'000));
  CHECK(brief.times().at("shop.production.t1.web-01").finished);
  CHECK_FALSE(brief.times().at("shop.production.t2.web-01").finished);
  Rehearsal few(facts, world.time());
  REQUIRE(few.settle());
  CHECK_FALSE(few.run(as_written, world.time() + hours(1), 2));
}

}  // namespace
}  // namespace tidelock::testing
