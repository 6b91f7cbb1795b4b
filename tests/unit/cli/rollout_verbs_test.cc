// SPDX-License-Identifier: Apache-2.0
// rollout pause, resume, cancel, undo, history, approve, reject, and status of waves.
#include <catch2/catch.hpp>

#include "tests/unit/cli/fleet.h"

namespace tidelock::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

// Three tenants at once: tenant-01 is the canary, the others follow.
struct Shop : Fleet {
  explicit Shop(json canary = json::object(), json strategy = json::object()) : Fleet(3, 3) {
    patch("tenants/tenant-01", {{"metadata", {{"labels", {{"ring", "canary"}}}}}});
    canary["name"] = "canary";
    canary["tenants"] = {{"matchLabels", {{"ring", "canary"}}}};
    strategy["waves"] = {canary, {{"name", "rest"}}};
    json wished = deployment("1.0.0");
    wished["spec"]["rollout"] = strategy;
    settle();
    put("tenantdeployments", wished);
    settle();
    settle_later();
  }
  json rollout() {
    const json td = object("tenantdeployments/storefront-production");
    return object("rollouts/" + td["status"]["rollout"].get<std::string>());
  }
  std::string rollout_name() { return rollout()["metadata"]["name"]; }
  void both_steps(int tenant, int attempt = 1) {
    for (int step = 0; step < 2; ++step) {
      api().advance(std::chrono::seconds(10));
      finish_step(tenant, true, attempt);
    }
    settle_later();
  }
  void finish() {
    for (int tenant : {1, 2, 3}) both_steps(tenant);
  }
  void wish_for(const std::string& version) {
    release(version);
    settle();
    patch("tenantdeployments/storefront-production",
          {{"spec", {{"release", {{"version", version}}}}}});
    settle();
    settle_later();
  }
};

json gate(const std::string& name) { return json::array({json{{"approval", {{"name", name}}}}}); }

TEST_CASE("rollout pause and resume set spec.paused, once", "[cli]") {
  Shop shop;
  const std::string name = shop.rollout_name();
  CHECK(shop.run({"rollout", "pause", "storefront-production"}).out ==
        "rollout.tidelock.dev/" + name + " paused\n");
  CHECK(shop.rollout()["spec"]["paused"] == true);
  shop.settle_later();
  CHECK(shop.run({"rollout", "pause", name}).err ==
        "error: rollouts.tidelock.dev \"" + name + "\" is already paused\n");
  const CliResult status =
      shop.run({"rollout", "status", "storefront-production", "--timeout=10s"});
  CHECK(status.code == 3);
  CHECK_THAT(status.err, Contains("it is held by "));
  CHECK(shop.run({"rollout", "resume", "rollout/" + name}).out ==
        "rollout.tidelock.dev/" + name + " resumed\n");
  CHECK_FALSE(shop.rollout()["spec"].value("paused", false));
  const CliResult again = shop.run({"rollout", "resume", name});
  CHECK(again.code == 1);
  CHECK(again.err == "error: rollouts.tidelock.dev \"" + name + "\" is not paused\n");
  shop.patch("environments/production", {{"spec", {{"paused", true}}}});
  CHECK_THAT(shop.run({"rollout", "resume", name}).err,
             EndsWith("is not paused; environment.tidelock.dev/production is\n"));
}

