// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/unit/apiserver/widgets.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::string uid_of(const json& object) { return object["metadata"]["uid"]; }

std::string owned_by(const json& owner, const std::string& more = "") {
  return R"(,"ownerReferences":[{"apiVersion":"contract.example.dev/v1","kind":"Widget","name":")" +
         owner["metadata"]["name"].get<std::string>() + R"(","uid":")" + uid_of(owner) + "\"" + more +
         "}]";
}

TEST_CASE("a delete answers with the uid that is gone", "[apiserver][delete]") {
  WidgetServer api;
  const json made = api.post(kWidgets, widget("w1")).json();
  const auto answer = api.remove(api.path("w1"), R"({"propagationPolicy":"Background"})");
  CHECK(answer.status == 200);
  CHECK(answer.json() ==
        json{{"kind", "Status"},
             {"apiVersion", "v1"},
             {"metadata", json::object()},
             {"status", "Success"},
             {"details",
              {{"name", "w1"},
               {"group", "contract.example.dev"},
               {"kind", "widgets"},
               {"uid", uid_of(made)}}}});
  CHECK(api.get(api.path("w1")).status == 404);
  CHECK(api.remove(api.path("w1")).status == 404);
}

TEST_CASE("finalizers hold an object until the last one is off", "[apiserver][delete]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1", "{}", R"(,"finalizers":["example.dev/a","example.dev/b"])"));
  const auto deleted = api.remove(api.path("w1"));
  CHECK(deleted.status == 200);
  CHECK(deleted.json()["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z");
  CHECK(deleted.json()["metadata"]["deletionGracePeriodSeconds"] == 0);
  CHECK(deleted.json()["metadata"]["generation"] == 2);
  CHECK(api.remove(api.path("w1")).json() == deleted.json());
  const auto again = api.post(kWidgets, widget("w1"));
  CHECK(again.status == 409);
  CHECK(again.json()["message"] ==
        "object is being deleted: widgets.contract.example.dev \"w1\" already exists");
  CHECK(api.merge(api.path("w1"), R"({"metadata":{"finalizers":["example.dev/c"]}})").status == 422);
  CHECK(api.merge(api.path("w1"), R"({"metadata":{"deletionTimestamp":null}})")
            .json()["metadata"]
            .contains("deletionTimestamp"));
  CHECK(api.merge(api.path("w1"), R"({"metadata":{"finalizers":["example.dev/b"]}})").status == 200);
  CHECK(api.get(api.path("w1")).status == 200);
  const auto last = api.merge(api.path("w1"), R"({"metadata":{"finalizers":null}})");
  CHECK(last.status == 200);
  CHECK(last.json()["metadata"]["name"] == "w1");
  CHECK(api.get(api.path("w1")).status == 404);
}

TEST_CASE("preconditions refuse another uid or resourceVersion", "[apiserver][delete]") {
  WidgetServer api;
  const json made = api.post(kWidgets, widget("w1")).json();
  const auto uid = api.remove(api.path("w1"), R"({"preconditions":{"uid":"nope"}})");
  CHECK(uid.status == 409);
  CHECK(uid.json()["message"] ==
        "Operation cannot be fulfilled on Widget.contract.example.dev \"w1\": the UID in the "
        "precondition (nope) does not match the UID in record (" +
            uid_of(made) + "). The object might have been deleted and then recreated");
  CHECK(uid.json()["details"]["kind"] == "Widget");
  CHECK(api.remove(api.path("w1"), R"({"preconditions":{"resourceVersion":"1"}})").status == 409);
  CHECK(api.remove(api.path("w1"), R"({"preconditions":{"uid":")" + uid_of(made) + "\"}}").status ==
        200);
}

TEST_CASE("a dry run deletes nothing", "[apiserver][delete]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  CHECK(api.remove(api.path("w1") + "?dryRun=All").status == 200);
  CHECK(api.get(api.path("w1")).status == 200);
  CHECK(api.remove(api.path("w1"), R"({"propagationPolicy":"Sideways"})").status == 422);
}

TEST_CASE("a collection is deleted by selector and answered with what it was",
          "[apiserver][delete]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1", "{}", R"(,"labels":{"a":"b"})"));
  api.post(kWidgets, widget("w2"));
  api.post(kWidgets, widget("w3", "{}", R"(,"labels":{"a":"b"})"));
  const auto answer = api.remove(std::string(kWidgets) + "?labelSelector=a");
  CHECK(answer.status == 200);
  CHECK(answer.json()["kind"] == "WidgetList");
  CHECK(answer.json()["items"].size() == 2);
  CHECK(api.get(kWidgets).json()["items"].size() == 1);
}

