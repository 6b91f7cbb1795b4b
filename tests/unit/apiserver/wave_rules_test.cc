// SPDX-License-Identifier: Apache-2.0
// Waves, windows and holds on their way through the whole server: schema first, then rules.
#include <catch2/catch.hpp>

#include "tests/support/test_api_server.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::string path_of(const std::string& plural) {
  return "/apis/tidelock.dev/v1alpha1/namespaces/default/" + plural;
}

struct WaveServer : testing::TestApiServer {
  // Fields that are refused; empty = created.
  std::string refused(const std::string& kind, const std::string& plural, const json& spec) {
    const json document = {{"apiVersion", "tidelock.dev/v1alpha1"},
                           {"kind", kind},
                           {"metadata", {{"name", "x"}}},
                           {"spec", spec}};
    const auto answer = post(path_of(plural), document.dump());
    if (answer.status == 201) {
      created = answer.json()["spec"];
      remove(path_of(plural) + "/x");
      return {};
    }
    CHECK(answer.status == 422);
    const json status = answer.json();
    std::string fields;
    for (const json& cause : status["details"]["causes"]) {
      fields += (fields.empty() ? "" : " ") + cause["field"].get<std::string>();
    }
    return fields;
  }
  std::string refused_rollout(const json& rollout) {
    return refused("TenantDeployment", "tenantdeployments",
                   {{"projectRef", {{"name", "p"}}},
                    {"environmentRef", {{"name", "e"}}},
                    {"release", {{"version", "1.0.0"}}},
                    {"tenants", json::object()},
                    {"rollout", rollout}});
  }
  json created;  // spec of the last object that was taken
};

json waves(const json& second) {
  json rest = {{"name", "rest"}};
  rest.merge_patch(second);
  const json first = {{"name", "canary"}, {"tenants", {{"matchLabels", {{"ring", "canary"}}}}}};
  return {{"waves", json::array({first, rest})}};
}

TEST_CASE("shares are refused at their place by the server", "[apiserver][waves]") {
  WaveServer api;
  for (const json& fine : {json(1), json(7), json("1%"), json("100%")}) {
    INFO(fine);
    CHECK(api.refused_rollout(waves({{"concurrency", fine}})) == "");
    CHECK(api.created["rollout"]["waves"][1]["concurrency"] == fine);
  }
  for (const json& bad : {json(0), json(-1), json("0%"), json("101%"), json("x"), json("1"),
                          json("01%"), json(true), json(2147483648LL), json::array()}) {
    INFO(bad);
    CHECK(api.refused_rollout(waves({{"concurrency", bad}})) == "spec.rollout.waves[1].concurrency");
    CHECK(api.refused_rollout(waves({{"minSucceeded", bad}})) == "spec.rollout.waves[1].minSucceeded");
    CHECK(api.refused_rollout(waves({{"steps", json::array({1, bad})}})) ==
          "spec.rollout.waves[1].steps[1]");
    if (bad == json(0) || bad == json("0%")) {
      CHECK(api.refused_rollout(waves({{"maxFailures", bad}})) == "");
      CHECK(api.refused_rollout({{"unreachable", {{"max", bad}}}}) == "");
    } else {
      CHECK(api.refused_rollout(waves({{"maxFailures", bad}})) == "spec.rollout.waves[1].maxFailures");
      CHECK(api.refused_rollout({{"unreachable", {{"max", bad}}}}) == "spec.rollout.unreachable.max");
    }
  }
}

TEST_CASE("what the schema cannot say is refused at its place too", "[apiserver][waves]") {
  WaveServer api;
  CHECK(api.refused_rollout(waves({{"soak", "0s"}})) == "spec.rollout.waves[1].soak");
  CHECK(api.refused_rollout(waves({{"name", "canary"}})) == "spec.rollout.waves[1].name");
  CHECK(api.refused_rollout({{"waves", {{{"name", "a"}}, {{"name", "b"}}}}}) ==
        "spec.rollout.waves[0]");
  CHECK(api.refused("Environment", "environments", {{"promotion", {{"from", "x"}}}}) ==
        "spec.promotion.from");
  CHECK(api.refused("DeploymentWindow", "deploymentwindows",
                    {{"kind", "Deny"}, {"schedule", "0 25 * * *"}, {"timeZone", "Mars/Olympus"},
                     {"duration", "0s"}}) == "spec.schedule spec.timeZone spec.duration");
  CHECK(api.refused("ReleaseHold", "releaseholds",
                    {{"tenantDeploymentRef", {{"name", "d"}}},
                     {"digest", "sha256:" + std::string(64, 'a')},
                     {"waves", {"a", "a"}}}) == "spec.waves[1]");
}

TEST_CASE("absent fields get their defaults", "[apiserver][waves]") {
  WaveServer api;
  REQUIRE(api.refused_rollout({{"waves", json::array()}, {"unreachable", json::object()}}) == "");
  const json rollout = api.created["rollout"];
  CHECK(rollout["onFailure"] == "Pause");
  CHECK(rollout["unreachable"] == json{{"policy", "Wait"}, {"after", "2m"}, {"catchUp", true}});
  CHECK_FALSE(rollout.contains("concurrency"));
  REQUIRE(api.refused("DeploymentWindow", "deploymentwindows",
                      {{"kind", "Allow"}, {"schedule", "0 22 * * 1-5"}, {"timeZone", "UTC"},
                       {"duration", "6h"}}) == "");
  CHECK(api.created["inFlight"] == "Finish");
  CHECK(api.created["allowRollback"] == true);
}

TEST_CASE("the new kinds are found by their short names", "[apiserver][waves]") {
  WaveServer api;
  std::map<std::string, json> found;
  const json discovery = api.get("/apis/tidelock.dev/v1alpha1").json();
  for (const json& resource : discovery["resources"]) {
    if (resource.contains("shortNames")) found[resource["kind"]] = resource["shortNames"];
  }
  CHECK(found["DeploymentWindow"] == json::array({"dw", "windows"}));
  CHECK(found["Approval"] == json::array({"appr"}));
  CHECK(found["ReleaseHold"] == json::array({"hold", "holds"}));
}

}  // namespace
}  // namespace tidelock::apiserver