TEST_CASE("rollout confirm-removal shows what would be removed, and does it by its hash only", "[cli]") {
  Fleet fleet(8, 10);
  fleet.deploy();
  fleet.settle();
  CHECK(fleet.run({"rollout", "confirm-removal", kDeployment}).err ==
        "error: tenantdeployments.tidelock.dev \"storefront-production\" removes no more pairs than its deletionGuard "
        "allows: there is nothing to confirm\n");
  for (int step = 0; step < 2; ++step) {
    for (int tenant = 1; tenant <= 8; ++tenant) fleet.finish_step(tenant);
  }
  fleet.settle_later();
  fleet.patch("tenantdeployments/storefront-production",
              {{"spec", {{"tenants", {{"matchLabels", {{"ring", "none"}}}}}}}});
  fleet.settle();
  fleet.settle_later();
  const CliResult shown = fleet.run({"rollout", "confirm-removal", kDeployment});
  CHECK(shown.code == 1);
  CHECK_THAT(shown.err, StartsWith("error: 8 of 8 pairs of tenantdeployments.tidelock.dev \"storefront-production\" "
                                   "would be removed, allowed are 5:\n  storefront.production.tenant-01.web-01\n"));
  const auto hash_at = shown.err.find("sha256:");
  REQUIRE(hash_at != std::string::npos);
  const std::string hash = shown.err.substr(hash_at, std::string("sha256:").size() + 64);
  const std::string command = "tidectl rollout confirm-removal td/storefront-production --plan-hash " + hash;
  CHECK_THAT(shown.err, EndsWith("to do it: " + command + "\n"));
  CHECK_THAT(fleet.run({"why", "tenant-01"}).out, Contains(command));
  const CliResult other = fleet.run({"rollout", "confirm-removal", kDeployment, "--plan-hash", "sha256:0"});
  CHECK(other.code == 1);
  CHECK_THAT(other.err, StartsWith("error: PlanChanged: not what was confirmed; 8 of 8 pairs of "));
  CHECK(fleet.run({"rollout", "confirm-removal", kDeployment, "--plan-hash", hash}).out ==
        "tenantdeployment.tidelock.dev/storefront-production confirmed: 8 of 8 pairs are removed\n");
  CHECK(fleet.object("tenantdeployments/storefront-production")["metadata"]["annotations"]["tidelock.dev/confirm-removal"] ==
        hash);
  CHECK(fleet.run({"rollout", "confirm-removal", kDeployment, "--plan-hash", hash}).err ==
        "error: the removals of tenantdeployments.tidelock.dev \"storefront-production\" are confirmed already\n");
  fleet.settle();
  CHECK(fleet.object("deploymenttasks/" + Fleet::task(1, 2))["spec"]["action"] == "Remove");
  CHECK_THAT(fleet.run({"rollout", "confirm-removal", "td/no-such"}).err, Contains("not found"));
}

TEST_CASE("rollout resume accepts the failures so far of one over its budget", "[cli]") {
  Shop shop(json{{"maxFailures", 0}, {"minSucceeded", 1}});
  shop.patch("tenants/tenant-02", {{"metadata", {{"labels", {{"ring", "canary"}}}}}});
  shop.settle_later();
  shop.finish_step(1, false);
  shop.both_steps(2);
  REQUIRE(shop.rollout()["status"]["reason"] == "FailureBudgetExceeded");
  const CliResult failed = shop.run({"rollout", "status", "storefront-production"});
  CHECK(failed.code == 1);
  CHECK_THAT(failed.err, StartsWith("error: failed: FailureBudgetExceeded"));
  CHECK_THAT(shop.run({"rollout", "resume", "storefront-production"}).out,
             EndsWith(" resumed (1 failure accepted: canary 1)\n"));
  CHECK(shop.rollout()["spec"]["acceptedFailures"] == json{{"canary", 1}});
  // The deployment still says Stalled; that is of before the word.
  const CliResult soon = shop.run({"rollout", "status", "storefront-production", "--watch=false"});
  INFO(soon.err);
  CHECK(soon.code == 0);
  shop.settle_later();
  shop.both_steps(3);
  CHECK(shop.rollout()["status"]["phase"] == "Succeeded");
  CHECK_THAT(shop.run({"rollout", "resume", "storefront-production"}).err,
             EndsWith("is not paused\n"));
}

TEST_CASE("nobody can wave a rollout through that has no success", "[cli]") {
  Shop shop(json{{"maxFailures", 0}});
  shop.finish_step(1, false);
  shop.settle_later();
  REQUIRE(shop.rollout()["status"]["phase"] == "Failed");
  CHECK_THAT(
      shop.run({"rollout", "resume", "storefront-production"}).err,
      Contains("has failed (NoSuccessInWave); nobody can wave it through") || Contains("resumed"));
}

TEST_CASE("rollout cancel ends it, and status says so with 4", "[cli]") {
  Shop shop;
  const std::string name = shop.rollout_name();
  CHECK_THAT(shop.run({"rollout", "cancel", "td/storefront-production"}).out,
             StartsWith("rollout.tidelock.dev/" + name + " cancelled"));
  CHECK(shop.rollout()["spec"]["cancel"] == true);
  shop.settle_later();
  const std::string running = Fleet::task(1);
  REQUIRE(shop.object("deploymenttasks/" + running)["spec"].contains("cancel"));
  shop.set_status("deploymenttasks", running,
                  {{"phase", "Cancelled"},
                   {"reason", "RolloutCancelled"},
                   {"finishedAt", format_micro_time(shop.api().clock().now())}});
  shop.settle_later();
  REQUIRE(shop.rollout()["status"]["phase"] == "Cancelled");
  CHECK(shop.run({"rollout", "status", "storefront-production"}).code == 4);
  CHECK(shop.run({"rollout", "status", name}).code == 4);
  CHECK_THAT(shop.run({"rollout", "cancel", name}).err, Contains("is over: Cancelled"));
  CHECK_THAT(shop.run({"rollout", "pause", name}).err, Contains("is over: Cancelled"));
}

