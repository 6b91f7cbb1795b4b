// SPDX-License-Identifier: Apache-2.0
// How fast the planner goes through a namespace of 10,000 pending tasks with a budget of ten.
// Prints seconds to the first grant and cycles (grant, run, finish, next grant) per second.
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "tests/support/planner_world.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void measure(const char* name, int targets, int tenants, int slots, bool step_lock) {
  using namespace tidelock::testing;
  PlannerWorld world;
  world.environment("production");
  world.budget("task-cap", 10);
  tidelock::api::LockGroupSpec group;
  group.scope = tidelock::api::LockScope::Target;
  group.capacity = 1;
  world.lock_group("config", group);
  for (int i = 0; i < targets; ++i) world.target("target-" + std::to_string(10000 + i), slots);
  for (int i = 0; i < tenants; ++i) world.tenant("tenant-" + std::to_string(10000 + i));
  world.project("shop", {step("only", 1,
                              step_lock ? std::vector{exclusive("config")}
                                        : std::vector<tidelock::api::LockRequest>{})});
  world.release("shop", "1.0.0");
  tidelock::api::TenantDeploymentSpec spec;
  spec.project_ref.name = "shop";
  spec.release.version = "1.0.0";
  world.deployment("shop", spec);
  const auto start = Clock::now();
  world.settle();
  const double first = seconds_since(start);
  const auto begin = Clock::now();
  const std::size_t before = world.intervals().size();
  world.run();
  const double cycles = static_cast<double>(world.intervals().size() - before);
  std::printf("%-34s first grant %.2f s, %.0f cycles/s\n", name, first,
              cycles / seconds_since(begin));
}

}  // namespace

int main() {
  measure("1000 targets x 10 tenants", 1000, 10, 1, false);
  measure("1000 targets, a lock per target", 1000, 10, 10, true);
  measure("1 target x 10000 tenants, 1 slot", 1, 10000, 1, false);
  measure("1 target x 10000 tenants, 100 slots", 1, 10000, 100, false);
  return 0;
}
