// SPDX-License-Identifier: Apache-2.0
// What a rollout's status says of times, counts and of what people said before it was wished for again.
#include <catch2/catch.hpp>

#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

struct Shop : PlannerWorld {
  explicit Shop(api::RolloutStrategy strategy = {}) {
    environment("production");
    target("w1", 10);
    for (const char* name : {"t1", "t2", "t3"}) tenant(name);
    project("shop", {step("a", 10)});
    for (const char* version : {"1.0.0", "2.0.0"}) release("shop", version);
    spec_.project_ref.name = "shop";
    spec_.rollout = strategy;
  }
  void wish(const std::string& version) {
    spec_.release.version = version;
    deployment("shop", spec_);
  }
  void fail_version(const std::string& version) {
    outcome = [version](const api::DeploymentTask& task, const std::string&, int) {
      return task.spec.version == version ? Outcome::Fail : Outcome::Succeed;
    };
  }
  const api::Rollout& rollout(const std::string& version) const {
    for (const auto& [name, object] : rollouts()) {
      if (object->spec.version == version) return *object;
    }
    throw std::logic_error("no rollout of " + version);
  }
  void steer(const std::string& version, const std::function<void(api::RolloutSpec&)>& edit) {
    api::Rollout object = rollout(version);
    edit(object.spec);
    put(object);
  }

 private:
  api::TenantDeploymentSpec spec_;
};

api::RolloutStrategy careful() {
  api::RolloutStrategy strategy;
  strategy.concurrency = api::IntOrPercent{1, false};
  strategy.max_failures = api::IntOrPercent{0, false};
  return strategy;
}

}  // namespace

TEST_CASE("a rollout that is over is not halted", "[planner][rollout]") {
  api::RolloutStrategy strategy;
  strategy.soak = std::chrono::seconds(30);
  Shop shop(strategy);
  shop.wish("1.0.0");
  shop.run_until(20);
  CHECK(shop.rollout("1.0.0").status.halted_at);  // it soaks
  shop.run();
  CHECK(shop.rollout("1.0.0").status.phase == "Succeeded");
  CHECK(shop.rollout("1.0.0").status.finished_at);
  CHECK_FALSE(shop.rollout("1.0.0").status.halted_at);

  // Nor one that was left while it stood.
  shop.wish("2.0.0");
  shop.run_until(shop.now() + 15);
  REQUIRE(shop.rollout("2.0.0").status.halted_at);
  shop.wish("1.0.0");
  shop.run();
  CHECK(shop.rollout("2.0.0").status.phase == "Superseded");
  CHECK_FALSE(shop.rollout("2.0.0").status.halted_at);
}

TEST_CASE("the time in which a rollout was over does not count against its deadline", "[planner][rollout]") {
  api::RolloutStrategy strategy;
  strategy.progress_deadline = std::chrono::seconds(100);
  strategy.unreachable.policy = api::UnreachablePolicy::Skip;
  strategy.unreachable.after = std::chrono::seconds(5);
  Shop shop(strategy);
  shop.target("w1", 10, false);
  shop.wish("1.0.0");
  shop.run_until(1'000);
  REQUIRE(shop.rollout("1.0.0").status.phase == "Failed");
  CHECK_FALSE(shop.rollout("1.0.0").status.halted_at);
  shop.target("w1", 10);
  shop.settle();
  const auto& status = shop.rollout("1.0.0").status;
  CHECK(status.phase == "Progressing");
  CHECK(status.reason.empty());
  shop.run();
  CHECK(shop.rollout("1.0.0").status.phase == "Succeeded");
}

TEST_CASE("pairs that a hold keeps off the release are counted in their wave", "[planner][rollout]") {
  Shop shop;
  shop.wish("1.0.0");
  shop.run();
  api::ReleaseHold hold;
  hold.metadata.name = "off";
  hold.spec.tenant_deployment_ref.name = "shop";
  hold.spec.version = "2.0.0";
  for (const auto& [name, object] : shop.rollouts()) CHECK(object->status.waves.front().held == 0);
  shop.wish("2.0.0");
  shop.run();
  hold.spec.digest = shop.rollout("2.0.0").spec.digest;
  shop.put(hold);
  shop.run();
  const auto& wave = shop.rollout("2.0.0").status.waves.front();
  CHECK(wave.held == 3);
  CHECK(wave.members == wave.succeeded + wave.failed + wave.unreachable + wave.running + wave.waiting + wave.held);
}

TEST_CASE("failures that were accepted count anew when the release is wished for again", "[planner][rollout]") {
  Shop shop(careful());
  shop.wish("1.0.0");
  shop.run();
  shop.fail_version("2.0.0");
  shop.wish("2.0.0");
  shop.run();
  REQUIRE(shop.rollout("2.0.0").status.phase == "Paused");
  shop.steer("2.0.0", [](api::RolloutSpec& spec) { spec.accepted_failures["all"] = 1; });
  shop.run();
  const auto failed = [&] { return shop.rollout("2.0.0").status.waves.front().failed; };
  CHECK(failed() == 2);  // the one that was accepted, and the next
  shop.wish("1.0.0");
  shop.run();
  shop.wish("2.0.0");
  shop.run();
  CHECK(shop.rollout("2.0.0").spec.accepted_failures.empty());
  CHECK(shop.rollout("2.0.0").status.phase == "Paused");
  CHECK(failed() == 1);
}

TEST_CASE("a rollout that was cancelled goes again when its release is wished for again", "[planner][rollout]") {
  Shop shop(careful());
  shop.wish("1.0.0");
  shop.run();
  shop.wish("2.0.0");
  shop.run_until(shop.now() + 5);
  shop.steer("2.0.0", [](api::RolloutSpec& spec) { spec.cancel = true; });
  shop.run();
  REQUIRE(shop.rollout("2.0.0").status.phase == "Cancelled");
  shop.wish("1.0.0");
  shop.run();
  shop.lose = [n = 0](const planner::Effect& effect) mutable {
    return std::holds_alternative<planner::ResetRollout>(effect) && ++n < 3;
  };
  shop.wish("2.0.0");
  shop.run();
  CHECK_FALSE(shop.rollout("2.0.0").spec.cancel);
  CHECK(shop.rollout("2.0.0").status.phase == "Succeeded");
  CHECK(shop.installations().at("shop.production.t3.w1")->status.actual_release == "2.0.0");
}

}  // namespace tidelock::testing
