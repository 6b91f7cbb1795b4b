// SPDX-License-Identifier: Apache-2.0
// plan, why, locks, timeline, rollout status and logs, with the real controller deciding and this
// test as the agent.
#include <catch2/catch.hpp>

#include "controller/base/log.h"
#include "controller/reconciler/controller.h"
#include "tests/unit/cli/cli_fixture.h"

namespace tidelock::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

constexpr const char* kDeployment = "td/storefront-production";

struct Fleet : Cli {
  explicit Fleet(int tenants = 10, int max_concurrent = 1) {
    set_log_level(LogLevel::Error);
    put("projects", {{"kind", "Project"},
                     {"metadata", {{"name", "storefront"}}},
                     {"spec",
                      {{"installDirectory", "/srv/${tenant.name}"},
                       {"steps",
                        {{{"name", "stop"}, {"script", {{"body", "true"}}}},
                         {{"name", "start"}, {"script", {{"body", "true"}}}}}}}}});
    put("environments", {{"kind", "Environment"},
                         {"metadata", {{"name", "production"}}},
                         {"spec", json::object()}});
    put("targets", {{"kind", "Target"},
                    {"metadata", {{"name", "web-01"}}},
                    {"spec",
                     {{"environments", {"production"}},
                      {"executor", "Local"},
                      {"installRoot", "/srv"},
                      {"maxConcurrent", max_concurrent}}}});
    for (int i = 1; i <= tenants; ++i) {
      const std::string number = i < 10 ? "0" + std::to_string(i) : std::to_string(i);
      put("tenants", {{"kind", "Tenant"},
                      {"metadata", {{"name", "tenant-" + number}}},
                      {"spec", json::object()}});
    }
    release("1.0.0");
    set_status("targets", "web-01",
               {{"agentInstance", "a"},
                {"conditions",
                 {{{"type", "Ready"},
                   {"status", "True"},
                   {"reason", "R"},
                   {"message", ""},
                   {"lastTransitionTime", "2026-01-01T00:00:00Z"}}}}});
  }

  void release(const std::string& version) {
    put("releases", {{"kind", "Release"},
                     {"metadata", {{"name", "storefront-" + version}}},
                     {"spec", {{"projectRef", {{"name", "storefront"}}}, {"version", version}}}});
  }
  static json deployment(const std::string& version) {
    return {{"kind", "TenantDeployment"},
            {"metadata", {{"name", "storefront-production"}}},
            {"spec",
             {{"projectRef", {{"name", "storefront"}}},
              {"environmentRef", {{"name", "production"}}},
              {"release", {{"version", version}}},
              {"tenants", json::object()},
              {"targets", json::object()}}}};
  }
  void deploy() { put("tenantdeployments", deployment("1.0.0")); }
  void patch(const std::string& path, const json& change) {
    const TestAnswer done =
        api().merge("/apis/tidelock.dev/v1alpha1/namespaces/default/" + path, change.dump());
    if (done.status != 200) throw std::runtime_error("patch: " + done.body);
  }

  // Lets the controller do all that it can do now.
  void settle() {
    for (int i = 0; i < 5; ++i) {
      controller->step(api().clock().now());
      api().step();
    }
  }
  json object(const std::string& path) {
    return api().get("/apis/tidelock.dev/v1alpha1/namespaces/default/" + path).json();
  }
  static std::string task(int tenant, int attempt = 1) {
    const std::string number = tenant < 10 ? "0" + std::to_string(tenant) : std::to_string(tenant);
    return "storefront.production.tenant-" + number + ".web-01-" + std::to_string(attempt);
  }

  // As the agent: the granted step ran from its grant until now.
  void finish_step(int tenant, bool succeeded = true) {
    const json now_task = object("deploymenttasks/" + task(tenant));
    const json& grant = now_task["status"]["grant"];
    const std::size_t index = grant["step"];
    json steps = now_task["status"].value("steps", json::array());
    while (steps.size() <= index) {
      steps.push_back(
          {{"name", now_task["spec"]["steps"][steps.size()]["name"]}, {"phase", "Pending"}});
    }
    steps[index] = {{"name", now_task["spec"]["steps"][index]["name"]},
                    {"phase", succeeded ? "Succeeded" : "Failed"},
                    {"attempt", 1},
                    {"startedAt", grant["stepGrantedAt"]},
                    {"exitCode", succeeded ? 0 : 7},
                    {"finishedAt", format_micro_time(api().clock().now())},
                    {"message", succeeded ? "" : "exit code 7: no such shop"},
                    {"waits", grant.value("waits", json::array())}};
    json status{{"steps", steps}};
    const bool last = index + 1 == now_task["spec"]["steps"].size();
    if (last || !succeeded) {
      status["phase"] = succeeded ? "Succeeded" : "Failed";
      status["finishedAt"] = format_micro_time(api().clock().now());
      status["reason"] = succeeded ? "" : "StepFailed";
      status["message"] = succeeded ? "" : "step stop failed: exit code 7: no such shop";
      if (succeeded) {
        status["reportedVersion"] = now_task["spec"]["version"];
        status["reportedDigest"] = now_task["spec"]["digest"];
      }
    }
    set_status("deploymenttasks", task(tenant), status);
    settle();
  }

  // Every tenant, one after the other, ten seconds a step.
  void finish_all(int tenants) {
    for (int tenant = 1; tenant <= tenants; ++tenant) {
      for (int step = 0; step < 2; ++step) {
        api().advance(std::chrono::seconds(10));
        finish_step(tenant);
      }
    }
  }

  SeededRandom random{1};
  client::ApiClient client{api().transport(), "tidelock-controller"};
  std::unique_ptr<reconciler::Controller> controller =
      reconciler::Controller::make(client, random, {.identity = "test", .wake = [] {}});
};

TEST_CASE("plan shows rows in order, exits 2, and hints where tenants queue", "[cli]") {
  Fleet fleet;
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  const CliResult plan = fleet.run({"plan"});
  CHECK(plan.code == 2);
  CHECK_THAT(plan.out, StartsWith("ORDER") && Contains("tenant-10") && Contains("Install") &&
                           Contains("Plan: 10 Install."));
  CHECK_THAT(plan.out, Contains("10 tenants on web-01 run one by one; set maxConcurrent"));
  const json rows = json::parse(fleet.run({"plan", "storefront-production", "-o", "json"}).out);
  REQUIRE(rows["rows"].size() == 10);
  CHECK(rows["rows"][0]["tenant"] == "tenant-01");
  CHECK(rows["rows"][0]["order"] == 1);
  CHECK(rows["rows"][9]["blockedBy"][0]["name"] == "target/web-01/slots");
  CHECK(rows["hints"][0] == "10 tenants on web-01 run one by one; set maxConcurrent");
  const CliResult unknown = fleet.run({"plan", "nothing"});
  CHECK(unknown.code == 1);
  CHECK(unknown.err ==
        "Error from server (NotFound): tenantdeployments.tidelock.dev \"nothing\" not found\n");
}

TEST_CASE("a plan without changes exits 0 and a wide target has no hint", "[cli]") {
  Fleet fleet(2, 10);
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  CHECK_THAT(fleet.run({"plan"}).out, !Contains("Hint"));
  for (int tenant : {1, 2}) {
    fleet.finish_step(tenant);
    fleet.finish_step(tenant);
  }
  const CliResult plan = fleet.run({"plan"});
  CHECK(plan.code == 0);
  CHECK(plan.out == "No changes: 2 pairs are as desired.\n");
  CHECK_THAT(fleet.run({"plan", "--all"}).out, Contains("tenant-02") && Contains("None"));
}

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
