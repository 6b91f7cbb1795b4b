// SPDX-License-Identifier: Apache-2.0
#include "controller/client/json_scan.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/base/random.h"

using namespace tidelock;
using client::json_elements;
using client::json_member;
using client::json_string;

TEST_CASE("a member is found at the top level only", "[client][json_scan]") {
  const char* text = R"( {"a":{"b":1}, "c" : [1,{"b":2}], "b":"x\"},{", "d":-1.5e3} )";
  CHECK(json_member(text, "b") == R"("x\"},{")");
  CHECK(json_member(text, "c") == R"([1,{"b":2}])");
  CHECK(json_member(text, "d") == "-1.5e3");
  CHECK(json_member(text, "x").empty());
  CHECK(json_member("[1]", "a").empty());
  CHECK(json_member("{}", "a").empty());
}

TEST_CASE("malformed text finds nothing and does not run on", "[client][json_scan]") {
  for (const char* text : {"", "{", "{\"a\"", "{\"a\":", "{\"a\":}", "{\"a\":[1", "{\"a\":\"x", "}",
                           "{,}", "{\"b\":1,}", "{\"a\\"}) {
    CHECK(json_member(text, "a").empty());
  }
  CHECK(json_elements("[").empty());
  CHECK(json_elements("[]").empty());
  CHECK(json_elements("{}").empty());
  CHECK(json_member(std::string(1'000'000, '['), "a").empty());
}

TEST_CASE("strings lose their quotes and escapes", "[client][json_scan]") {
  CHECK(json_string("\"abc\"") == "abc");
  CHECK(json_string("\"a\\u00e9\\\"b\"") == "a\u00e9\"b");
  CHECK(json_string("12").empty());
  CHECK(json_string("").empty());
}

TEST_CASE("random documents are cut as a parser cuts them", "[client][json_scan]") {
  using nlohmann::json;
  SeededRandom random(7);
  std::function<json(int)> value = [&](int depth) -> json {
    switch (random.below(depth > 0 ? 6 : 4)) {
      case 0: return random.between(-1000, 1000);
      case 1: return random.chance(0.5);
      case 2: return nullptr;
      case 3: return std::string("q\"\\{}[],:") + std::to_string(random.below(100));
      case 4: {
        json list = json::array();
        for (auto n = random.below(4); n > 0; --n) list.push_back(value(depth - 1));
        return list;
      }
      default: {
        json object = json::object();
        for (auto n = random.below(4); n > 0; --n) {
          object["k" + std::to_string(random.below(5))] = value(depth - 1);
        }
        return object;
      }
    }
  };
  for (int i = 0; i < 500; ++i) {
    json object{{"k", value(4)}, {"list", json::array({value(3), value(3)})}, {"z", value(2)}};
    const std::string text = object.dump(random.chance(0.5) ? 2 : -1);
    for (const auto& [name, member] : object.items()) {
      CHECK(json::parse(json_member(text, name)) == member);
    }
    const auto elements = json_elements(json_member(text, "list"));
    REQUIRE(elements.size() == 2);
    CHECK(json::parse(elements[1]) == object["list"][1]);
  }
}
