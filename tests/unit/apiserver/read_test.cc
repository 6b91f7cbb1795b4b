// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "controller/http/message.h"
#include "tests/unit/apiserver/widgets.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::vector<std::string> names(const json& list) {
  std::vector<std::string> out;
  for (const auto& item : list["items"]) out.push_back(item["metadata"]["name"]);
  return out;
}
using Names = std::vector<std::string>;

std::string query(const std::string& name, const std::string& value) {
  return std::string(kWidgets) + "?" + name + "=" + http::percent_encode(value);
}

TEST_CASE("a list carries its kind, the revision of the read and a continue key",
          "[apiserver][list]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  const json list = api.get(kWidgets).json();
  CHECK(list["kind"] == "WidgetList");
  CHECK(list["apiVersion"] == "contract.example.dev/v1");
  CHECK(list["metadata"] == json{{"continue", ""},
                                 {"resourceVersion", std::to_string(api.store().revision())}});
  CHECK(list["items"][0] == api.get(api.path("w1")).json());
}

TEST_CASE("an empty list has an empty array", "[apiserver][list]") {
  WidgetServer api;
  CHECK(api.get(kWidgets).json()["items"] == json::array());
}

TEST_CASE("pages are one snapshot and count what remains", "[apiserver][list]") {
  WidgetServer api;
  for (const char* name : {"w1", "w2", "w3", "w4", "w5"}) api.post(kWidgets, widget(name));
  const std::string limited = std::string(kWidgets) + "?limit=2";
  const json first = api.get(limited).json();
  CHECK(names(first) == Names{"w1", "w2"});
  CHECK(first["metadata"]["remainingItemCount"] == 3);
  api.remove(api.path("w4"));
  api.post(kWidgets, widget("w0"));
  const json second =
      api.get(limited + "&continue=" + first["metadata"]["continue"].get<std::string>()).json();
  CHECK(names(second) == Names{"w3", "w4"});
  CHECK(second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]);
  const json third =
      api.get(limited + "&continue=" + second["metadata"]["continue"].get<std::string>()).json();
  CHECK(names(third) == Names{"w5"});
  CHECK(third["metadata"]["continue"] == "");
  CHECK_FALSE(third["metadata"].contains("remainingItemCount"));
}

TEST_CASE("pages with a selector are full but do not count", "[apiserver][list]") {
  WidgetServer api;
  for (int i = 0; i < 9; ++i) {
    api.post(kWidgets, widget("w" + std::to_string(i), "{}",
                              i % 2 == 0 ? R"(,"labels":{"even":"yes"})" : ""));
  }
  const std::string target = std::string(kWidgets) + "?limit=3&labelSelector=even";
  const json first = api.get(target).json();
  CHECK(names(first) == Names{"w0", "w2", "w4"});
  CHECK_FALSE(first["metadata"].contains("remainingItemCount"));
  const json second =
      api.get(target + "&continue=" + first["metadata"]["continue"].get<std::string>()).json();
  CHECK(names(second) == Names{"w6", "w8"});
  CHECK(second["metadata"]["continue"] == "");
}

TEST_CASE("an expired page offers a token for an inconsistent list", "[apiserver][list]") {
  WidgetServer api;
  for (const char* name : {"w1", "w2", "w3"}) api.post(kWidgets, widget(name));
  const std::string limited = std::string(kWidgets) + "?limit=1";
  const json first = api.get(limited).json();
  api.post(kWidgets, widget("w4"));
  REQUIRE(api.store().compact_step(api.store().revision()));
  const auto expired =
      api.get(limited + "&continue=" + first["metadata"]["continue"].get<std::string>());
  CHECK(expired.status == 410);
  CHECK(expired.json()["reason"] == "Expired");
  const std::string token = expired.json()["metadata"]["continue"];
  CHECK(names(api.get(std::string(kWidgets) + "?continue=" + token).json()) ==
        Names{"w2", "w3", "w4"});
}

TEST_CASE("bad list parameters are 400", "[apiserver][list]") {
  WidgetServer api;
  const std::string list(kWidgets);
  CHECK(api.get(list + "?limit=x").status == 400);
  CHECK(api.get(list + "?continue=zzz").status == 400);
  CHECK(api.get(list + "?continue=zzz&resourceVersion=3").status == 400);
  CHECK(api.get(list + "?resourceVersion=abc").status == 400);
  CHECK(api.get(list + "?resourceVersionMatch=Exact").status == 422);
  CHECK(api.get(list + "?resourceVersionMatch=Exact&resourceVersion=0").status == 422);
  CHECK(api.get(query("labelSelector", "a in (")).status == 400);
  const auto field = api.get(query("fieldSelector", "spec.mode=x"));
  CHECK(field.status == 400);
  CHECK(field.json()["message"] == "field label not supported: spec.mode");
}

