// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/patch.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/base/limits.h"

using namespace tidelock;
using namespace tidelock::apiserver;
using nlohmann::json;

namespace {

json patched(const char* target, const char* patch) {
  const auto result = apply_json_patch(json::parse(target), json::parse(patch));
  INFO((result ? "" : result.error().message));
  REQUIRE(result.has_value());
  return *result;
}

Error refused(const char* target, const char* patch) {
  const auto result = apply_json_patch(json::parse(target), json::parse(patch));
  REQUIRE_FALSE(result.has_value());
  return result.error();
}

json strategic(const char* target, const char* patch) {
  const auto result = apply_strategic_patch(json::parse(target), json::parse(patch));
  REQUIRE(result.has_value());
  return *result;
}

}  // namespace

TEST_CASE("a merge patch replaces lists, merges objects and removes by null", "[patch]") {
  CHECK(apply_merge_patch(json::parse(R"({"a":{"b":1,"c":2},"l":[1,2]})"),
                          json::parse(R"({"a":{"b":null,"d":3},"l":[3]})")) ==
        json::parse(R"({"a":{"c":2,"d":3},"l":[3]})"));
}

TEST_CASE("the operations of a JSON patch", "[patch]") {
  CHECK(patched(R"({"a":1})", R"([{"op":"add","path":"/b","value":2}])") ==
        json::parse(R"({"a":1,"b":2})"));
  CHECK(patched(R"({"l":[1,3]})", R"([{"op":"add","path":"/l/1","value":2},
      {"op":"add","path":"/l/-","value":4}])") == json::parse(R"({"l":[1,2,3,4]})"));
  CHECK(patched(R"({"a":{"b":1}})", R"([{"op":"move","from":"/a/b","path":"/c"}])") ==
        json::parse(R"({"a":{},"c":1})"));
  CHECK(patched(R"({"a":1})", R"([{"op":"copy","from":"/a","path":"/b"},
      {"op":"test","path":"/b","value":1},{"op":"remove","path":"/a"}])") ==
        json::parse(R"({"b":1})"));
  CHECK(patched(R"({"a":{}})", R"([{"op":"replace","path":"/a/new","value":1}])") ==
        json::parse(R"({"a":{"new":1}})"));
  CHECK(patched(R"({"a/b":{"m~n":1}})", R"([{"op":"replace","path":"/a~1b/m~0n","value":2}])") ==
        json::parse(R"({"a/b":{"m~n":2}})"));
}

TEST_CASE("an operation that cannot be done fails the patch as Invalid without causes", "[patch]") {
  for (const char* patch :
       {R"([{"op":"test","path":"/a","value":2}])", R"([{"op":"remove","path":"/none"}])",
        R"([{"op":"fly","path":"/a"}])", R"([{"op":"add","path":"/x/y/z","value":1}])",
        R"([{"op":"add","path":"/l/9","value":1}])", R"([{"op":"add"}])", R"([5])",
        R"([{"op":"add","path":"no-slash","value":1}])", R"([{"op":"move","path":"/b"}])",
        R"([{"op":"copy","from":"/none","path":"/b"}])",
        R"([{"op":"remove","path":"/l/99999999999999999999999"}])",
        R"([{"op":"replace","path":"/l/99999999999999999999999","value":1}])",
        R"([{"op":"add","path":"/l/99999999999999999999999/x","value":1}])",
        R"([{"op":"test","path":"/l/-","value":1}])", R"([{"op":"remove","path":"/l/-"}])",
        R"([{"op":"remove","path":"/l/x"}])", R"([{"op":"remove","path":"/a/0"}])",
        R"([{"op":"remove","path":""}])"}) {
    INFO(patch);
    const Error error = refused(R"({"a":1,"l":[1]})", patch);
    CHECK(error.reason == Reason::Invalid);
    CHECK(error.message == "the server rejected our request due to an error in our request");
    CHECK(error.causes.empty());
  }
}

