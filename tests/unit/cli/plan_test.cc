// SPDX-License-Identifier: Apache-2.0
// plan, plan -f and apply --plan-hash.
#include <catch2/catch.hpp>

#include "controller/cli/outlook.h"
#include "tests/unit/cli/fleet.h"

namespace tidelock::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

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
  CHECK_THAT(plan.out, StartsWith("No changes: 2 pairs are as desired.\nPlan hash: sha256:"));
  CHECK_THAT(fleet.run({"plan", "--all"}).out, Contains("tenant-02") && Contains("None"));
}

std::string hash_in(const std::string& out) {
  const std::string label = "Plan hash: ";
  const std::size_t start = out.find(label);
  if (start == std::string::npos) throw std::runtime_error("no hash: " + out);
  return out.substr(start + label.size(), out.find('\n', start) - start - label.size());
}

constexpr const char* kManifest = R"(apiVersion: tidelock.dev/v1alpha1
kind: TenantDeployment
metadata: {name: storefront-production}
spec:
  projectRef: {name: storefront}
  environmentRef: {name: production}
  release: {version: 1.0.0}
  tenants: {}
  targets: {}
)";

TEST_CASE("plan -f shows the plan as if the files were applied and writes nothing", "[cli]") {
  Fleet fleet(3);
  fleet.settle();
  fleet.files["/td.yaml"] = kManifest;
  CHECK(fleet.run({"plan"}).code == 0);
  const CliResult plan = fleet.run({"plan", "-f", "/td.yaml"});
  INFO(plan.out << plan.err);
  CHECK(plan.code == 2);
  CHECK_THAT(plan.out, Contains("Plan: 3 Install.") && Contains("Lock target/web-01/slots"));
  fleet.settle();
  CHECK(fleet.object("tenantdeployments")["items"].empty());
  CHECK(fleet.object("installations")["items"].empty());
}

TEST_CASE("the hash of plan -f is that of plan after the same files were applied", "[cli]") {
  Fleet fleet(3);
  fleet.settle();
  fleet.files["/td.yaml"] = kManifest;
  const std::string before = hash_in(fleet.run({"plan", "-f", "/td.yaml"}).out);
  CHECK(hash_in(fleet.run({"plan", "-f", "/td.yaml"}).out) == before);
  CHECK(json::parse(fleet.run({"plan", "-f", "/td.yaml", "-o", "json"}).out)["planHash"] == before);
  REQUIRE(fleet.run({"apply", "-f", "/td.yaml"}).code == 0);
  CHECK(hash_in(fleet.run({"plan"}).out) == before);
  fleet.settle();  // the controller has made tasks and given grants
  CHECK(hash_in(fleet.run({"plan"}).out) == before);
  CHECK(hash_in(fleet.run({"plan", "storefront-production"}).out) == before);
}

TEST_CASE("plan -f takes a target that is new as reachable, and says so", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  fleet.files["/td.yaml"] = std::string(kManifest) + R"(---
apiVersion: tidelock.dev/v1alpha1
kind: Target
metadata: {name: web-02}
spec: {executor: Agent, environments: [production], maxConcurrent: 2, installRoot: /srv}
)";
  const CliResult plan = fleet.run({"plan", "-f", "/td.yaml"});
  INFO(plan.out << plan.err);
  CHECK_THAT(plan.out, Contains("Plan: 4 Install.") && !Contains("Unreachable"));
  CHECK_THAT(plan.out, Contains("Hint: target web-02 is new; the plan assumes that an agent will serve it\n"));
  CHECK_THAT(plan.out, !Contains("target web-01 is new"));
  fleet.files["/target.yaml"] = fleet.files["/td.yaml"].substr(fleet.files["/td.yaml"].find("---") + 4);
  REQUIRE(fleet.run({"apply", "-f", "/target.yaml"}).code == 0);
  CHECK_THAT(fleet.run({"plan", "-f", "/td.yaml"}).out, Contains("Unreachable web-02"));
}

TEST_CASE("plan -f takes new releases with the project's process", "[cli]") {
  Fleet fleet(1);
  fleet.settle();
  fleet.files["/all.yaml"] = std::string(kManifest) + R"(---
apiVersion: tidelock.dev/v1alpha1
kind: Release
metadata: {name: storefront-2.0.0}
spec: {projectRef: {name: storefront}, version: 2.0.0}
)";
  const std::size_t at = fleet.files["/all.yaml"].find("1.0.0");
  fleet.files["/all.yaml"].replace(at, 5, "2.0.0");
  const CliResult plan = fleet.run({"plan", "-f", "/all.yaml"});
  INFO(plan.out << plan.err);
  CHECK(plan.code == 2);
  CHECK_THAT(plan.out, Contains("2.0.0") && Contains("Plan: 1 Install."));
  REQUIRE(fleet.run({"apply", "-f", "/all.yaml", "--plan-hash", hash_in(plan.out)}).code == 0);
  fleet.settle();
  CHECK(hash_in(fleet.run({"plan"}).out) == hash_in(plan.out));
}

