// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/unit/apiserver/widgets.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr const char* kWidgetCrd =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.contract.example.dev";

std::string condition(const json& crd, const std::string& type) {
  for (const auto& item : crd["status"]["conditions"]) {
    if (item["type"] == type) return item["status"].get<std::string>() + "/" + item["reason"].get<std::string>();
  }
  return "";
}

TEST_CASE("a CRD is established, and served at once", "[apiserver][crd]") {
  testing::TestApiServer api{Options{}};
  CHECK(api.get(kWidgets).body == "404 page not found\n");
  REQUIRE(api.post(kCrds, widget_crd()).status == 201);
  const json crd = api.get(kWidgetCrd).json();
  CHECK(condition(crd, "NamesAccepted") == "True/NoConflicts");
  CHECK(condition(crd, "Established") == "True/InitialNamesAccepted");
  CHECK(crd["status"]["storedVersions"] == json{"v1"});
  CHECK(crd["status"]["acceptedNames"]["singular"] == "widget");
  CHECK(crd["spec"]["names"]["listKind"] == "WidgetList");
  CHECK(api.post(kWidgets, widget("w1")).status == 201);
}

TEST_CASE("a CRD that takes a used name is not served", "[apiserver][crd]") {
  WidgetServer api;
  json other = json::parse(widget_crd());
  other["metadata"]["name"] = "gadgets.contract.example.dev";
  other["spec"]["names"] = {{"kind", "Widget"}, {"plural", "gadgets"}, {"singular", "gadget"}};
  REQUIRE(api.post(kCrds, other.dump()).status == 201);
  const json crd = api.get(std::string(kCrds) + "/gadgets.contract.example.dev").json();
  CHECK(condition(crd, "NamesAccepted") == "False/KindConflict");
  CHECK(condition(crd, "Established") == "False/NotAccepted");
  CHECK(api.get("/apis/contract.example.dev/v1/gadgets").status == 404);
  CHECK(api.get(kWidgets).status == 200);
}

TEST_CASE("a changed schema holds for the next write", "[apiserver][crd]") {
  WidgetServer api;
  CHECK(api.post(kWidgets, widget("w1", R"({"size":50})")).status == 201);
  json crd = api.get(kWidgetCrd).json();
  crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["size"]
     ["maximum"] = 10;
  REQUIRE(api.put(kWidgetCrd, crd.dump()).status == 200);
  CHECK(api.post(kWidgets, widget("w2", R"({"size":50})")).status == 422);
  CHECK(api.get(kWidgetCrd).json()["metadata"]["generation"] == 2);
  // What did not change is tolerated.
  CHECK(api.merge(api.path("w1"), R"({"metadata":{"labels":{"a":"b"}}})").status == 200);
}

TEST_CASE("a deleted CRD takes its objects along and ends its watches", "[apiserver][crd]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  api.post(kWidgets, widget("held", "{}", R"(,"finalizers":["example.dev/hold"])"));
  auto stream = api.watch(std::string(kWidgets) + "?watch=1&resourceVersion=" +
                          std::to_string(api.store().revision()));
  const auto deleted = api.remove(kWidgetCrd);
  CHECK(deleted.status == 200);
  CHECK(deleted.json()["metadata"]["finalizers"] ==
        json{"customresourcecleanup.apiextensions.k8s.io"});
  CHECK(condition(deleted.json(), "Terminating") == "True/InstanceDeletionPending");
  const auto late = api.post(kWidgets, widget("late"));
  CHECK(late.status == 403);
  CHECK(late.json()["message"] ==
        "create not allowed while custom resource definition is terminating");
  api.step();
  CHECK(api.get(kWidgetCrd).status == 200);
  CHECK(api.get(kWidgets).json()["items"].size() == 1);
  api.merge(api.path("held"), R"({"metadata":{"finalizers":null}})");
  api.step();
  CHECK(api.get(kWidgetCrd).status == 404);
  CHECK(api.get(kWidgets).body == "404 page not found\n");
  std::size_t deletions = 0;
  for (const auto& line : stream->poll()) deletions += line.starts_with(R"({"type":"DELETED")");
  CHECK(deletions == 2);
  stream->poll();
  CHECK(stream->state() == http::LineStream::State::Ended);
  CHECK(api.post(kCrds, widget_crd()).status == 201);
  CHECK(api.get(kWidgets).json()["items"].empty());
}

