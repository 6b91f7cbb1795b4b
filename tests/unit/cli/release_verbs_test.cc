// SPDX-License-Identifier: Apache-2.0
// why, locks, timeline, rollout status and logs, with the real controller deciding and this
// test as the agent.
#include <catch2/catch.hpp>

#include "tests/unit/cli/fleet.h"

namespace tidelock::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

// L12: L2 at t=65, each tenant takes 60 s there; here 20 s, so t=25.
TEST_CASE("why, describe, locks and their JSON say the same of a waiter", "[cli]") {
  Fleet fleet;
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  for (int step = 0; step < 2; ++step) {
    fleet.api().advance(std::chrono::seconds(10));
    fleet.finish_step(1);
  }
  fleet.api().advance(std::chrono::seconds(5));
  fleet.settle();
  const std::string line =
      "tenant-05 on web-01: waits for Lock target/web-01/slots (position 3), held by " +
      Fleet::task(2) + " step 1 since 2026-01-01T00:00:20Z\n";
  CHECK(fleet.run({"why", "tenant-05"}).out == line);
  CHECK(fleet.run({"why", Fleet::task(5)}).out == line);
  CHECK(fleet.run({"why", "inst/storefront.production.tenant-05.web-01"}).out == line);
  CHECK_THAT(fleet.run({"describe", "inst", "storefront.production.tenant-05.web-01"}).out,
             Contains("Blocked By:\n  " + line));

  const json why = json::parse(fleet.run({"why", "tenant-05", "-o", "json"}).out);
  const json& record = why[0]["blockedBy"][0];
  CHECK(record["kind"] == "Lock");
  CHECK(record["name"] == "target/web-01/slots");
  CHECK(record["position"] == 3);
  CHECK(record["holder"] == Fleet::task(2));
  CHECK(record ==
        fleet.object(
            "installations/storefront.production.tenant-05.web-01")["status"]["blockedBy"][0]);

  const json locks = json::parse(fleet.run({"locks", "target/web-01/slots", "-o", "json"}).out);
  REQUIRE(locks.size() == 1);
  CHECK(locks[0]["capacity"] == 1);
  CHECK(locks[0]["holders"][0]["task"] == Fleet::task(2));
  CHECK(locks[0]["holders"][0]["stepNumber"] == 1);
  CHECK(locks[0]["holders"][0]["since"] == "2026-01-01T00:00:20.000000Z");
  CHECK(locks[0]["waiters"][2]["task"] == Fleet::task(5));
  CHECK(locks[0]["waiters"][2]["position"] == 3);
  CHECK_THAT(fleet.run({"locks", "target/web-01/slots"}).out,
             Contains("capacity 1  1 holding, 8 waiting") && Contains("step 1 (stop)") &&
                 Contains("position 3   " + Fleet::task(5)));
}

TEST_CASE("locks hides what concerns one pair only, unless asked", "[cli]") {
  Fleet fleet(1);
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  CHECK_THAT(fleet.run({"locks"}).out,
             Contains("target/web-01/slots") && !Contains("pair/") && Contains("--all shows them"));
  CHECK_THAT(fleet.run({"locks", "--all"}).out,
             Contains("pair/storefront/production/tenant-01/web-01"));
  const CliResult free = fleet.run({"locks", "target/web-09/slots"});
  CHECK(free.code == 0);
  CHECK_THAT(free.err, StartsWith("Lock target/web-09/slots is free"));
}

TEST_CASE("why tells of what runs, what is done and what is unknown", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  CHECK(fleet.run({"why", "tenant-01"}).out ==
        "tenant-01 on web-01: Running: " + Fleet::task(1) + " step 1 (stop)\n");
  fleet.finish_all(2);
  CHECK(fleet.run({"why", "tenant-01"}).out ==
        "tenant-01 on web-01: not waiting; 1.0.0 is installed\n");
  const CliResult unknown = fleet.run({"why", "tenant-99"});
  CHECK(unknown.code == 1);
  CHECK(unknown.err ==
        "error: no installation, tenant or task \"tenant-99\" in the default namespace\n");
  CHECK(fleet.run({"why", "project/storefront"}).code == 1);
}