TEST_CASE("rollout verbs name what is missing", "[cli]") {
  Fleet fleet(1);
  fleet.settle();
  CHECK(fleet.run({"rollout", "pause", "nothing"}).err ==
        "Error from server (NotFound): tenantdeployments.tidelock.dev \"nothing\" not found\n");
  CHECK(fleet.run({"rollout", "pause", "rollout/nothing"}).err ==
        "Error from server (NotFound): rollouts.tidelock.dev \"nothing\" not found\n");
  CHECK_THAT(fleet.run({"rollout", "pause", "tenant/tenant-01"}).err,
             StartsWith("error: rollout pause is of a TenantDeployment or a Rollout"));
  CHECK_THAT(fleet.run({"rollout", "pause"}).err, StartsWith("error: required resource"));
  fleet.deploy();
  CHECK_THAT(fleet.run({"rollout", "pause", "storefront-production"}).err,
             Contains("has no rollout yet"));
}

TEST_CASE("rollout history lists rollouts oldest first", "[cli]") {
  Shop shop;
  shop.finish();
  shop.wish_for("1.1.0");
  const CliResult history = shop.run({"rollout", "history", "storefront-production"});
  INFO(history.out);
  CHECK_THAT(history.out, StartsWith("tenantdeployment.tidelock.dev/storefront-production\n"
                                     "REVISION   VERSION   PHASE"));
  CHECK_THAT(history.out, Contains("1          1.0.0     Succeeded") && Contains("3/3") &&
                              Contains("2          1.1.0     Progressing") && Contains("0/3"));
  const json list =
      json::parse(shop.run({"rollout", "history", shop.rollout_name(), "-o", "json"}).out);
  REQUIRE(list["items"].size() == 2);
  CHECK(list["items"][1]["spec"]["version"] == "1.1.0");
}

TEST_CASE("rollout undo holds the release off and each pair goes back to its own", "[cli]") {
  Shop shop;
  shop.finish();
  shop.wish_for("1.1.0");
  shop.both_steps(1, 2);
  const std::string name = shop.rollout_name();
  const CliResult undone =
      shop.run({"rollout", "undo", "storefront-production", "--reason", "orders are lost"});
  CHECK(undone.code == 0);
  CHECK(undone.out ==
        "tenantdeployment.tidelock.dev/storefront-production rolled back: release "
        "1.1.0 is held off, 1 pair back: 1 to 1.0.0; 2 pairs as they are\n");
  CHECK_THAT(undone.err, Contains("delete releasehold " + name));
  const json hold = shop.object("releaseholds/" + name);
  CHECK(hold["spec"]["digest"] == shop.rollout()["spec"]["digest"]);
  CHECK(hold["spec"]["reason"] == "undo by a person: orders are lost");
  CHECK(shop.object("tenantdeployments/storefront-production")["spec"]["release"]["version"] ==
        "1.1.0");
  shop.settle_later();
  const CliResult plan = shop.run({"plan"});
  INFO(plan.out);
  CHECK_THAT(plan.out, Contains("tenant-01") && Contains("1.1.0   1.0.0"));
  CHECK_THAT(shop.run({"rollout", "undo", "storefront-production"}).err,
             Contains("is held off already"));
  CHECK_THAT(shop.run({"get", "holds"}).out, Contains("1.1.0"));
}

TEST_CASE("rollout undo to a version or revision wishes for it", "[cli]") {
  Shop shop;
  shop.finish();
  shop.wish_for("1.1.0");
  const std::string td = "storefront-production";
  CHECK_THAT(shop.run({"rollout", "undo", td, "--to-version", "7.0.0"}).err,
             Contains("has no Release 7.0.0; there are 1.0.0, 1.1.0"));
  CHECK_THAT(shop.run({"rollout", "undo", td, "--to-version", "1.1.0"}).err,
             Contains("wishes for 1.1.0 already"));
  CHECK_THAT(shop.run({"rollout", "undo", td, "--to-revision", "9"}).err,
             Contains("unable to find the specified revision 9"));
  CHECK_THAT(shop.run({"rollout", "undo", td, "--to-revision", "1", "--to-version", "1"}).err,
             Contains("cannot be used together"));
  const CliResult undone = shop.run({"rollout", "undo", td, "--to-revision", "1"});
  CHECK(undone.out == "tenantdeployment.tidelock.dev/storefront-production rolled back to 1.0.0\n");
  CHECK_THAT(undone.err, Contains("Git"));
  CHECK(shop.object("tenantdeployments/" + td)["spec"]["release"] == json{{"version", "1.0.0"}});
  CHECK(shop.object("releaseholds")["items"].empty());
}

