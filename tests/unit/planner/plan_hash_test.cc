// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/plan_hash.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

using namespace planner;

PlanRow row(const std::string& tenant, int order) {
  PlanRow row;
  row.installation = "shop.production." + tenant + ".web-01";
  row.project = "shop";
  row.environment = "production";
  row.tenant = tenant;
  row.target = "web-01";
  row.action = api::Action::Upgrade;
  row.from = "1.0.0";
  row.to = "1.1.0";
  row.digest = "sha256:11";
  row.deployment = "shop-production";
  row.wave = "canary";
  row.order = order;
  return row;
}

using Strategies = std::map<std::string, api::RolloutStrategy>;

TEST_CASE("the plan hash is sha256 and the same on every machine", "[planner][hash]") {
  // A fixed value: another machine, compiler or version must come to it too.
  CHECK(plan_hash({row("t1", 1), row("t2", 2)}, {{"shop-production", {}}}) ==
        "sha256:e4244607054e4db8183f745505000c9b9aad8cd2be90831ceb66e81e4b3f8718");
  CHECK(plan_hash({}, {}) ==
        "sha256:4a8b8281658cebf1036be94f3b908b58498bcc25ef0b8fc26ba1fcd53fc4a775");
}

TEST_CASE("the plan hash does not depend on the order of rows", "[planner][hash]") {
  const std::vector<PlanRow> rows{row("t1", 1), row("t2", 1), row("t3", 2)};
  std::vector<PlanRow> turned{rows.rbegin(), rows.rend()};
  CHECK(plan_hash(rows, {}) == plan_hash(turned, {}));
}

TEST_CASE("the plan hash leaves out waits, pairs without a change and gaps in the order",
          "[planner][hash]") {
  const std::vector<PlanRow> rows{row("t1", 1), row("t2", 2)};
  const std::string hash = plan_hash(rows, {});
  auto waiting = rows;
  waiting[1].blocked_by.push_back({});
  CHECK(plan_hash(waiting, {}) == hash);
  auto with_idle = rows;
  with_idle.push_back(row("t3", 0));
  with_idle.back().action = api::Action::None;
  CHECK(plan_hash(with_idle, {}) == hash);
  auto later = rows;
  for (auto& one : later) one.order += 10;
  CHECK(plan_hash(later, {}) == hash);
  // The strategy of a deployment that does nothing here.
  CHECK(plan_hash(rows, {{"other", {}}}) == hash);
}

TEST_CASE("the plan hash changes with everything that a row or its strategy says",
          "[planner][hash]") {
  const Strategies strategies{{"shop-production", {}}};
  const std::vector<PlanRow> rows{row("t1", 1), row("t2", 2)};
  const std::string hash = plan_hash(rows, strategies);
  const std::vector<std::function<void(PlanRow&)>> changes{
      [](PlanRow& one) { one.project = "x"; },
      [](PlanRow& one) { one.environment = "x"; },
      [](PlanRow& one) { one.tenant = "x"; },
      [](PlanRow& one) { one.target = "x"; },
      [](PlanRow& one) { one.from = "0.9.0"; },
      [](PlanRow& one) { one.to = "1.2.0"; },
      [](PlanRow& one) { one.digest = "x"; },
      [](PlanRow& one) { one.wave = "rest"; },
      [](PlanRow& one) { one.order = 2; },
      [](PlanRow& one) { one.order = 3; },
      [](PlanRow& one) { one.deployment = "x"; },
      [](PlanRow& one) { one.action = api::Action::Install; },
      [](PlanRow& one) { one.action = api::Action::None; }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    INFO("change " << i);
    auto changed = rows;
    changes[i](changed[0]);
    // Another deployment counts through the strategies that are used.
    if (changed[0].deployment == "x") changes[i](changed[1]);
    CHECK(plan_hash(changed, strategies) != hash);
  }
  Strategies other = strategies;
  other["shop-production"].waves.push_back({});
  CHECK(plan_hash(rows, other) != hash);
}

TEST_CASE("a planner told the facts in any order comes to the same plan hash", "[planner][hash]") {
  PlannerWorld world;
  world.project("shop", {});
  world.release("shop", "1.0.0");
  world.environment("production");
  world.target("web-01", 1);
  for (const char* tenant : {"t1", "t2", "t3"}) world.tenant(tenant);
  api::TenantDeploymentSpec spec;
  spec.project_ref.name = "shop";
  spec.environment_ref.name = "production";
  spec.release.version = "1.0.0";
  spec.tenants.emplace();
  world.agent_works = false;
  world.deployment("shop-production", spec);
  world.run_until(5);
  std::vector<std::string> hashes;
  for (const bool reverse : {false, true}) {
    Planner planner{Options{}};
    world.tell_all(
        [&](const auto& objects) {
          for (const auto& [name, object] : objects) planner.set(object);
        },
        reverse);
    const auto rows = planner.rows(world.time());
    REQUIRE(rows.size() == 3);
    CHECK(rows[0].deployment == "shop-production");
    CHECK(rows[0].digest.starts_with("sha256:"));
    REQUIRE(planner.strategies(world.time()).contains("shop-production"));
    hashes.push_back(plan_hash(rows, planner.strategies(world.time())));
  }
  CHECK(hashes[0] == hashes[1]);
}

