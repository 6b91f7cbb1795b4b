// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/api/codec.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

std::string error_of(std::string_view text) {
  const auto parsed = parse_json(text, 1'000'000);
  return parsed ? "" : parsed.error().message;
}

std::vector<std::string> duplicates_of(std::string_view text) {
  std::vector<DuplicateKey> found;
  const auto parsed = parse_json(text, 1'000'000, found);
  REQUIRE(parsed);
  std::vector<std::string> paths;
  for (const auto& each : found) paths.push_back(each.path);
  return paths;
}

std::string nested(std::size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

}  // namespace

TEST_CASE("a JSON text comes back as it was", "[api][json]") {
  const std::string text =
      R"({"a":[1,-2,3.5,18446744073709551615,true,null,"x\u00e9\n"],"b":{"c":[]},"d":{}})";
  const auto parsed = parse_json(text, 1'000'000);
  REQUIRE(parsed);
  CHECK(*parsed == nlohmann::json::parse(text));
  CHECK(*parse_json("7", 10) == 7);
}

TEST_CASE("malformed JSON is refused in Go's words", "[api][json]") {
  CHECK(error_of("{nope") == "invalid character 'n' looking for beginning of object key string");
  CHECK(error_of("") == "unexpected end of JSON input");
  CHECK(error_of("{") == "unexpected end of JSON input");
  CHECK(error_of(R"({"a")") == "unexpected end of JSON input");
  CHECK(error_of(R"({"a":1)") == "unexpected end of JSON input");
  CHECK(error_of("[1,") == "unexpected end of JSON input");
  CHECK(error_of("<html>") == "invalid character '<' looking for beginning of value");
  CHECK(error_of("[1,]") == "invalid character ']' looking for beginning of value");
  CHECK(error_of(R"({"a" 1})") == "invalid character '1' after object key");
  CHECK(error_of(R"({"a":1 "b"})") == "invalid character '\"' after object key:value pair");
  CHECK(error_of(R"({"a":1,})") ==
        "invalid character '}' looking for beginning of object key string");
  CHECK(error_of("[1 2]") == "invalid character '2' after array element");
  CHECK(error_of("{} x") == "invalid character 'x' after top-level value");
  CHECK(error_of("trux") == "invalid character 'x' in literal true (expecting 'e')");
  CHECK(error_of("01") == "invalid character '1' after top-level value");
  CHECK(error_of("-x") == "invalid character 'x' in numeric literal");
  CHECK(error_of("1.x") == "invalid character 'x' after decimal point in numeric literal");
  CHECK(error_of("1e+") == "unexpected end of JSON input");
  CHECK(error_of("\"a\nb\"") == "invalid character '\\n' in string literal");
  CHECK(error_of(R"("\q")") == "invalid character 'q' in string escape code");
  CHECK(error_of(R"("\u12x4")") == "invalid character 'x' in \\u hexadecimal character escape");
  CHECK(error_of("'a'") == "invalid character '\\'' looking for beginning of value");
  CHECK(error_of(R"({"a":[{},[],{"b":[]}],"c":tru})") ==
        "invalid character '}' in literal true (expecting 'e')");
  CHECK(error_of("[\"\xff\"]") != "");  // no UTF-8
}

TEST_CASE("every duplicate key is named by its path and the last one wins", "[api][json]") {
  CHECK(duplicates_of(R"({"spec":{"color":"a","color":"b"}})") ==
        std::vector<std::string>{"spec.color"});
  CHECK(duplicates_of(R"({"a":[{},{"b":1,"b":2,"b":3}],"a":1})") ==
        std::vector<std::string>{"a[1].b", "a[1].b", "a"});
  CHECK(duplicates_of(R"({"a":{"b":1},"c":{"b":1}})").empty());
  CHECK((*parse_json(R"({"a":1,"a":2})", 100))["a"] == 2);
}

TEST_CASE("a JSON text is read up to its limits and no further", "[api][json]") {
  CHECK(parse_json(nested(limits::kJsonDepthMax), 1'000));
  const auto deep = parse_json(nested(limits::kJsonDepthMax + 1), 1'000);
  REQUIRE_FALSE(deep);
  CHECK(deep.error().reason == Reason::BadRequest);
  CHECK(deep.error().message == "exceeded max depth");
  CHECK(parse_json("\"234\"", 5));
  const auto large = parse_json("\"2345\"", 5);
  REQUIRE_FALSE(large);
  CHECK(large.error().reason == Reason::RequestEntityTooLarge);
}

TEST_CASE("a million open brackets are refused without recursion", "[api][json]") {
  CHECK(error_of(std::string(900'000, '[')) == "exceeded max depth");
}

}  // namespace tidelock::api
