// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/api/codec.h"
#include "controller/api/json_plain.h"
#include "controller/base/limits.h"
#include "controller/base/random.h"

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

TEST_CASE("plain JSON is read quickly, and as the library reads it", "[api][json]") {
  const std::string letters = "\u00e9\u20ac\U0001f600\ud7ff\ufffd";
  for (const std::string& text :
       {std::string(R"( { "b" : [ 1 , -2, -0, 0, 9223372036854775808 ] , "a":{}, "" : "\"\\\/\b\f\n\r\t" } )"),
        std::string(R"(["\u00e9\ud83d\ude00",18446744073709551615,-9223372036854775808,1e-400,4.9e-324])"),
        std::string(R"([1.5,-0.25e-3,1E9,true,false,null,[],"x"])"), std::string("7"),
        "\"" + letters + "\"", nested(limits::kJsonDepthMax)}) {
    const auto plain = parse_plain_json(text);
    INFO(text);
    REQUIRE(plain);
    const auto wanted = nlohmann::json::parse(text);
    CHECK(*plain == wanted);
    CHECK(plain->type() == wanted.type());
    CHECK(plain->dump() == wanted.dump());
  }
  for (const std::string& text :
       {std::string(R"({"a":1,"a":2})"), std::string(R"("\ud83d")"), std::string("18446744073709551616"),
        std::string("1e400"), std::string("{} x"), std::string("01"), std::string("\"\x01\""), nested(limits::kJsonDepthMax + 1), std::string("\"\xed\xa0\x80\""), std::string("\"\xc0\x80\"")}) {
    INFO(text);
    CHECK_FALSE(parse_plain_json(text));
  }
  CHECK(parse_plain_json("\"" + std::string(kPlainJsonMax - 2, 'a') + "\""));
  CHECK_FALSE(parse_plain_json("\"" + std::string(kPlainJsonMax - 1, 'a') + "\""));
  CHECK(parse_own_json("\"" + std::string(kPlainJsonMax - 1, 'a') + "\"").is_string());
  CHECK(parse_own_json("{").is_discarded());
}

TEST_CASE("the quick writer writes what the library writes", "[api][json]") {
  for (const std::string text :
       {R"({"a":[1,-2,0,18446744073709551615,-9223372036854775808,1.5,1e300,true,false,null],"":{},"b":[]})",
        R"({"\u0001\"\\":"\n\u007f\u00e9\u20ac","z":"/plain/"})", R"([[[]],{"a":{"b":"c"}}])", "7", "\"x\""}) {
    const auto value = nlohmann::json::parse(text);
    std::string written = "before";
    append_json(written, value);
    CHECK(written == "before" + value.dump());
  }
  std::string replaced;
  append_json(replaced, nlohmann::json("a\xff" "b"));
  CHECK(replaced == "\"a\uFFFD" "b\"");
}

TEST_CASE("what the quick reader takes the library takes as the same", "[api][json]") {
  const std::string start =
      R"({"a":[1,-2,3.5e1,0,true,null,"x\"y\\"],"b":{"c":[],"d":"\n)" "\u00e9\u20ac" R"("},"e":{}})";
  const std::string bytes = "{}[]\",:\\0123-+.eEtrufalsn \n\x80\xc3\xa9\xff\x01";
  SeededRandom random(11);
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text = start;
    for (auto changes = random.below(3) + 1; changes > 0; --changes) {
      const std::size_t at = random.below(text.size());
      const char byte = bytes[random.below(bytes.size())];
      switch (random.below(3)) {
        case 0: text[at] = byte; break;
        case 1: text.erase(at, 1); break;
        default: text.insert(at, 1, byte);
      }
    }
    const auto plain = parse_plain_json(text);
    if (!plain) continue;
    ++taken;
    const auto wanted = nlohmann::json::parse(text, nullptr, false);
    INFO(text);
    REQUIRE_FALSE(wanted.is_discarded());
    REQUIRE(plain->dump() == wanted.dump());
  }
  CHECK(taken > 1'000);
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