TEST_CASE("strategies are the rollout's copies, else the deployment's wish", "[planner][hash]") {
  PlannerWorld world;
  world.project("shop", {});
  world.release("shop", "1.0.0");
  world.environment("production");
  world.target("web-01", 1);
  world.tenant("t1");
  api::TenantDeploymentSpec spec;
  spec.project_ref.name = "shop";
  spec.environment_ref.name = "production";
  spec.release.version = "1.0.0";
  spec.tenants.emplace();
  spec.rollout.max_in_flight = 3;
  world.agent_works = false;
  world.deployment("shop-production", spec);
  CHECK(world.planner().strategies(world.time()).at("shop-production").max_in_flight == 3);
  world.run_until(5);
  spec.rollout.max_in_flight = 7;  // later edits touch only the next rollout
  world.deployment("shop-production", spec);
  CHECK(world.planner().strategies(world.time()).at("shop-production").max_in_flight == 3);
  world.release("shop", "1.1.0");
  world.run_until(6);
  spec.release.version = "1.1.0";
  world.deployment("shop-production", spec);
  CHECK(world.planner().strategies(world.time()).at("shop-production").max_in_flight == 7);
}

api::RolloutSpec rollout() {
  api::RolloutSpec spec;
  spec.tenant_deployment_ref.name = "shop-production";
  spec.version = "1.1.0";
  spec.digest = "sha256:11";
  api::WaveSpec canary;
  canary.name = "canary";
  canary.before.push_back({"go", 1, std::nullopt});
  spec.strategy.waves.push_back(canary);
  return spec;
}

struct RolloutMember {
  std::string installation, wave, digest;
};

// Members may come in any order.
std::string rollout_plan_hash(const api::RolloutSpec& rollout, const std::vector<RolloutMember>& members) {
  MemberTree tree;
  for (const auto& one : members) {
    tree.put({&one.installation, MemberTree::sum_of(one.installation, one.wave, one.digest)});
  }
  return planner::rollout_plan_hash(rollout_head(rollout), tree.sum());
}

const std::vector<RolloutMember> kMembers{{"a", "canary", "sha256:11"}, {"b", "rest", "sha256:11"}};

TEST_CASE("the hash of a rollout is fixed while nobody changes what is agreed to",
          "[planner][hash]") {
  const std::string hash = rollout_plan_hash(rollout(), kMembers);
  CHECK(hash == "sha256:fcdd65eaebd4655b0f0b25ec6c7338c5c1590909317627375453a85fe97026c7");
  CHECK(rollout_plan_hash(rollout(), {kMembers.rbegin(), kMembers.rend()}) == hash);
  auto handled = rollout();
  handled.paused = handled.cancel = true;
  handled.priority = 7;
  handled.accepted_failures["canary"] = 2;
  CHECK(rollout_plan_hash(handled, kMembers) == hash);
}

TEST_CASE("the hash of a rollout changes with digest, strategy, gates and members",
          "[planner][hash]") {
  const std::string hash = rollout_plan_hash(rollout(), kMembers);
  auto spec = rollout();
  spec.digest = "sha256:22";
  CHECK(rollout_plan_hash(spec, kMembers) != hash);
  spec = rollout();
  spec.tenant_deployment_ref.name = "other";
  CHECK(rollout_plan_hash(spec, kMembers) != hash);
  spec = rollout();
  spec.strategy.waves[0].before[0].required = 2;
  CHECK(rollout_plan_hash(spec, kMembers) != hash);
  spec = rollout();
  spec.strategy.max_failures = api::IntOrPercent{5, false};
  CHECK(rollout_plan_hash(spec, kMembers) != hash);
  auto members = kMembers;
  members[1].wave = "canary";
  CHECK(rollout_plan_hash(rollout(), members) != hash);
  members = kMembers;
  members[1].digest = "sha256:22";
  CHECK(rollout_plan_hash(rollout(), members) != hash);
  members = kMembers;
  members.push_back({"c", "rest", "sha256:11"});
  CHECK(rollout_plan_hash(rollout(), members) != hash);
  CHECK(rollout_plan_hash(rollout(), {kMembers[0]}) != hash);
}

}  // namespace
}  // namespace tidelock::testing