TEST_CASE("apply --plan-hash applies the plan that was shown and no other", "[cli]") {
  Fleet fleet(3);
  fleet.settle();
  fleet.files["/td.yaml"] = kManifest;
  const std::string agreed = hash_in(fleet.run({"plan", "-f", "/td.yaml"}).out);
  fleet.put("tenants",
            {{"kind", "Tenant"}, {"metadata", {{"name", "tenant-77"}}}, {"spec", json::object()}});
  const std::string now = hash_in(fleet.run({"plan", "-f", "/td.yaml"}).out);
  const CliResult refused = fleet.run({"apply", "-f", "/td.yaml", "--plan-hash", agreed});
  CHECK(refused.code == 1);
  CHECK_THAT(refused.err, StartsWith("error: PlanChanged: ") && Contains(agreed) && Contains(now));
  CHECK(refused.out.empty());
  CHECK(fleet.object("tenantdeployments")["items"].empty());
  const CliResult done = fleet.run({"apply", "-f", "/td.yaml", "--plan-hash", now});
  INFO(done.err);
  CHECK(done.code == 0);
  CHECK(fleet.object("tenantdeployments")["items"].size() == 1);
}

TEST_CASE("the plan hash changes with the release's content and the strategy", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  fleet.files["/td.yaml"] = kManifest;
  const std::string hash = hash_in(fleet.run({"plan", "-f", "/td.yaml"}).out);
  fleet.files["/other.yaml"] = std::string(kManifest) + "  rollout: {maxInFlight: 2}\n";
  CHECK(hash_in(fleet.run({"plan", "-f", "/other.yaml"}).out) != hash);
}

TEST_CASE("plan -f refuses what the server would, with file and field", "[cli]") {
  Fleet fleet(1);
  fleet.settle();
  fleet.files["/td.yaml"] = std::string(kManifest) + "  priority: high\n";
  const CliResult plan = fleet.run({"plan", "-f", "/td.yaml"});
  CHECK(plan.code == 1);
  CHECK_THAT(plan.err, StartsWith("error: /td.yaml:1: The TenantDeployment "
                                  "\"storefront-production\" is invalid: spec.priority"));
  fleet.files["/far.yaml"] = R"(apiVersion: tidelock.dev/v1alpha1
kind: Tenant
metadata: {name: far, namespace: elsewhere}
spec: {}
---
apiVersion: tidelock.dev/v1alpha1
kind: Tenant
metadata: {name: near}
spec: {}
)";
  CHECK_THAT(fleet.run({"plan", "-f", "/far.yaml"}).err, Contains("a plan is of one namespace"));
}

TEST_CASE("a pair that cannot be planned says what is missing", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  fleet.put("tenantdeployments", Fleet::deployment("9.9.9"));
  for (const bool settled : {false, true}) {
    if (settled) fleet.settle();
    const CliResult plan = fleet.run({"plan"});
    INFO(plan.out);
    CHECK(plan.code == 2);
    CHECK_THAT(plan.out, Contains("Blocked") && Contains("Reference Release 9.9.9"));
    const json rows = json::parse(fleet.run({"plan", "-o", "json"}).out);
    REQUIRE(rows["rows"].size() == 2);
    CHECK(rows["rows"][0]["blockedBy"][0]["name"] == "Release 9.9.9");
  }
}

TEST_CASE("the forecast adds up past step times under the slots of the target", "[cli]") {
  Fleet fleet(3);
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  CHECK_THAT(fleet.run({"plan"}).out,
             Contains("No forecast: nobody knows yet how long step stop of project storefront on "
                      "web-01 takes."));
  fleet.finish_all(3);  // two steps of ten seconds each
  fleet.release("1.1.0");
  fleet.settle();
  fleet.patch("tenantdeployments/storefront-production",
              {{"spec", {{"release", {{"version", "1.1.0"}}}}}});
  fleet.settle();
  const CliResult plan = fleet.run({"plan"});
  INFO(plan.out);
  CHECK_THAT(plan.out, Contains("Forecast, by the mean time of past steps: done in 60s ("));
  const json document = json::parse(fleet.run({"plan", "-o", "json"}).out);
  CHECK(document["forecast"]["pairs"] == 3);
  CHECK(document["forecast"]["done"] == 3);
  CHECK(document["forecast"]["finish"] ==
        format_time(fleet.api().clock().now() + std::chrono::seconds(60)));
  fleet.patch("targets/web-01", {{"spec", {{"maxConcurrent", 3}}}});
  CHECK_THAT(fleet.run({"plan"}).out, Contains("done in 20s"));
}

TEST_CASE("the forecast says what it does not get past", "[cli]") {
  Fleet fleet(2);
  fleet.settle();
  fleet.deploy();
  fleet.settle();
  fleet.finish_all(2);
  fleet.release("1.1.0");
  fleet.settle();
  fleet.patch("tenantdeployments/storefront-production",
              {{"spec", {{"release", {{"version", "1.1.0"}}}}}});
  fleet.patch("tenants/tenant-02", {{"spec", {{"paused", true}}}});
  fleet.settle();
  const CliResult plan = fleet.run({"plan"});
  INFO(plan.out);
  CHECK_THAT(plan.out,
             Contains("1 of 2 pairs done in 20s, then it waits for Pause Tenant tenant-02."));
}

TEST_CASE("the forecast looks at so many pairs and no more", "[cli]") {
  const cli::Facts facts;
  cli::Outlook outlook;
  outlook.rehearsal = std::make_unique<planner::Rehearsal>(facts, TimePoint{});
  planner::PlanRow row;
  row.action = api::Action::Upgrade;
  std::vector<planner::PlanRow> rows(cli::kForecastPairsMax, row);
  CHECK(cli::forecast(outlook, facts, rows).unknown.empty());
  rows.push_back(row);
  CHECK(cli::forecast(outlook, facts, rows).unknown == "2001 pairs change, and at most 2000 are looked at");
}

}  // namespace
}  // namespace tidelock::testing
