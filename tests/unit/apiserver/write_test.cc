// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <set>

#include "controller/base/limits.h"
#include "tests/unit/apiserver/widgets.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::string version_of(const json& object) { return object["metadata"]["resourceVersion"]; }

TEST_CASE("a custom resource gets defaults, generation 1 and no status", "[apiserver][write]") {
  WidgetServer api;
  auto body = json::parse(widget("w1", R"({"size":5.0})"));
  body["status"]["ready"] = true;
  const auto made = api.post(kWidgets, body.dump());
  REQUIRE(made.status == 201);
  CHECK(made.json()["spec"] == json{{"color", "red"}, {"size", 5}});
  CHECK(made.json()["metadata"]["generation"] == 1);
  CHECK_FALSE(made.json().contains("status"));
  CHECK(made.body.find("5.0") == std::string::npos);
}

TEST_CASE("generation rises with the wish only", "[apiserver][write]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  CHECK(api.merge(api.path("w1"), R"({"metadata":{"labels":{"a":"b"}}})")
            .json()["metadata"]["generation"] == 1);
  CHECK(api.merge(api.path("w1") + "/status", R"({"status":{"ready":true}})")
            .json()["metadata"]["generation"] == 1);
  CHECK(api.merge(api.path("w1"), R"({"spec":{"size":2}})").json()["metadata"]["generation"] == 2);
}

TEST_CASE("a write that changes nothing makes no revision", "[apiserver][write]") {
  WidgetServer api;
  const json made = api.post(kWidgets, widget("w1")).json();
  const auto revision = api.store().revision();
  CHECK(version_of(api.put(api.path("w1"), made.dump()).json()) == version_of(made));
  CHECK(version_of(api.merge(api.path("w1"), R"({"spec":{"color":"red"}})").json()) ==
        version_of(made));
  CHECK(api.store().revision() == revision);
}

TEST_CASE("the main endpoint keeps the status and the status endpoint all else",
          "[apiserver][write]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  const json with_status =
      api.merge(api.path("w1") + "/status",
                R"({"status":{"ready":true},"spec":{"size":9},"metadata":{"labels":{"a":"b"}}})")
          .json();
  CHECK(with_status["status"]["ready"] == true);
  CHECK_FALSE(with_status["spec"].contains("size"));
  CHECK_FALSE(with_status["metadata"].contains("labels"));
  const json after = api.merge(api.path("w1"), R"({"status":{"ready":false}})").json();
  CHECK(after["status"]["ready"] == true);
}

TEST_CASE("a stale or missing resourceVersion is refused on PUT", "[apiserver][write]") {
  WidgetServer api;
  json object = api.post(kWidgets, widget("w1")).json();
  api.merge(api.path("w1"), R"({"spec":{"size":1}})");
  const auto stale = api.put(api.path("w1"), object.dump());
  CHECK(stale.status == 409);
  CHECK(stale.json()["message"] ==
        "Operation cannot be fulfilled on widgets.contract.example.dev \"w1\": the object has been "
        "modified; please apply your changes to the latest version and try again");
  object["metadata"].erase("resourceVersion");
  const auto missing = api.put(api.path("w1"), object.dump());
  CHECK(missing.status == 422);
  CHECK(missing.json()["details"]["kind"] == "widgets");
  CHECK(missing.json()["details"]["causes"][0]["message"] ==
        "Invalid value: 0: must be specified for an update");
}

TEST_CASE("a patch with a resourceVersion is an optimistic lock", "[apiserver][write]") {
  WidgetServer api;
  const json made = api.post(kWidgets, widget("w1")).json();
  api.merge(api.path("w1"), R"({"spec":{"size":1}})");
  const json patch = {{"metadata", {{"resourceVersion", version_of(made)}}},
                      {"spec", {{"size", 2}}}};
  CHECK(api.merge(api.path("w1"), patch.dump()).status == 409);
  CHECK(api.merge(api.path("w1"), R"({"spec":{"size":2}})").status == 200);
}

