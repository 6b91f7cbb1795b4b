// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/merge_patch.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/base/random.h"

using namespace tidelock;
using nlohmann::json;
using reconciler::merge_patch;

TEST_CASE("equal values need no patch", "[reconciler][merge_patch]") {
  const json value{{"a", 1}, {"b", {{"c", json::array({1, 2})}}}};
  CHECK(merge_patch(value, value) == json::object());
}

TEST_CASE("what went away becomes null, and only what changed is named",
          "[reconciler][merge_patch]") {
  const json from{{"a", 1}, {"b", {{"c", 1}, {"d", 2}}}, {"l", json::array({1})}};
  const json to{{"b", {{"c", 1}, {"e", 3}}}, {"l", json::array({2})}};
  CHECK(merge_patch(from, to) == json{{"a", nullptr},
                                      {"b", {{"d", nullptr}, {"e", 3}}},
                                      {"l", json::array({2})}});
}

TEST_CASE("a merge patch leads from any value to any other", "[reconciler][merge_patch]") {
  SeededRandom random(3);
  std::function<json(int)> value = [&](int depth) -> json {
    const auto kind = random.below(depth > 0 ? 4 : 2);
    if (kind == 0) return random.between(0, 3);
    if (kind == 1) return std::string(1, static_cast<char>('a' + random.below(3)));
    if (kind == 2) return json::array({value(0), value(0)});
    json object = json::object();
    for (auto n = random.below(5); n > 0; --n) {
      object["k" + std::to_string(random.below(6))] = value(depth - 1);
    }
    return object;
  };
  for (int i = 0; i < 2'000; ++i) {
    json from{{"x", value(4)}, {"y", value(3)}};
    const json to{{"x", value(4)}, {"z", value(3)}};
    const json patch = merge_patch(from, to);
    from.merge_patch(patch);
    REQUIRE(from == to);
  }
}