TEST_CASE("what a deleted object owned is deleted in the background", "[apiserver][gc]") {
  WidgetServer api;
  const json owner = api.post(kWidgets, widget("owner")).json();
  const json child = api.post(kWidgets, widget("child", "{}", owned_by(owner))).json();
  api.post(kWidgets, widget("grandchild", "{}", owned_by(child)));
  api.post(kWidgets, widget("other"));
  api.step();
  CHECK(api.get(kWidgets).json()["items"].size() == 4);
  api.remove(api.path("owner"));
  api.step();
  CHECK(api.get(api.path("child")).status == 404);
  CHECK(api.get(api.path("grandchild")).status == 404);
  CHECK(api.get(api.path("other")).status == 200);
}

TEST_CASE("an owner that never was, or is another by uid, counts as absent", "[apiserver][gc]") {
  WidgetServer api;
  json owner = api.post(kWidgets, widget("owner")).json();
  owner["metadata"]["uid"] = "11111111-1111-4111-8111-111111111111";
  api.post(kWidgets, widget("child", "{}", owned_by(owner)));
  api.step();
  CHECK(api.get(api.path("child")).status == 404);
}

TEST_CASE("an owner of a kind that is not served keeps its dependents", "[apiserver][gc]") {
  WidgetServer api;
  api.post(kWidgets, widget("child", "{}",
                            R"(,"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment",
                            "name":"d","uid":"u"}])"));
  api.step();
  CHECK(api.get(api.path("child")).status == 200);
}

TEST_CASE("one owner of two that is gone is only struck out", "[apiserver][gc]") {
  WidgetServer api;
  const json one = api.post(kWidgets, widget("one")).json();
  const json two = api.post(kWidgets, widget("two")).json();
  json child = json::parse(widget("child", "{}", owned_by(one)));
  child["metadata"]["ownerReferences"].push_back({{"apiVersion", "contract.example.dev/v1"},
                                                  {"kind", "Widget"},
                                                  {"name", "two"},
                                                  {"uid", uid_of(two)}});
  api.post(kWidgets, child.dump());
  api.remove(api.path("one"));
  api.step();
  const json kept = api.get(api.path("child")).json();
  REQUIRE(kept["metadata"]["ownerReferences"].size() == 1);
  CHECK(kept["metadata"]["ownerReferences"][0]["name"] == "two");
}

TEST_CASE("a foreground deletion waits for the dependents that block it", "[apiserver][gc]") {
  WidgetServer api;
  const json owner = api.post(kWidgets, widget("owner")).json();
  json child = json::parse(widget("child", "{}", owned_by(owner, R"(,"blockOwnerDeletion":true)")));
  child["metadata"]["finalizers"] = {"example.dev/hold"};
  api.post(kWidgets, child.dump());
  const auto deleted = api.remove(api.path("owner"), R"({"propagationPolicy":"Foreground"})");
  CHECK(deleted.json()["metadata"]["finalizers"] == json{"foregroundDeletion"});
  api.step();
  CHECK(api.get(api.path("owner")).status == 200);
  CHECK(api.get(api.path("child")).json()["metadata"].contains("deletionTimestamp"));
  api.merge(api.path("child"), R"({"metadata":{"finalizers":null}})");
  api.step();
  CHECK(api.get(api.path("child")).status == 404);
  CHECK(api.get(api.path("owner")).status == 404);
}

TEST_CASE("an orphaning deletion lets the dependents go", "[apiserver][gc]") {
  WidgetServer api;
  const json owner = api.post(kWidgets, widget("owner")).json();
  api.post(kWidgets, widget("child", "{}", owned_by(owner)));
  CHECK(api.remove(api.path("owner") + "?propagationPolicy=Orphan").status == 200);
  api.step();
  CHECK(api.get(api.path("owner")).status == 404);
  const auto child = api.get(api.path("child"));
  CHECK(child.status == 200);
  CHECK_FALSE(child.json()["metadata"].contains("ownerReferences"));
}

TEST_CASE("a background delete ends a foreground one", "[apiserver][gc]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  api.remove(api.path("w1"), R"({"propagationPolicy":"Foreground"})");
  CHECK(api.get(api.path("w1")).status == 200);
  api.remove(api.path("w1"), R"({"propagationPolicy":"Background"})");
  CHECK(api.get(api.path("w1")).status == 404);
}

