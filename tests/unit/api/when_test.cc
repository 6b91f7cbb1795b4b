// SPDX-License-Identifier: Apache-2.0
#include "controller/api/when.h"

#include <catch2/catch.hpp>

#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

bool runs(std::string_view when, bool failed_before = false) {
  static const std::map<std::string, std::string> values = {
      {"yes", "1"},   {"text", "a \"b\" \\"},
      {"zero", "0"},  {"false", "false"},
      {"empty", ""},  {"color", "blue"},
      {"steps.probe.outputs.state", "up"}};
  const auto result = evaluate_when(when, failed_before, [](std::string_view name) {
    const auto found = values.find(std::string(name));
    return found == values.end() ? std::nullopt : std::optional(found->second);
  });
  if (!result) FAIL(when << ": " << result.error().message);
  return *result;
}

}  // namespace

TEST_CASE("the three words look at failures before the step", "[api][when]") {
  CHECK(runs("Success", false));
  CHECK_FALSE(runs("Success", true));
  CHECK_FALSE(runs("Failure", false));
  CHECK(runs("Failure", true));
  CHECK(runs("Always", false));
  CHECK(runs("Always", true));
}

TEST_CASE("expressions over variables", "[api][when]") {
  for (const char* when :
       {"yes", "!zero", "!false", "!empty", "!unknown", "color == \"blue\"", "color!=\"red\"",
        "unknown == \"\"", "yes && color", "zero || yes", "yes || zero && zero",
        "!(yes && zero)", "!!yes", "steps.probe.outputs.state == \"up\"",
        "text == \"a \\\"b\\\" \\\\\"", " ( yes ) ", "zero && zero || yes"}) {
    INFO(when);
    CHECK(runs(when));
  }
  for (const char* when : {"zero", "false", "empty", "unknown", "!yes", "color == \"red\"",
                           "color != \"blue\"", "(yes || zero) && zero", "!yes || zero",
                           "yes && !color", "success"}) {
    INFO(when);
    CHECK_FALSE(runs(when));
  }
}

TEST_CASE("an expression implies Success", "[api][when]") {
  CHECK_FALSE(runs("yes", true));
}

TEST_CASE("a bad expression is refused with the position, whatever the values", "[api][when]") {
  for (const char* when : {"", " ", "yes &&", "&& yes", "yes yes", "(yes", "yes)", "color == blue",
                           "color = \"blue\"", "color == \"blue", "yes | zero", "\"x\" == color",
                           "color == \"\\n\"", "!", "yes || (", "a$b"}) {
    INFO(when);
    CHECK_FALSE(check_when(when));
    CHECK_FALSE(evaluate_when(when, true, [](std::string_view) { return std::nullopt; }));
  }
  CHECK(check_when("color == blue").error().message ==
        "position 10: expected a text in double quotes");
  CHECK(check_when("Success"));
  CHECK(check_when("feature"));
}

TEST_CASE("expressions nest up to the limit and no deeper", "[api][when]") {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "yes" + std::string(depth, ')');
  };
  CHECK(check_when(nested(limits::kWhenDepthMax)));
  CHECK_FALSE(check_when(nested(limits::kWhenDepthMax + 1)));
  CHECK(check_when(std::string(limits::kWhenDepthMax, '!') + "yes"));
  CHECK_FALSE(check_when(std::string(limits::kWhenDepthMax + 1, '!') + "yes"));
}

}  // namespace tidelock::api
