// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/unit/apiserver/widgets.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::vector<std::string> group_names(const json& groups) {
  std::vector<std::string> names;
  for (const auto& group : groups) names.push_back(group.contains("name") ? group["name"] : group["metadata"]["name"]);
  return names;
}

TEST_CASE("discovery shows a CRD as soon as it is there, and no longer", "[apiserver][documents]") {
  testing::TestApiServer api{Options{}};
  const auto groups = [&] { return group_names(api.get("/apis").json()["groups"]); };
  const auto before = groups();
  REQUIRE(api.post(kCrds, widget_crd()).status == 201);
  const auto after = groups();
  CHECK(after.size() == before.size() + 1);
  CHECK(std::count(after.begin(), after.end(), "contract.example.dev") == 1);
  CHECK(api.get("/apis/contract.example.dev/v1").json()["resources"][0]["name"] == "widgets");
  CHECK(api.get("/apis/contract.example.dev").json()["preferredVersion"]["version"] == "v1");
  api.remove(std::string(kCrds) + "/widgets.contract.example.dev");
  api.step();
  CHECK(groups() == before);
  CHECK(api.get("/apis/contract.example.dev/v1").body == "404 page not found\n");
}

TEST_CASE("aggregated discovery is sent to those who accept it", "[apiserver][documents]") {
  WidgetServer api;
  const std::string accept =
      "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
      "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
  for (const char* path : {"/api", "/apis", "/apis/"}) {
    INFO(path);
    const auto answer = api.call("GET", path, "", "", accept);
    CHECK(answer.status == 200);
    CHECK(http::header(answer.headers, "Content-Type") ==
          "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    CHECK(http::header(answer.headers, "Vary") == "Accept");
    CHECK(answer.json()["kind"] == "APIGroupDiscoveryList");
  }
  CHECK(api.get("/api").json()["kind"] == "APIVersions");
  CHECK(api.get("/api/v1").json()["kind"] == "APIResourceList");
}

TEST_CASE("OpenAPI has an index and a document for each group version", "[apiserver][documents]") {
  WidgetServer api;
  const json index = api.get("/openapi/v3").json();
  REQUIRE(index["paths"].contains("apis/contract.example.dev/v1"));
  REQUIRE(index["paths"].contains("api/v1"));
  const std::string url = index["paths"]["apis/contract.example.dev/v1"]["serverRelativeURL"];
  const json document = api.get(url).json();
  CHECK(document["components"]["schemas"].contains("dev.example.contract.v1.Widget"));
  CHECK(api.get("/openapi/v3/apis/nope/v1").status == 404);
  CHECK(api.get("/openapi/v2").status == 404);
}

}  // namespace
}  // namespace tidelock::apiserver