TEST_CASE("the timeline shows runs, waits and who waited for whom", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  fleet.width = 70;
  fleet.finish_all(2);
  const std::string out = fleet.run({"timeline", "storefront-production"}).out;
  INFO(out);
  CHECK_THAT(out, Contains("0s") && Contains("40s"));
  CHECK_THAT(out, Contains("tenant-01 on web-01  1111") && Contains("2222"));
  CHECK_THAT(out, Contains("tenant-02 on web-01  ----"));
  CHECK_THAT(out, Contains("Steps:  1 stop  2 start") && Contains("Succeeded 20s") &&
                      Contains("Succeeded 40s"));
  CHECK_THAT(out, Contains("tenant-02 on web-01 waited 20s for Lock target/web-01/slots, held by "
                           "tenant-01 on web-01"));
  CHECK_THAT(fleet.run({"timeline", "nothing"}).err, StartsWith("Error from server (NotFound)"));
}

TEST_CASE("rollout status follows until all pairs are ready and exits 0", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  fleet.deploy();
  for (int tenant : {1, 2}) {
    for (int step = 0; step < 2; ++step) {
      fleet.happenings.push_back([&fleet, tenant] {
        fleet.settle();
        fleet.api().advance(std::chrono::seconds(10));
        fleet.finish_step(tenant);
      });
    }
  }
  const CliResult result = fleet.run({"rollout", "status", kDeployment, "--timeout=5m"});
  CHECK(result.code == 0);
  CHECK_THAT(
      result.out,
      Contains(
          "Waiting for rollout of \"storefront-production\" to finish: 1 of 2 pairs are ready"));
  CHECK_THAT(result.out,
             Catch::Matchers::EndsWith(
                 "tenantdeployment \"storefront-production\" successfully rolled out\n"));
  CHECK_THAT(result.out, !Contains("\x1b"));
}

TEST_CASE("on a terminal rollout status draws bars in place", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  fleet.deploy();
  fleet.terminal = true;
  fleet.happenings.push_back([&] { fleet.settle(); });
  const CliResult result = fleet.run({"rollout", "status", "storefront-production"});
  CHECK(result.code == 130);
  CHECK_THAT(result.out, Contains("░") && Contains("\x1b[J") && Contains("tenant-02 on web-01"));
}

TEST_CASE("rollout status of a failed rollout exits 1 and names the pair", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  fleet.finish_step(1, false);
  for (int step = 0; step < 2; ++step) fleet.finish_step(2);
  const CliResult result = fleet.run({"rollout", "status", kDeployment, "--timeout=1m"});
  CHECK(result.code == 1);
  CHECK_THAT(result.err, StartsWith("error: failed: ") && Contains("tenant-01"));
  CHECK_THAT(fleet.run({"describe", "installations"}).out, Contains("no such shop"));
  CHECK_THAT(fleet.run({"why", "tenant-01"}).out, StartsWith("tenant-01 on web-01: failed: "));
}

TEST_CASE("rollout status of a paused deployment exits 3 at the timeout", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  json paused = Fleet::deployment("1.0.0");
  paused["spec"]["paused"] = true;
  fleet.put("tenantdeployments", paused);
  fleet.settle();
  const CliResult result = fleet.run({"rollout", "status", kDeployment, "--timeout=10s"});
  CHECK(result.code == 3);
  CHECK_THAT(result.err, Contains("Pause"));
}

TEST_CASE("rollout status exits 4 when the deployment is changed meanwhile", "[cli]") {
  Fleet fleet(2);
  fleet.release("1.1.0");
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  fleet.happenings.push_back([&] {
    fleet.patch("tenantdeployments/storefront-production",
                {{"spec", {{"release", {{"version", "1.1.0"}}}}}});
    fleet.settle();
  });
  const CliResult result = fleet.run({"rollout", "status", kDeployment});
  CHECK(result.code == 4);
  CHECK_THAT(result.err, StartsWith("error: superseded"));
}

TEST_CASE("rollout status of nothing is an error at once", "[cli]") {
  Fleet fleet(1);
  CHECK(fleet.run({"rollout", "status", "nothing"}).err ==
        "Error from server (NotFound): tenantdeployments.tidelock.dev \"nothing\" not found\n");
  CHECK_THAT(fleet.run({"rollout", "status", "tenant/tenant-01"}).err,
             StartsWith("error: no status viewer"));
  CHECK(fleet.run({"rollout", "status", "--watch=false", kDeployment}).code == 1);
  fleet.deploy();
  fleet.settle();
  CHECK(fleet.run({"rollout", "status", "--watch=false", kDeployment}).code == 0);
}

}  // namespace
}  // namespace tidelock::testing
