// SPDX-License-Identifier: Apache-2.0
#include "controller/api/jsonpath.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace tidelock;
using api::JsonPath;
using nlohmann::json;

namespace {

const json& document() {
  static const json value = json::parse(R"({
    "kind":"List","n":3,"half":0.5,"flag":true,"empty":null,
    "items":[
      {"metadata":{"name":"a","labels":{"x/y.z":"1"}},"status":{"cap":{"cpu":"4"},
        "conditions":[{"type":"Ready","status":"True","n":1},{"type":"Done","status":"False","n":2}]}},
      {"metadata":{"name":"b"},"status":{"cap":{"cpu":"8"},"conditions":[]}}]})");
  return value;
}

std::string rendered(const char* text) {
  const auto path = JsonPath::parse(text);
  if (!path) return "parse: " + path.error().message;
  const auto out = path->render(document());
  return out ? *out : "error: " + out.error().message;
}

std::size_t count(const char* relaxed) {
  const auto path = JsonPath::parse_relaxed(relaxed);
  REQUIRE(path.has_value());
  return path->find(document()).size();
}

}  // namespace

TEST_CASE("text, fields and several values print as kubectl does", "[jsonpath]") {
  CHECK(rendered("hello, {.kind}") == "hello, List");
  CHECK(rendered("{.items[*].metadata.name}") == "a b");
  CHECK(rendered("{.n} {.half} {.flag}") == "3 0.5 true");
  CHECK(rendered("{.items[0].status.cap}") == R"({"cpu":"4"})");
  CHECK(rendered("{.missing}") == "");
  CHECK(rendered("{$.kind}{\"\\n\"}") == "List\n");
  CHECK(rendered("{['kind']}") == "List");
  CHECK(rendered("{.items[0].metadata.labels.x/y\\.z}") == "1");
}

TEST_CASE("range repeats what stands before end, for each value", "[jsonpath]") {
  CHECK(rendered("{range .items[*]}[{.metadata.name},{.status.cap.cpu}] {end}") == "[a,4] [b,8] ");
  CHECK(rendered(
            "{range .items[*]}{.metadata.name}:{range .status.conditions[*]}{.type},{end};{end}") ==
        "a:Ready,Done,;b:;");
  CHECK(rendered("{range .none[*]}x{end}after") == "after");
  CHECK(rendered("{end}") == "error: not in range, nothing to end");
}

TEST_CASE("subscripts, slices, unions and recursion", "[jsonpath]") {
  CHECK(rendered("{.items[1].metadata.name}") == "b");
  CHECK(rendered("{.items[-1].metadata.name}") == "b");
  CHECK(rendered("{.items[0:1].metadata.name}") == "a");
  CHECK(rendered("{.items[::2].metadata.name}") == "a");
  CHECK(rendered("{.items[0,1].metadata.name}") == "a b");
  CHECK(rendered("{.items[*]['metadata.name', 'status.cap']}") == "");
  CHECK(rendered("{..name}") == "a b");
  CHECK(rendered("{.items[5].metadata.name}") ==
        "error: array index out of bounds: index 5, length 2");
}

TEST_CASE("filters compare members with literals", "[jsonpath]") {
  CHECK(rendered("{.items[?(@.metadata.name==\"a\")].status.cap.cpu}") == "4");
  CHECK(rendered("{.items[?(@.metadata.name!='a')].metadata.name}") == "b");
  CHECK(rendered("{.items[0].status.conditions[?(@.n>1)].type}") == "Done");
  CHECK(rendered("{.items[0].status.conditions[?(@.n<=1)].type}") == "Ready");
  CHECK(rendered("{.items[?(@.metadata.labels)].metadata.name}") == "a");
  CHECK(rendered("{.items[0].status.conditions[?(@.type==\"Ready\" && @.status==\"True\")].n}") ==
        "1");
  CHECK(rendered("{.items[0].status.conditions[?(@.n==2 || @.type==\"Ready\")].n}") == "1 2");
  CHECK(rendered("{.items[?(@.metadata.name==\"]})\")].kind}") == "");
}

TEST_CASE("columns may leave braces and the leading dot out", "[jsonpath]") {
  CHECK(count(".items[0].status.conditions[?(@.type==\"Ready\")].status") == 1);
  CHECK(count("items[*].metadata.name") == 2);
  CHECK(count("{.kind}") == 1);
  CHECK(count(".nothing.here") == 0);
  CHECK(count(".items[9]") == 0);
}

TEST_CASE("a missing key is an error where that is asked for", "[jsonpath]") {
  const auto path = JsonPath::parse("{.missing}");
  REQUIRE(path.has_value());
  const auto out = path->render(document(), false);
  REQUIRE_FALSE(out.has_value());
  CHECK(out.error().message == "missing is not found");
}

TEST_CASE("broken templates are refused", "[jsonpath]") {
  for (const char* text : {"{.a", "{.a[}", "{.a[x]}", "{.a[1:2:3:4]}", "{\"open}", "{foo}",
                           "{.a[?(@.b}", "{.....a}", "{#}"}) {
    INFO(text);
    CHECK_FALSE(JsonPath::parse(text).has_value());
  }
  CHECK_FALSE(JsonPath::parse_relaxed("").has_value());
}

TEST_CASE("deeply nested filters are refused, not followed", "[jsonpath]") {
  std::string text = "@.a";
  for (int i = 0; i < 1000; ++i) text = "@.a[?(" + text + ")]";
  CHECK_FALSE(JsonPath::parse("{" + text + "}").has_value());
}