TEST_CASE("resourceVersion asks for at least or exactly a revision", "[apiserver][list]") {
  WidgetServer api;
  const std::string first = api.post(kWidgets, widget("w1")).json()["metadata"]["resourceVersion"];
  api.post(kWidgets, widget("w2"));
  const std::string list(kWidgets);
  CHECK(names(api.get(list + "?resourceVersion=" + first).json()) == Names{"w1", "w2"});
  CHECK(names(api.get(list + "?resourceVersion=0").json()) == Names{"w1", "w2"});
  const json exact =
      api.get(list + "?resourceVersionMatch=Exact&resourceVersion=" + first).json();
  CHECK(names(exact) == Names{"w1"});
  CHECK(exact["metadata"]["resourceVersion"] == first);
  const auto future = api.get(list + "?resourceVersion=99999");
  CHECK(future.status == 504);
  CHECK(future.json()["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge");
  CHECK(http::header(future.headers, "Retry-After") == "1");
  REQUIRE(api.store().compact_step(api.store().revision()));
  CHECK(api.get(list + "?resourceVersionMatch=Exact&resourceVersion=" + first).status == 410);
}

TEST_CASE("label and field selectors select", "[apiserver][list]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1", R"({"color":"red"})", R"(,"labels":{"a":"b"})"));
  api.post(kWidgets, widget("w2", R"({"color":"blue"})", R"(,"labels":{"a":"c"})"));
  api.post(kWidgets, widget("w3", R"({"color":"blue"})"));
  const auto labelled = [&](const std::string& text) {
    return names(api.get(query("labelSelector", text)).json());
  };
  const auto fielded = [&](const std::string& text) {
    return names(api.get(query("fieldSelector", text)).json());
  };
  CHECK(labelled("a=b") == Names{"w1"});
  CHECK(labelled("a!=b") == Names{"w2", "w3"});
  CHECK(labelled("a in (b,c)") == Names{"w1", "w2"});
  CHECK(labelled("!a") == Names{"w3"});
  CHECK(fielded("spec.color=blue") == Names{"w2", "w3"});
  CHECK(fielded("spec.color!=blue") == Names{"w1"});
  CHECK(fielded("metadata.name=w2") == Names{"w2"});
  CHECK(fielded("metadata.name=w2,spec.color=red") == Names{});
  CHECK(fielded("metadata.namespace=other") == Names{});
}

TEST_CASE("a list over all namespaces is ordered by namespace and name", "[apiserver][list]") {
  WidgetServer api;
  api.post("/api/v1/namespaces", R"({"metadata":{"name":"another"}})");
  api.post(kWidgets, widget("w1"));
  api.post("/apis/contract.example.dev/v1/namespaces/another/widgets", widget("w2"));
  const std::string all = "/apis/contract.example.dev/v1/widgets";
  CHECK(names(api.get(all).json()) == Names{"w2", "w1"});
  CHECK(names(api.get(all + "?fieldSelector=metadata.name%3Dw1").json()) == Names{"w1"});
  const auto posted = api.post(all, widget("w3"));
  CHECK(posted.status == 404);
  CHECK(posted.body == "404 page not found\n");
  CHECK(api.remove(all).status == 404);
}

TEST_CASE("answers are JSON or YAML as accepted, else 406", "[apiserver][media]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  const auto get = [&](const std::string& accept) {
    return api.call("GET", api.path("w1"), "", "", accept);
  };
  CHECK(get("application/vnd.kubernetes.protobuf, */*").status == 200);
  CHECK(get("application/vnd.kubernetes.protobuf,application/json").status == 200);
  CHECK(get("text/html,*/*;q=0.8").status == 200);
  const auto refused = get("application/vnd.kubernetes.protobuf");
  CHECK(refused.status == 406);
  CHECK(refused.json()["message"] ==
        "only the following media types are accepted: application/json, application/yaml, "
        "application/vnd.kubernetes.protobuf");
  const auto yaml = get("application/yaml");
  CHECK(http::header(yaml.headers, "Content-Type") == "application/yaml");
  CHECK(yaml.body.find("kind: Widget") != std::string::npos);
}

TEST_CASE("a Table has the columns of the CRD and a row for each object", "[apiserver][table]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  const std::string accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
  const json table = api.call("GET", kWidgets, "", "", accept).json();
  CHECK(table["kind"] == "Table");
  CHECK(table["columnDefinitions"][1]["name"] == "Color");
  CHECK(table["rows"][0]["cells"][0] == "w1");
  CHECK(table["rows"][0]["cells"][1] == "red");
  CHECK(table["rows"][0]["object"]["kind"] == "PartialObjectMetadata");
  CHECK(api.call("GET", std::string(kWidgets) + "?includeObject=x", "", "", accept).status == 400);
}

TEST_CASE("unknown groups and paths are a plain page", "[apiserver][routes]") {
  WidgetServer api;
  for (const char* path : {"/apis/nope.dev/v1/things", "/nope", "/apis/contract.example.dev/v2/widgets",
                           "/apis/contract.example.dev/v1/namespaces/default/widgets/w/scale"}) {
    const auto answer = api.get(path);
    CHECK(answer.status == 404);
    CHECK(answer.body == "404 page not found\n");
    CHECK(http::header(answer.headers, "Content-Type") == "text/plain; charset=utf-8");
  }
}

TEST_CASE("methods that a path does not know are 405", "[apiserver][routes]") {
  WidgetServer api;
  CHECK(api.call("HEAD", kWidgets).status == 405);
  CHECK(api.call("PUT", kWidgets).status == 405);
  CHECK(api.call("POST", api.path("w1")).status == 405);
  CHECK(api.call("POST", "/version").json()["message"] ==
        "the server does not allow this method on the requested resource");
}

TEST_CASE("events are found by the object that they are about", "[apiserver][list]") {
  WidgetServer api;
  const std::string events = "/api/v1/namespaces/default/events";
  api.post(events, R"({"metadata":{"name":"e1"},"involvedObject":{"kind":"Widget","name":"w1",
      "namespace":"default","uid":"u1"},"reason":"Made","type":"Normal","source":{"component":"c"}})");
  api.post(events, R"({"metadata":{"name":"e2"},"involvedObject":{"kind":"Widget","name":"w2"}})");
  const auto found = [&](const std::string& selector) {
    return names(api.get(events + "?fieldSelector=" + http::percent_encode(selector)).json());
  };
  CHECK(found("involvedObject.name=w1,involvedObject.uid=u1") == Names{"e1"});
  CHECK(found("source=c") == Names{"e1"});
  CHECK(found("type!=Normal") == Names{"e2"});
}

}  // namespace
}  // namespace tidelock::apiserver
