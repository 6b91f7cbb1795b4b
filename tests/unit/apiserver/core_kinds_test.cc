// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/support/test_api_server.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;
using testing::TestApiServer;

constexpr const char* kConfigMaps = "/api/v1/namespaces/default/configmaps";

TEST_CASE("a created object has what only the server sets", "[apiserver]") {
  TestApiServer api{Options{}};
  const auto made = api.post(kConfigMaps, R"({"metadata":{"name":"a"},"data":{"k":"v"}})");
  REQUIRE(made.status == 201);
  const json object = made.json();
  CHECK(object["kind"] == "ConfigMap");
  CHECK(object["apiVersion"] == "v1");
  CHECK(object["metadata"]["namespace"] == "default");
  CHECK(object["metadata"]["creationTimestamp"] == "2026-01-01T00:00:00Z");
  CHECK(object["metadata"]["uid"].get<std::string>().size() == 36);
  CHECK(object["metadata"]["resourceVersion"] == std::to_string(api.store().revision()));
  CHECK_FALSE(object["metadata"].contains("generation"));
  CHECK(object["data"] == json{{"k", "v"}});
  CHECK(api.get(std::string(kConfigMaps) + "/a").json() == object);
}

TEST_CASE("an object that is not there is NotFound in kube-apiserver's words", "[apiserver]") {
  TestApiServer api{Options{}};
  const auto answer = api.get(std::string(kConfigMaps) + "/nope");
  CHECK(answer.status == 404);
  CHECK(answer.json() == json::parse(R"({"kind":"Status","apiVersion":"v1","metadata":{},
    "status":"Failure","message":"configmaps \"nope\" not found","reason":"NotFound",
    "details":{"name":"nope","kind":"configmaps"},"code":404})"));
}

TEST_CASE("a second create of a name is AlreadyExists", "[apiserver]") {
  TestApiServer api{Options{}};
  REQUIRE(api.post(kConfigMaps, R"({"metadata":{"name":"a"}})").status == 201);
  const auto answer = api.post(kConfigMaps, R"({"metadata":{"name":"a"}})");
  CHECK(answer.status == 409);
  CHECK(answer.json()["reason"] == "AlreadyExists");
  CHECK(answer.json()["message"] == "configmaps \"a\" already exists");
}

TEST_CASE("a create in a missing namespace names the namespace", "[apiserver]") {
  TestApiServer api{Options{}};
  const auto answer =
      api.post("/api/v1/namespaces/nonesuch/configmaps", R"({"metadata":{"name":"a"}})");
  CHECK(answer.status == 404);
  CHECK(answer.json()["message"] == "namespaces \"nonesuch\" not found");
  CHECK(answer.json()["details"] == json{{"name", "nonesuch"}, {"kind", "namespaces"}});
}

TEST_CASE("generateName is completed by five characters", "[apiserver]") {
  TestApiServer api{Options{}};
  const auto answer = api.post(kConfigMaps, R"({"metadata":{"generateName":"run-"}})");
  REQUIRE(answer.status == 201);
  const std::string name = answer.json()["metadata"]["name"];
  CHECK(name.starts_with("run-"));
  CHECK(name.size() == 9);
}

TEST_CASE("a secret's stringData becomes data and its type Opaque", "[apiserver]") {
  TestApiServer api{Options{}};
  const auto answer = api.post("/api/v1/namespaces/default/secrets",
                               R"({"metadata":{"name":"s"},"stringData":{"k":"hello"}})");
  REQUIRE(answer.status == 201);
  CHECK(answer.json()["data"] == json{{"k", "aGVsbG8="}});
  CHECK(answer.json()["type"] == "Opaque");
  CHECK_FALSE(answer.json().contains("stringData"));
}

TEST_CASE("an immutable ConfigMap refuses new data", "[apiserver]") {
  TestApiServer api{Options{}};
  const std::string path = std::string(kConfigMaps) + "/a";
  api.post(kConfigMaps, R"({"metadata":{"name":"a"},"data":{"k":"v"},"immutable":true})");
  const auto answer = api.merge(path, R"({"data":{"k":"w"}})");
  CHECK(answer.status == 422);
  CHECK(answer.json()["details"]["causes"][0]["field"] == "data");
  CHECK(api.merge(path, R"({"metadata":{"labels":{"l":"m"}}})").status == 200);
}

TEST_CASE("the three namespaces are there and stay", "[apiserver]") {
  TestApiServer api{Options{}};
  const json list = api.get("/api/v1/namespaces").json();
  REQUIRE(list["items"].size() == 3);
  CHECK(list["items"][0]["metadata"]["name"] == "default");
  CHECK(list["items"][0]["metadata"]["labels"]["kubernetes.io/metadata.name"] == "default");
  CHECK(list["items"][0]["status"]["phase"] == "Active");
  CHECK(api.remove("/api/v1/namespaces/default").status == 403);
}

TEST_CASE("a strategic merge patch merges maps and honours $patch: delete", "[apiserver][patch]") {
  TestApiServer api{Options{}};
  api.post(kConfigMaps, R"({"metadata":{"name":"a","labels":{"x":"1"}},"data":{"k":"v","l":"w"}})");
  const auto answer = api.call("PATCH", std::string(kConfigMaps) + "/a",
                               R"({"data":{"k":null,"m":"n"},"metadata":{"labels":{"$patch":"delete"}}})",
                               "application/strategic-merge-patch+json");
  REQUIRE(answer.status == 200);
  CHECK(answer.json()["data"] == json{{"l", "w"}, {"m", "n"}});
  CHECK_FALSE(answer.json()["metadata"].contains("labels"));
}

TEST_CASE("a core kind may be replaced without a resourceVersion", "[apiserver]") {
  TestApiServer api{Options{}};
  api.post(kConfigMaps, R"({"metadata":{"name":"a"},"data":{"k":"v"}})");
  const auto answer =
      api.put(std::string(kConfigMaps) + "/a", R"({"metadata":{"name":"a"},"data":{"k":"w"}})");
  CHECK(answer.status == 200);
  CHECK(answer.json()["data"]["k"] == "w");
}

TEST_CASE("a lease keeps its micro times and refuses a stale holder", "[apiserver]") {
  TestApiServer api{Options{}};
  const std::string leases = "/apis/coordination.k8s.io/v1/namespaces/default/leases";
  const auto made = api.post(leases, R"({"metadata":{"name":"l"},
      "spec":{"holderIdentity":"a","renewTime":"2026-01-01T00:00:00.000000Z"}})");
  REQUIRE(made.status == 201);
  json lease = made.json();
  CHECK(lease["spec"]["renewTime"] == "2026-01-01T00:00:00.000000Z");
  lease["spec"]["holderIdentity"] = "b";
  CHECK(api.put(leases + "/l", lease.dump()).status == 200);
  CHECK(api.put(leases + "/l", lease.dump()).status == 409);
}

}  // namespace
}  // namespace tidelock::apiserver
