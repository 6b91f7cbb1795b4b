// SPDX-License-Identifier: Apache-2.0
// L13: a thousand waiters on one lock for an hour.
#include <catch2/catch.hpp>

#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

int unfinished_started(const PlannerWorld& world) {
  int count = 0;
  for (const auto& [name, task] : world.tasks()) {
    if (task->status.grant && !api::is_terminal(task->status.phase)) ++count;
  }
  return count;
}

int installation_writes(const PlannerWorld& world) {
  int count = 0;
  for (const auto& [name, writes] : world.writes()) {
    if (name.rfind("Installation/", 0) == 0) count += writes;
  }
  return count;
}

}  // namespace

TEST_CASE("L13: a thousand waiters cost nothing while nothing happens", "[scenario][locks]") {
  constexpr int kTenants = 1001;
  PlannerWorld world;
  world.environment("production");
  world.target("web-01", 1);
  for (int i = 0; i < kTenants; ++i) world.tenant("t" + std::to_string(10000 + i));
  world.project("shop", {step("only", 3600)});
  world.release("shop", "1.0.0");
  api::TenantDeploymentSpec spec;
  spec.project_ref.name = "shop";
  spec.release.version = "1.0.0";
  world.deployment("shop", spec);
  world.run_until(5);
  CHECK(unfinished_started(world) == 1);
  // Created, and told once why it waits.
  CHECK(installation_writes(world) <= 2 * kTenants);

  const int plans = world.plans();
  const auto writes = world.writes();
  world.run_until(3599);
  CHECK(world.plans() - plans <= 2);
  CHECK(world.writes() == writes);

  const int before = installation_writes(world);
  world.run_until(3605);
  CHECK(unfinished_started(world) == 1);
  CHECK(world.intervals().size() == 1);
  // The one that ended, the one that started, and the first in the line who see a new holder.
  CHECK(installation_writes(world) - before <= 4 + 25);
}

}  // namespace tidelock::testing
