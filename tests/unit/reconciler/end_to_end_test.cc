// SPDX-License-Identifier: Apache-2.0
// The whole loop against the real API server and the CRDs of crd/, in virtual time.
#include <catch2/catch.hpp>

#include "tests/support/test_api_server.h"
#include "tests/unit/reconciler/faulty_transport.h"
#include "tests/unit/reconciler/world.h"

using namespace tidelock;
using testing::FaultyTransport;
using testing::TestApiServer;
using testing::World;

namespace {

struct Fixture {
  TestApiServer api;
  FaultyTransport faulty{api.transport(), 9};
  World world{faulty, api.transport(), [this] { return static_cast<long>(api.store().revision()); }};

  Fixture() {
    world.on_time = [this](TimePoint time) { api.clock().set(time); };
    world.each_round = [this] { api.step(); };
  }
  void check_runs(std::size_t expected) {
    std::map<std::pair<std::string, int>, int> count;
    for (const auto& run : world.agent.runs) ++count[{run.task, run.step}];
    CHECK(count.size() == expected);
    for (const auto& [step, runs] : count) CHECK(runs == 1);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "ten tenants of one project reach one target together",
                 "[reconciler][end_to_end]") {
  world.seed({});
  world.run_until(200);
  CHECK(world.ready());
  check_runs(60);
  CHECK(world.peak(4) == 1);
  CHECK(world.makespan() == 150);
  const auto deployment = world.get<api::TenantDeployment>("storefront-production");
  CHECK(deployment.status.desired == 10);
  CHECK(deployment.status.ready == 10);
  for (const auto& installation : world.all<api::Installation>()) {
    CHECK(installation.status.actual_release == "1.0.0");
    CHECK(installation.status.blocked_by.empty());
  }
}

TEST_CASE_METHOD(Fixture, "the next release upgrades all, and a removed tenant is removed",
                 "[reconciler][end_to_end]") {
  world.seed({.tenants = 3});
  world.run_until(200);
  REQUIRE(world.ready());
  world.create(World::release("1.1.0"));
  world.merge<api::TenantDeployment>("storefront-production",
                                     {{"spec", {{"release", {{"version", "1.1.0"}}}}}});
  world.run_until(205);
  CHECK_FALSE(world.ready());
  world.run_until(400);
  CHECK(world.ready());
  for (const auto& installation : world.all<api::Installation>()) {
    CHECK(installation.status.actual_release == "1.1.0");
    CHECK(installation.status.previous_good_release == "1.0.0");
  }
  world.create(World::tenant(4));
  world.run_until(600);
  CHECK(world.ready());
  CHECK(world.all<api::Installation>().size() == 4);
}

TEST_CASE_METHOD(Fixture, "restarts and faults in the middle lose nothing and double nothing",
                 "[reconciler][end_to_end][faults]") {
  world.seed({.tenants = 4, .steps = 3, .locked_step = 1, .max_concurrent = 3});
  faulty.rate = 0.05;
  for (int at = 10; at < 200; at += 25) {
    world.run_until(at);
    world.restart();
  }
  faulty.rate = 0;
  world.run_until(800);
  CHECK(faulty.faults > 5);
  CHECK(world.ready());
  check_runs(12);
  CHECK(world.peak(1) == 1);
  CHECK(world.peak(-1) <= 3);
}

TEST_CASE_METHOD(Fixture, "a deployment of ten tenants costs few durable writes",
                 "[reconciler][end_to_end]") {
  world.seed({.steps = 1, .locked_step = -1});
  const auto before = api.store().revision();
  world.run_until(4);  // no renewal of the lease yet
  world.run_until(14);
  REQUIRE(world.all<api::DeploymentTask>().size() == 10);
  const auto writes = api.store().revision() - before;
  INFO(writes << " writes");
  CHECK(writes <= 10 * 12);
}