TEST_CASE("two served versions show the same object, each under its name", "[apiserver][crd]") {
  testing::TestApiServer api{Options{}};
  json crd = json::parse(widget_crd());
  json beta = crd["spec"]["versions"][0];
  beta["name"] = "v1beta1";
  beta["storage"] = false;
  beta["deprecated"] = true;
  crd["spec"]["versions"].push_back(beta);
  REQUIRE(api.post(kCrds, crd.dump()).status == 201);
  REQUIRE(api.post(kWidgets, widget("w1")).status == 201);
  const auto old = api.get("/apis/contract.example.dev/v1beta1/namespaces/default/widgets/w1");
  CHECK(old.json()["apiVersion"] == "contract.example.dev/v1beta1");
  CHECK(http::header(old.headers, "Warning") ==
        "299 - \"contract.example.dev/v1beta1 Widget is deprecated\"");
  json body = json::parse(widget("w2"));
  body["apiVersion"] = "contract.example.dev/v1beta1";
  CHECK(api.post("/apis/contract.example.dev/v1beta1/namespaces/default/widgets", body.dump()).status ==
        201);
  CHECK(api.get(std::string(kWidgets) + "/w2").json()["apiVersion"] == "contract.example.dev/v1");
}

TEST_CASE("a server that starts again serves what was stored", "[apiserver][crd]") {
  auto store = store::open_memory_store();
  testing::FakeClock clock;
  SeededRandom random(1);
  Options options;
  options.crds = {widget_crd()};
  json before;
  for (int run = 0; run < 2; ++run) {
    auto server = ApiServer::open(*store, clock, random, options);
    REQUIRE(server);
    auto transport = http::in_process_transport(**server, testing::TestApiServer::administrator());
    http::Request request;
    request.target = std::string(kWidgets) + "/w1";
    if (run == 0) {
      http::Request create;
      create.method = "POST";
      create.target = kWidgets;
      create.body = widget("w1");
      REQUIRE(transport->send(create)->status == 201);
      before = json::parse(transport->send(request)->body);
    } else {
      CHECK(json::parse(transport->send(request)->body) == before);
    }
  }
}

TEST_CASE("a start with the same CRDs writes nothing", "[apiserver][crd]") {
  auto store = store::open_memory_store();
  testing::FakeClock clock;
  SeededRandom random(1);
  Options options;
  options.crds = {widget_crd()};
  REQUIRE(ApiServer::open(*store, clock, random, options));
  const auto revision = store->revision();
  clock.advance(std::chrono::hours(1));
  REQUIRE(ApiServer::open(*store, clock, random, options));
  CHECK(store->revision() == revision);
}

TEST_CASE("the CRDs of the repository are served", "[apiserver][crd]") {
  testing::TestApiServer api;
  const std::string tidelock = "/apis/tidelock.dev/v1alpha1/namespaces/default/";
  for (const char* plural : {"projects", "releases", "environments", "tenants", "targets", "lockgroups",
                             "concurrencybudgets", "tenantdeployments", "rollouts", "installations",
                             "deploymenttasks"}) {
    INFO(plural);
    CHECK(api.get(tidelock + plural).status == 200);
  }
}

TEST_CASE("a project that names an unknown lock group is refused with the field",
          "[apiserver][validation]") {
  testing::TestApiServer api;
  const std::string projects = "/apis/tidelock.dev/v1alpha1/namespaces/default/projects";
  const std::string body = R"({"apiVersion":"tidelock.dev/v1alpha1","kind":"Project",
    "metadata":{"name":"shop"},"spec":{"installDirectory":"/srv/${tenant.name}","steps":[
    {"name":"one","script":{"body":"true"},"locks":[{"group":"central","mode":"Exclusive"}]}]}})";
  const auto refused = api.post(projects, body);
  CHECK(refused.status == 422);
  CHECK(refused.json()["details"]["causes"][0]["field"] == "spec.steps[0].locks[0].group");
  CHECK(refused.json()["details"]["causes"][0]["reason"] == "FieldValueNotFound");
  const auto group = api.post("/apis/tidelock.dev/v1alpha1/namespaces/default/lockgroups",
                              R"({"apiVersion":"tidelock.dev/v1alpha1","kind":"LockGroup",
      "metadata":{"name":"central"},"spec":{"scope":"Target","capacity":1,"granularity":"Step"}})");
  INFO(group.body);
  CHECK(group.status == 201);
  const auto made = api.post(projects, body);
  INFO(made.body);
  CHECK(made.status == 201);
}

}  // namespace
}  // namespace tidelock::apiserver
