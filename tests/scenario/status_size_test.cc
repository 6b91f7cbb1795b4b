// SPDX-License-Identifier: Apache-2.0
// Statuses stay small however much goes wrong (semantics.md §10).
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/api/codec.h"
#include "tests/support/effort.h"
#include "tests/support/planner_world.h"

namespace tidelock::testing {

TEST_CASE("ten thousand failing pairs make a small rollout status", "[scenario][size]") {
  constexpr std::size_t kRolloutBytesMax = 32 * 1024;
  constexpr std::size_t kInstallationBytesMax = 4 * 1024;
  const int tenants = effort("TIDELOCK_TENANTS", 1'000);
  PlannerWorld world;
  world.environment("production");
  for (int i = 0; i < 10; ++i) world.target("w" + std::to_string(i), 1'000);
  for (int i = 0; i < tenants; ++i) world.tenant("tenant-of-a-long-name-" + std::to_string(10'000 + i));
  world.project("shop", {step("a", 10)});
  world.release("shop", "1.0.0");
  world.outcome = [](const auto&, const auto&, int) { return PlannerWorld::Outcome::Fail; };
  api::TenantDeploymentSpec spec;
  spec.project_ref.name = "shop";
  spec.release.version = "1.0.0";
  for (int i = 0; i < 19; ++i) {
    auto& wave = spec.rollout.waves.emplace_back();
    wave.name = "wave-" + std::to_string(i);
    wave.tenants.emplace().match_labels["ring"] = wave.name;
  }
  spec.rollout.waves.emplace_back().name = "rest";
  spec.rollout.max_failures = api::IntOrPercent{100, true};
  world.deployment("shop", spec);
  world.run();
  REQUIRE(world.rollouts().size() == 1);
  const auto& rollout = *world.rollouts().begin()->second;
  CHECK(rollout.status.waves.back().failed == 10 * tenants);
  CHECK(api::encode_status(rollout).dump().size() < kRolloutBytesMax);
  for (const auto& [name, installation] : world.installations()) {
    REQUIRE(api::encode_status(*installation).dump().size() < kInstallationBytesMax);
  }
}

}  // namespace tidelock::testing