TEST_CASE("rollout approve opens the gate for the plan as it is", "[cli]") {
  Shop shop(json{{"before", gate("go")}});
  const std::string td = "storefront-production";
  const std::string hash = shop.rollout()["status"]["planHash"];
  const CliResult waits = shop.run({"rollout", "status", td, "--timeout=10s"});
  CHECK(waits.code == 3);
  CHECK_THAT(waits.out, Contains("Waiting: waits for Approval go"));
  CHECK_THAT(waits.err, Contains("held by Approval go"));
  CHECK_THAT(shop.run({"rollout", "approve", td, "--gate", "stop"}).err,
             Contains("has no gate \"stop\"; its gates: go (before canary)"));
  const CliResult stale =
      shop.run({"rollout", "approve", td, "--gate", "go", "--plan-hash", "sha256:00"});
  CHECK(stale.code == 1);
  CHECK_THAT(stale.err, StartsWith("error: PlanChanged: ") && Contains(hash));
  CHECK(shop.object("approvals")["items"].empty());
  const CliResult approved = shop.run({"rollout", "approve", td, "--reason", "looks good"});
  INFO(approved.err);
  CHECK(approved.code == 0);
  CHECK_THAT(approved.out,
             StartsWith("approval.tidelock.dev/") &&
                 Contains("gate go of rollout.tidelock.dev/" + shop.rollout_name() + " approved") &&
                 EndsWith("Plan hash: " + hash + "\n"));
  const json word = shop.object("approvals")["items"][0]["spec"];
  CHECK(word["decision"] == "Approve");
  CHECK(word["planHash"] == hash);
  CHECK(word["reason"] == "looks good");
  CHECK_THAT(shop.run({"rollout", "approve", td, "--gate", "go"}).err,
             Contains("is approved already"));
  shop.settle_later();
  shop.settle_later();
  CHECK(shop.rollout()["status"]["waves"][0]["phase"] == "Running");
  CHECK_THAT(shop.run({"describe", "rollout", shop.rollout_name()}).out,
             Contains("Gates:\n") && Contains("before canary") && Contains("approved"));
}

TEST_CASE("rollout reject keeps the gate shut and says who", "[cli]") {
  Shop shop(json{{"before", gate("go")}, {"after", gate("on")}});
  const std::string td = "storefront-production";
  CHECK_THAT(shop.run({"rollout", "reject", td}).err,
             Contains("--gate takes one of: go (before canary), on (after canary)"));
  CHECK(shop.run({"rollout", "reject", td, "--gate", "go"}).code == 0);
  CHECK(shop.object("approvals")["items"][0]["spec"]["decision"] == "Reject");
  CHECK_THAT(shop.run({"rollout", "reject", td, "--gate", "go"}).err, Contains("already"));
  shop.settle_later();
  CHECK_THAT(shop.run({"describe", "rollout", shop.rollout_name()}).out,
             Contains("rejected by test-admin"));
  CHECK(shop.run({"rollout", "status", td, "--timeout=10s"}).code == 3);
  // The same person changes his mind: the last word counts.
  CHECK(shop.run({"rollout", "approve", td, "--gate", "go"}).code == 0);
}

TEST_CASE("a rollout without gates has nothing to approve", "[cli]") {
  Shop shop;
  CHECK_THAT(shop.run({"rollout", "approve", "storefront-production"}).err,
             EndsWith("has no gates\n"));
}

TEST_CASE("rollout status prints each wave's progress and follows one rollout", "[cli]") {
  Shop shop;
  const std::string name = shop.rollout_name();
  for (int tenant : {1, 2, 3}) {
    shop.happenings.push_back([&shop, tenant] { shop.both_steps(tenant); });
  }
  const CliResult result = shop.run({"rollout", "status", name, "--timeout=5m"});
  INFO(result.out << result.err);
  CHECK(result.code == 0);
  CHECK_THAT(result.out, StartsWith("Wave canary: Running, 0 of 1 succeeded, 1 running\n") &&
                             Contains("Wave canary: Succeeded, 1 of 1 succeeded\n") &&
                             Contains("Wave rest: Running, 1 of 2 succeeded, 1 running\n") &&
                             EndsWith("rollout \"" + name + "\" succeeded\n"));
  CHECK(shop.run({"rollout", "status", "storefront-production"}).code == 0);
  shop.wish_for("1.1.0");
  CHECK(shop.run({"rollout", "status", name}).code == 0);
}