TEST_CASE("a resourceVersion on create is refused as the real server does", "[apiserver][write]") {
  WidgetServer api;
  const auto answer = api.post(kWidgets, widget("w1", "{}", R"(,"resourceVersion":"1")"));
  CHECK(answer.status == 500);
  CHECK(answer.json()["message"] == "resourceVersion should not be set on objects to be created");
  CHECK_FALSE(answer.json().contains("reason"));
}

TEST_CASE("what clients may not set is overwritten on create", "[apiserver][write]") {
  WidgetServer api;
  const json made =
      api.post(kWidgets, widget("w1", "{}",
                                R"(,"uid":"x","generation":7,"selfLink":"/x",
                    "deletionTimestamp":"2020-01-01T00:00:00Z","managedFields":[{"manager":"m"}])"))
          .json();
  CHECK(made["metadata"]["uid"] != "x");
  CHECK(made["metadata"]["generation"] == 1);
  CHECK_FALSE(made["metadata"].contains("deletionTimestamp"));
  CHECK_FALSE(made["metadata"].contains("selfLink"));
  CHECK_FALSE(made["metadata"].contains("managedFields"));
}

TEST_CASE("PUT never creates", "[apiserver][write]") {
  WidgetServer api;
  CHECK(api.put(api.path("w1"), widget("w1")).status == 404);
}

TEST_CASE("name and namespace of a body must be those of the URL", "[apiserver][write]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  const auto name = api.put(api.path("w1"), widget("w2"));
  CHECK(name.status == 400);
  CHECK(name.json()["message"] ==
        "the name of the object (w2) does not match the name on the URL (w1)");
  const auto ns = api.post(kWidgets, widget("w3", "{}", R"(,"namespace":"other")"));
  CHECK(ns.status == 400);
}

TEST_CASE("an unknown field is warned of, refused or dropped, as asked", "[apiserver][write]") {
  WidgetServer api;
  const std::string body = widget("w1", R"({"bogus":1})");
  const auto strict = api.post(std::string(kWidgets) + "?fieldValidation=Strict", body);
  CHECK(strict.status == 400);
  CHECK(strict.json()["message"] ==
        "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: unknown "
        "field \"spec.bogus\"");
  const auto ignored = api.post(std::string(kWidgets) + "?fieldValidation=Ignore&dryRun=All", body);
  CHECK(ignored.status == 201);
  CHECK(http::header(ignored.headers, "Warning").empty());
  const auto warned = api.post(kWidgets, body);
  CHECK(warned.status == 201);
  CHECK(http::header(warned.headers, "Warning") == "299 - \"unknown field \\\"spec.bogus\\\"\"");
  CHECK_FALSE(warned.json()["spec"].contains("bogus"));
}

TEST_CASE("a duplicate key in a body is reported", "[apiserver][write]") {
  WidgetServer api;
  const auto answer = api.post(std::string(kWidgets) + "?fieldValidation=Strict",
                               widget("w1", R"({"color":"red","color":"blue"})"));
  CHECK(answer.status == 400);
  CHECK(answer.json()["message"].get<std::string>().find("duplicate field \"spec.color\"") !=
        std::string::npos);
}

TEST_CASE("faults against the schema come as causes with field paths", "[apiserver][write]") {
  WidgetServer api;
  const auto answer = api.post(kWidgets, widget("w1", R"({"color":"pink","size":-1})"));
  CHECK(answer.status == 422);
  const json status = answer.json();
  CHECK(status["reason"] == "Invalid");
  CHECK(status["details"]["kind"] == "Widget");
  CHECK(status["details"]["group"] == "contract.example.dev");
  std::set<std::string> fields;
  for (const auto& cause : status["details"]["causes"]) fields.insert(cause["field"]);
  CHECK(fields.contains("spec.color"));
  CHECK(fields.contains("spec.size"));
}

TEST_CASE("a dry run changes nothing and says what would be", "[apiserver][write]") {
  WidgetServer api;
  const auto revision = api.store().revision();
  const auto made = api.post(std::string(kWidgets) + "?dryRun=All", widget("w1"));
  CHECK(made.status == 201);
  CHECK(made.json()["metadata"].contains("uid"));
  CHECK_FALSE(made.json()["metadata"].contains("resourceVersion"));
  CHECK(api.store().revision() == revision);
  CHECK(api.get(api.path("w1")).status == 404);
  CHECK(api.post(std::string(kWidgets) + "?dryRun=Some", widget("w1")).status == 422);
}

TEST_CASE("bodies may be YAML, and without a content type are JSON", "[apiserver][write]") {
  WidgetServer api;
  const auto yaml = api.call("POST", kWidgets,
                             "apiVersion: contract.example.dev/v1\nkind: Widget\nmetadata:\n  name: "
                             "w1\nspec: {color: blue}\n",
                             "application/yaml");
  CHECK(yaml.status == 201);
  CHECK(yaml.json()["spec"]["color"] == "blue");
  CHECK(api.call("POST", kWidgets, widget("w2")).status == 201);
  CHECK(api.call("POST", kWidgets, widget("w3"), "text/plain").status == 415);
  CHECK(api.call("POST", kWidgets, "k8s", "application/vnd.kubernetes.protobuf").status == 400);
}

TEST_CASE("a patch of an unknown type is 415 and lists what is known", "[apiserver][patch]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  const auto answer =
      api.call("PATCH", api.path("w1"), "{}", "application/strategic-merge-patch+json");
  CHECK(answer.status == 415);
  CHECK(answer.json()["message"] ==
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml");
}

TEST_CASE("a JSON patch tests, adds and removes", "[apiserver][patch]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1", R"({"note":"x","tags":["a"]})"));
  const auto patch = [&](const std::string& body) {
    return api.call("PATCH", api.path("w1"), body, "application/json-patch+json");
  };
  const auto done = patch(R"([{"op":"test","path":"/spec/color","value":"red"},
      {"op":"remove","path":"/spec/note"},{"op":"add","path":"/spec/tags/-","value":"b"}])");
  REQUIRE(done.status == 200);
  CHECK(done.json()["spec"] == json{{"color", "red"}, {"tags", {"a", "b"}}});
  const auto failed = patch(R"([{"op":"test","path":"/spec/color","value":"blue"}])");
  CHECK(failed.status == 422);
  CHECK(failed.json()["message"] ==
        "the server rejected our request due to an error in our request");
  CHECK(failed.json()["details"] == json::object());
  CHECK(patch(R"([{"op":"remove","path":"/spec/nope"}])").status == 422);
  CHECK(patch(R"({"op":"remove"})").status == 400);
}

