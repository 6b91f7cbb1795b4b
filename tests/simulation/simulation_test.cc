// SPDX-License-Identifier: Apache-2.0
// The simulator itself: same seed, same run; violations are seen; its parts do what they promise. The
// campaign over many seeds is the program `simulation`.
#include "tests/simulation/simulation.h"

#include <catch2/catch.hpp>

#include "controller/base/log.h"
#include "tests/simulation/check_tasks.h"
#include "tests/simulation/fiber.h"
#include "tests/simulation/plants.h"
#include "tests/simulation/sim_store.h"
#include "tests/support/effort.h"

using namespace tidelock;
using namespace tidelock::simulation;

namespace {

struct Quiet {
  Quiet() { set_log_level(LogLevel::Off); }
} quiet;

HeldLock held(const std::string& task, const std::string& instance, api::LockMode mode,
              int units = 1) {
  return {task, {instance, mode, units}};
}

}  // namespace

TEST_CASE("the same seed is the same run to the byte, another seed is another", "[simulation]") {
  const int seeds = testing::effort("TIDELOCK_SEEDS", 10);
  std::set<std::uint64_t> hashes;
  for (int seed = 1; seed <= seeds; ++seed) {
    const RunResult once = run_simulation({.seed = static_cast<std::uint64_t>(seed)});
    const RunResult twice = run_simulation({.seed = static_cast<std::uint64_t>(seed)});
    INFO("simulation --seed " << seed << (once.violation ? ": " + once.violation->message : ""));
    CHECK_FALSE(once.violation);
    CHECK(once.trace_hash == twice.trace_hash);
    CHECK(once.events == twice.events);
    hashes.insert(once.trace_hash);
  }
  CHECK(hashes.size() == static_cast<std::size_t>(seeds));
}

TEST_CASE("a violation is seen: the canary fails", "[simulation]") {
  const RunResult result = run_simulation({.seed = 1, .canary = true});
  REQUIRE(result.violation);
  CHECK(result.violation->invariant == "canary");
}

TEST_CASE("a planted bug is found, and is gone when it is taken out", "[simulation]") {
  REQUIRE(set_plant("SkipLockCheck"));
  bool found = false;
  for (std::uint64_t seed = 1; seed <= 50 && !found; ++seed) {
    const auto violation = run_simulation({.seed = seed}).violation;
    found = violation && violation->invariant.starts_with("locks are exclusive");
  }
  set_plant("");
  CHECK(found);
  CHECK_FALSE(run_simulation({.seed = 1}).violation);
  CHECK_FALSE(set_plant("NoSuchPlant"));
  CHECK(plant_names().size() >= 20);
}

TEST_CASE("a fiber waits where it stands, and dies there", "[simulation][fiber]") {
  std::vector<int> steps;
  bool unwound = false;
  struct OnExit {
    bool& flag;
    ~OnExit() { flag = true; }
  };
  Fiber fiber([&] {
    const OnExit exit{unwound};
    for (int i = 0;; ++i) {
      steps.push_back(i);
      Fiber::current()->yield();
    }
  });
  fiber.resume();
  fiber.resume();
  CHECK(steps == std::vector<int>{0, 1});
  CHECK_FALSE(unwound);
  fiber.kill();
  CHECK(unwound);
  CHECK(fiber.ended());
}

TEST_CASE("a write is durable only after the disk was asked, and a crash loses the rest",
          "[simulation][store]") {
  Kernel kernel(1, false);
  SimStore store(kernel);
  bool acknowledged = false;
  store.submit({{"/a", "1", std::nullopt}}, [&](const auto& done) { acknowledged = done.has_value(); });
  CHECK(store.revision() == 0);
  CHECK_FALSE(acknowledged);
  while (kernel.step(kNever)) {
  }
  CHECK(store.revision() == 1);
  CHECK(acknowledged);
  bool told = true;
  store.submit({{"/b", "1", std::nullopt}}, [&](const auto& done) { told = done.has_value(); });
  store.crash();
  CHECK_FALSE(told);
  while (kernel.step(kNever)) {
  }
  CHECK(store.revision() <= 2);
}

TEST_CASE("events of one instant run in an order of the seed", "[simulation][kernel]") {
  const auto order = [](std::uint64_t seed) {
    Kernel kernel(seed, false);
    std::vector<int> ran;
    for (int i = 0; i < 8; ++i) kernel.after(Duration{5}, [&ran, i] { ran.push_back(i); });
    kernel.after(Duration{1}, [&ran] { ran.push_back(-1); });
    while (kernel.step(kNever)) {
    }
    return ran;
  };
  CHECK(order(1) == order(1));
  CHECK(order(1) != order(2));
  CHECK(order(1).front() == -1);
}

TEST_CASE("the lock checker knows exclusion, capacity and directories", "[simulation][checker]") {
  using enum api::LockMode;
  Capacities capacities;
  auto group = std::make_shared<api::LockGroup>();
  group->metadata.name = "g";
  group->spec.capacity = 2;
  capacities.changed(std::shared_ptr<const api::LockGroup>(group));
  CHECK(conflict_of({held("a", "global/g", Shared), held("b", "global/g", Shared)}, capacities).empty());
  CHECK(!conflict_of({held("a", "global/g", Shared, 2), held("b", "global/g", Shared)}, capacities).empty());
  CHECK(!conflict_of({held("a", "global/g", Exclusive), held("b", "global/g", Shared)}, capacities).empty());
  CHECK(conflict_of({held("a", "global/g", Exclusive), held("a", "global/g", Shared)}, capacities).empty());
  CHECK(!conflict_of({held("a", "target/w/path/srv/x", Exclusive),
                      held("b", "target/w/path/srv/x/y", Exclusive)},
                     capacities)
             .empty());
}