TEST_CASE("on a terminal each wave has a bar", "[cli]") {
  Shop shop;
  shop.terminal = true;
  shop.happenings.push_back([&] { shop.settle(); });
  const CliResult result = shop.run({"rollout", "status", "storefront-production"});
  CHECK(result.code == 130);
  CHECK_THAT(result.out, Contains("wave canary: Running") && Contains("wave rest: Pending"));
}

TEST_CASE("a deployment without pairs says so", "[cli]") {
  Fleet fleet(1);
  json nobody = Fleet::deployment("1.0.0");
  nobody["spec"]["tenants"] = {{"matchLabels", {{"ring", "none"}}}};
  fleet.put("tenantdeployments", nobody);
  fleet.settle();
  const CliResult result =
      fleet.run({"rollout", "status", "storefront-production", "--timeout=10s"});
  CHECK(result.code == 1);
  CHECK_THAT(result.out, Contains("no pairs: no tenant on a target matches"));
  CHECK_THAT(result.err, Contains("no pairs"));
}

TEST_CASE("describe rollout and get -o wide show the waves", "[cli]") {
  Shop shop(json{{"concurrency", 1}, {"maxFailures", 0}});
  shop.both_steps(1);
  const CliResult described = shop.run({"describe", "rollout", shop.rollout_name()});
  INFO(described.out);
  CHECK_THAT(described.out, Contains("Waves:\n  NAME") && Contains("canary   Succeeded   1") &&
                                Contains("rest     Running     2"));
  const CliResult wide = shop.run({"get", "rollouts", "-o", "wide"});
  INFO(wide.out);
  CHECK_THAT(wide.out, Contains("WAVES\n") && Contains("canary:Succeeded 1/1, rest:Running 0/2\n"));
  CHECK_THAT(shop.run({"get", "rollouts"}).out, !Contains("WAVES"));
}

TEST_CASE("plan shows the wave of each pair and forecasts wave after wave", "[cli]") {
  Shop shop;
  shop.finish();
  shop.wish_for("1.1.0");
  const CliResult plan = shop.run({"plan"});
  INFO(plan.out);
  CHECK_THAT(plan.out, StartsWith("ORDER   WAVE     TENANT") && Contains("canary   tenant-01") &&
                           Contains("rest     tenant-02") && Contains("Wave canary"));
  CHECK_THAT(plan.out, Contains("\n  canary   1 pair    starts now") &&
                           Contains("\n  rest     2 pairs   starts in "));
  const json document = json::parse(shop.run({"plan", "-o", "json"}).out);
  REQUIRE(document["forecast"]["waves"].size() == 2);
  CHECK(document["forecast"]["waves"][0]["name"] == "canary");
  CHECK(document["forecast"]["waves"][1]["done"] == 2);
}

TEST_CASE("a forecast assumes that gates are approved at once, and says so", "[cli]") {
  Shop shop(json{{"after", gate("on")}});
  shop.both_steps(1);
  shop.run({"rollout", "approve", "storefront-production"});
  shop.settle_later();
  for (int tenant : {2, 3}) shop.both_steps(tenant);
  shop.wish_for("1.1.0");
  const CliResult plan = shop.run({"plan"});
  INFO(plan.out);
  CHECK_THAT(plan.out, Contains("if people approve at once: on\n") && !Contains("does not start"));
  CHECK(shop.object("approvals")["items"].size() == 1);
  const json forecast = json::parse(shop.run({"plan", "-o", "json"}).out)["forecast"];
  CHECK(forecast["assumedApprovals"] == json{"on"});
  CHECK(forecast["done"] == 3);
  shop.both_steps(1, 2);
  shop.run({"rollout", "reject", "storefront-production"});
  shop.settle_later();
  CHECK_THAT(shop.run({"plan"}).out, Contains("0 of 2 pairs done, then it waits for Approval on."));
}

TEST_CASE("get takes the short names of holds, windows and approvals", "[cli]") {
  Fleet fleet(1);
  for (const char* name : {"hold", "holds", "dw", "windows", "appr", "approvals"}) {
    INFO(name);
    const CliResult got = fleet.run({"get", name});
    CHECK(got.code == 0);
    CHECK(got.err == "No resources found in default namespace.\n");
  }
}

}  // namespace
}  // namespace tidelock::testing
