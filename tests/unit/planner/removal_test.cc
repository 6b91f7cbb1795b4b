// SPDX-License-Identifier: Apache-2.0
// Removals that stop halfway, and many at once.
#include <catch2/catch.hpp>

#include "controller/api/meta.h"
#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

// Two tenants at 1.0.0; removals fail once the receipt is gone.
struct Half : PlannerWorld {
  explicit Half(int retries = 0) {
    environment("production");
    target("w1", 10);
    tenant("t1");
    tenant("t2");
    project("shop", {step("a", 10)});
    release("shop", "1.0.0");
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = "shop";
    spec.release.version = "1.0.0";
    spec.rollout.retry.limit = retries;
    spec.rollout.retry.backoff_initial = std::chrono::seconds(60);
    deployment("shop", spec);
    run();
    half_removals = true;
    remove("Tenant", "t2");
  }
  const api::InstallationStatus& leaver() const { return installations().at("shop.production.t2.w1")->status; }
};

}  // namespace

TEST_CASE("a removal that failed halfway leaves nothing that counts as installed", "[planner][removal]") {
  Half world;
  REQUIRE(world.leaver().actual_release == "1.0.0");
  world.run();
  REQUIRE(world.installations().count("shop.production.t2.w1") == 1);
  CHECK(world.leaver().actual_release.empty());
  CHECK(world.leaver().actual_digest.empty());
  CHECK(world.leaver().action == api::Action::Remove);
  const auto* stalled = api::find_condition(world.leaver().conditions, "Stalled");
  REQUIRE(stalled != nullptr);
  CHECK(stalled->status);
  CHECK(stalled->message.find("Permission denied") != std::string::npos);

  // Wished for again it is installed, not taken for being there.
  world.half_removals = false;
  world.tenant("t2");
  world.run();
  CHECK(world.leaver().actual_release == "1.0.0");
  CHECK(world.tasks().at("shop.production.t2.w1-3")->spec.action == api::Action::Install);
}

TEST_CASE("a removal that failed halfway is tried again as its strategy says", "[planner][removal]") {
  Half world(1);
  world.run_until(world.now() + 30);
  CHECK(world.leaver().actual_release.empty());
  world.half_removals = false;
  world.run();
  CHECK(world.installations().count("shop.production.t2.w1") == 0);
}

TEST_CASE("more removals than allowed are told with what a person says yes to", "[planner][removal]") {
  PlannerWorld world;
  world.environment("production");
  world.target("w1", 20);
  for (int i = 0; i < 10; ++i) world.tenant("t" + std::to_string(i));
  world.project("shop", {step("a", 1)});
  world.release("shop", "1.0.0");
  api::TenantDeploymentSpec spec;
  spec.project_ref.name = "shop";
  spec.release.version = "1.0.0";
  spec.deletion_guard = {{10, true}, 2};
  world.deployment("shop", spec);
  world.run();
  const auto asked = [&] { return world.planner().mass_removal("shop", world.time()); };
  CHECK_FALSE(asked());
  CHECK_FALSE(world.planner().mass_removal("no-such", world.time()));
  for (int i = 0; i < 3; ++i) world.remove("Tenant", "t" + std::to_string(i));
  world.settle();
  const auto removal = asked();
  REQUIRE(removal);
  CHECK(removal->installations ==
        std::vector<std::string>{"shop.production.t0.w1", "shop.production.t1.w1", "shop.production.t2.w1"});
  CHECK(removal->pairs == 10);
  CHECK(removal->allowed == 2);
  CHECK_FALSE(removal->confirmed);
  world.annotate("shop", planner::kConfirmRemoval, removal->hash);
  world.run();
  CHECK(world.installations().size() == 7);
  CHECK_FALSE(asked());
}

}  // namespace tidelock::testing