TEST_CASE("a namespace empties itself before it goes", "[apiserver][namespaces]") {
  WidgetServer api;
  const std::string inside = "/apis/contract.example.dev/v1/namespaces/shop/widgets";
  CHECK(api.post("/api/v1/namespaces", R"({"metadata":{"name":"shop"}})").status == 201);
  api.post(inside, widget("w1"));
  api.post(inside, widget("held", "{}", R"(,"finalizers":["example.dev/hold"])"));
  api.post("/api/v1/namespaces/shop/configmaps", R"({"metadata":{"name":"c"}})");
  const auto deleted = api.remove("/api/v1/namespaces/shop");
  CHECK(deleted.status == 200);
  CHECK(deleted.json()["status"]["phase"] == "Terminating");
  CHECK(deleted.json()["spec"]["finalizers"] == json{"kubernetes"});

  const auto late = api.post(inside, widget("late"));
  CHECK(late.status == 403);
  CHECK(late.json()["message"] ==
        "widgets.contract.example.dev \"late\" is forbidden: unable to create new content in "
        "namespace shop because it is being terminated");
  CHECK(late.json()["details"]["causes"][0]["reason"] == "NamespaceTerminating");

  api.step();
  CHECK(api.get("/api/v1/namespaces/shop").status == 200);
  CHECK(api.get(inside).json()["items"].size() == 1);
  api.merge(inside + "/held", R"({"metadata":{"finalizers":null}})");
  api.step();
  CHECK(api.get("/api/v1/namespaces/shop").status == 404);
  CHECK(api.post(inside, widget("w1")).status == 404);
  CHECK(api.post("/api/v1/namespaces", R"({"metadata":{"name":"shop"}})").status == 201);
  CHECK(api.get(inside).json()["items"].empty());
}

TEST_CASE("a namespace sent with an empty spec empties itself too", "[apiserver][namespaces]") {
  WidgetServer api;
  const auto made = api.post("/api/v1/namespaces", R"({"metadata":{"name":"shop"},"spec":{}})");
  REQUIRE(made.status == 201);
  CHECK(made.json()["spec"]["finalizers"] == json{"kubernetes"});
  api.post("/api/v1/namespaces/shop/configmaps", R"({"metadata":{"name":"c"}})");
  // Not even an empty list of finalizers lets it go before its contents.
  json ns = api.get("/api/v1/namespaces/shop").json();
  ns["spec"]["finalizers"] = json::array();
  CHECK(api.put("/api/v1/namespaces/shop/finalize", ns.dump()).status == 200);
  CHECK(api.remove("/api/v1/namespaces/shop").status == 200);
  api.step();
  CHECK(api.get("/api/v1/namespaces/shop").status == 404);
  CHECK(api.get("/api/v1/namespaces/shop/configmaps/c").status == 404);
  CHECK(api.post("/api/v1/namespaces", R"({"metadata":{"name":"bad"},"spec":"x"})").status == 422);
}

TEST_CASE("events are forgotten after their lifetime", "[apiserver][events]") {
  WidgetServer api;
  const std::string events = "/api/v1/namespaces/default/events";
  api.post(events, R"({"metadata":{"name":"e1"},"involvedObject":{"kind":"Widget"}})");
  api.step();
  api.advance(std::chrono::minutes(59));
  CHECK(api.get(events).json()["items"].size() == 1);
  api.advance(std::chrono::minutes(2));
  CHECK(api.get(events).json()["items"].empty());
}

TEST_CASE("old history is compacted, new history is kept", "[apiserver][compaction]") {
  WidgetServer api;
  const std::string before = std::to_string(api.store().revision());
  api.post(kWidgets, widget("w1"));
  api.step();
  CHECK(api.store().compacted_revision() == 0);
  api.advance(std::chrono::minutes(6));
  api.post(kWidgets, widget("w2"));
  const std::string recent = std::to_string(api.store().revision());
  api.post(kWidgets, widget("w3"));
  api.step();
  CHECK(api.store().compacted_revision() > 0);
  const std::string exact = std::string(kWidgets) + "?resourceVersionMatch=Exact&resourceVersion=";
  CHECK(api.get(exact + before).status == 410);
  CHECK(api.get(exact + recent).json()["items"].size() == 2);
}

}  // namespace
}  // namespace tidelock::apiserver