TEST_CASE("a JSON patch may have 10,000 operations and no more", "[apiserver][limits]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  json patch = json::array();
  for (std::size_t i = 0; i < limits::kJsonPatchOperationsMax; ++i) {
    patch.push_back({{"op", "add"}, {"path", "/spec/note"}, {"value", "x"}});
  }
  const auto send = [&] {
    return api.call("PATCH", api.path("w1"), patch.dump(), "application/json-patch+json").status;
  };
  CHECK(send() == 200);
  patch.push_back({{"op", "add"}, {"path", "/spec/note"}, {"value", "x"}});
  CHECK(send() == 413);
}

TEST_CASE("a JSON patch cannot make an object that is too deep or too big", "[apiserver][limits]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1", R"({"note":"x"})"));
  json nest = json::array();
  nest.push_back({{"op", "add"}, {"path", "/spec/a"}, {"value", json::object()}});
  for (int i = 0; i < 100; ++i) nest.push_back({{"op", "copy"}, {"from", "/spec"}, {"path", "/spec/a"}});
  CHECK(api.call("PATCH", api.path("w1"), nest.dump(), "application/json-patch+json").status == 400);
  json grow = json::array();
  grow.push_back({{"op", "add"}, {"path", "/spec/tags"}, {"value", {std::string(100'000, 'x')}}});
  for (int i = 0; i < 40; ++i) {
    grow.push_back({{"op", "copy"}, {"from", "/spec/tags/0"}, {"path", "/spec/tags/-"}});
  }
  CHECK(api.call("PATCH", api.path("w1"), grow.dump(), "application/json-patch+json").status == 413);
}

TEST_CASE("a body may have 3 MiB and no more", "[apiserver][limits]") {
  WidgetServer api;
  std::string body = widget("w1");
  body.resize(limits::kRequestBodyBytesMax, ' ');
  CHECK(api.post(kWidgets, body).status == 201);
  body += ' ';
  const auto answer = api.post(kWidgets, body);
  CHECK(answer.status == 413);
  CHECK(answer.json()["message"] == "Request entity too large: limit is 3145728");
}

TEST_CASE("an object may have 1.5 MiB and no more", "[apiserver][limits]") {
  WidgetServer api;
  const auto with_note = [&](std::size_t bytes) {
    return widget("w1", R"({"note":")" + std::string(bytes, 'x') + "\"}");
  };
  const std::string dry = std::string(kWidgets) + "?dryRun=All";
  const std::size_t overhead = api.post(dry, with_note(0)).body.size();
  CHECK(api.post(dry, with_note(limits::kObjectBytesMax - overhead)).status == 201);
  const auto answer = api.post(dry, with_note(limits::kObjectBytesMax - overhead + 1));
  CHECK(answer.status == 500);
  CHECK(answer.json()["message"] == "etcdserver: request is too large");
}

TEST_CASE("annotations may have 256 KiB in all and no more", "[apiserver][limits]") {
  WidgetServer api;
  const auto send = [&](std::size_t bytes) {
    return api.post(std::string(kWidgets) + "?dryRun=All",
                    widget("w1", "{}", R"(,"annotations":{"a":")" + std::string(bytes, 'x') + "\"}"));
  };
  CHECK(send(limits::kAnnotationsBytesMax - 1).status == 201);
  const auto answer = send(limits::kAnnotationsBytesMax);
  CHECK(answer.status == 422);
  CHECK(answer.json()["details"]["causes"][0]["field"] == "metadata.annotations");
}

TEST_CASE("a field manager may have 128 bytes and no more", "[apiserver][limits]") {
  WidgetServer api;
  const std::string target = std::string(kWidgets) + "?dryRun=All&fieldManager=";
  CHECK(api.post(target + std::string(128, 'm'), widget("w1")).status == 201);
  CHECK(api.post(target + std::string(129, 'm'), widget("w1")).status == 422);
}

TEST_CASE("bad names, labels and owners are Invalid with their field", "[apiserver][write]") {
  WidgetServer api;
  const auto field = [&](const std::string& body) {
    const auto answer = api.post(kWidgets, body);
    CHECK(answer.status == 422);
    return answer.json()["details"]["causes"][0]["field"].get<std::string>();
  };
  CHECK(field(widget("UPPER")) == "metadata.name");
  CHECK(field(widget("w1", "{}", R"(,"labels":{"a b":"c"})")) == "metadata.labels");
  CHECK(field(widget("w1", "{}", R"(,"ownerReferences":[{"kind":"K","name":"n","uid":"u"}])")) ==
        "metadata.ownerReferences[0].apiVersion");
  CHECK(field(R"({"apiVersion":"contract.example.dev/v1","kind":"Widget","metadata":{}})") ==
        "metadata.name");
  const auto type = api.post(kWidgets, widget("w1", "{}", R"(,"labels":{"a":1})"));
  CHECK(type.status == 400);
}

TEST_CASE("a body of another kind or version is refused", "[apiserver][write]") {
  WidgetServer api;
  json body = json::parse(widget("w1"));
  body["apiVersion"] = "contract.example.dev/v1beta1";
  const auto version = api.post(kWidgets, body.dump());
  CHECK(version.status == 400);
  CHECK(version.json()["message"] ==
        "the API version in the data (contract.example.dev/v1beta1) does not match the expected API "
        "version (contract.example.dev/v1)");
  CHECK(api.post(kWidgets, "{nope").status == 400);
  CHECK(api.post(kWidgets, "[]").status == 400);
  CHECK(api.post(kWidgets, "").status == 400);
}

}  // namespace
}  // namespace tidelock::apiserver