TEST_CASE("a JSON patch is a list of at most ten thousand operations", "[patch]") {
  CHECK(refused("{}", "{}").reason == Reason::BadRequest);
  json patch = json::array();
  for (std::size_t i = 0; i < limits::kJsonPatchOperationsMax; ++i) {
    patch.push_back({{"op", "add"}, {"path", "/a"}, {"value", 1}});
  }
  CHECK(apply_json_patch(json::object(), patch).has_value());
  patch.push_back(patch[0]);
  const auto result = apply_json_patch(json::object(), patch);
  REQUIRE_FALSE(result.has_value());
  CHECK(result.error().reason == Reason::RequestEntityTooLarge);
  CHECK(result.error().message ==
        "Request entity too large: The allowed maximum operations in a JSON patch is 10000, got "
        "10001");
}

TEST_CASE("copies that double each time are stopped", "[patch]") {
  json patch = json::array();
  for (int i = 0; i < 60; ++i) patch.push_back({{"op", "copy"}, {"from", "/a"}, {"path", "/a/-"}});
  const auto result = apply_json_patch(json::parse(R"({"a":[1]})"), patch);
  REQUIRE_FALSE(result.has_value());
}

TEST_CASE("strategic merge: maps merge, finalizers and owners join, other lists are replaced",
          "[patch]") {
  CHECK(
      strategic(R"({"data":{"a":"1","b":"2"},"metadata":{"finalizers":["x"]},"list":[1]})",
                R"({"data":{"b":null,"c":"3"},"metadata":{"finalizers":["y","x"]},"list":[2]})") ==
      json::parse(R"({"data":{"a":"1","c":"3"},"metadata":{"finalizers":["x","y"]},"list":[2]})"));
  CHECK(strategic(R"({"metadata":{"ownerReferences":[{"uid":"1","name":"a"},{"uid":"2"}]}})",
                  R"({"metadata":{"ownerReferences":[{"uid":"1","kind":"K"},
                      {"uid":"2","$patch":"delete"},{"uid":"3"}]}})") ==
        json::parse(R"({"metadata":{"ownerReferences":[{"uid":"1","name":"a","kind":"K"},
                      {"uid":"3"}]}})"));
}

TEST_CASE("strategic merge: directives replace, delete and retain", "[patch]") {
  CHECK(strategic(R"({"data":{"a":"1"}})", R"({"data":{"$patch":"replace","b":"2"}})") ==
        json::parse(R"({"data":{"b":"2"}})"));
  CHECK(strategic(R"({"data":{"a":"1"},"x":1})", R"({"data":{"$patch":"delete"}})") ==
        json::parse(R"({"x":1})"));
  CHECK(strategic(R"({"data":{"a":"1","b":"2"}})", R"({"data":{"$retainKeys":["a"]}})") ==
        json::parse(R"({"data":{"a":"1"}})"));
  CHECK(strategic(R"({"metadata":{"finalizers":["a","b"]}})",
                  R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}})") ==
        json::parse(R"({"metadata":{"finalizers":["b"]}})"));
  CHECK(strategic(R"({"a":1})", R"({"$setElementOrder/finalizers":["a"]})") ==
        json::parse(R"({"a":1})"));
}

TEST_CASE("strategic merge: new objects carry no directives and no nulls", "[patch]") {
  CHECK(strategic("{}", R"({"data":{"a":null,"b":"1","$retainKeys":["b"]}})") ==
        json::parse(R"({"data":{"b":"1"}})"));
}

TEST_CASE("a strategic patch that is no object, or whose items have no key, is refused",
          "[patch]") {
  CHECK_FALSE(apply_strategic_patch(json::object(), json::array()).has_value());
  CHECK_FALSE(apply_strategic_patch(
                  json::object(), json::parse(R"({"metadata":{"ownerReferences":[{"name":"x"}]}})"))
                  .has_value());
}
