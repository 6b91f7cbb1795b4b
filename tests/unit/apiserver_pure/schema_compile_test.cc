// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/apiserver_pure/schema_support.h"

using namespace tidelock::apiserver;

namespace {

Lines refusals(const char* text) {
  const auto schema = Schema::compile(json::parse(text), "s");
  return schema ? Lines{} : lines(schema.error().causes);
}

}  // namespace

TEST_CASE("a type is needed everywhere outside of junctors", "[schema][structural]") {
  CHECK(refusals(R"({"properties":{"spec":{"type":"object","properties":{"a":{}}},
      "l":{"type":"array","items":{}}}})") ==
        Lines{"s.properties[l].items.type: Required value: must not be empty for specified array "
              "items (FieldValueRequired)",
              "s.properties[spec].properties[a].type: Required value: must not be empty for "
              "specified object fields (FieldValueRequired)",
              "s.type: Required value: must not be empty at the root (FieldValueRequired)"});
}

TEST_CASE("junctors may only validate what is declared outside", "[schema][structural]") {
  CHECK(refusals(R"({"type":"object","properties":{"a":{"type":"string"}},
      "anyOf":[{"properties":{"a":{"type":"string"},"b":{"minLength":1}}}]})") ==
        Lines{"s.anyOf[0].properties[a].type: Forbidden: must be empty to be structural "
              "(FieldValueForbidden)",
              "s.properties[b]: Required value: because it is defined in s.anyOf[0].properties[b] "
              "(FieldValueRequired)"});
}

TEST_CASE("metadata may restrict names only", "[schema][structural]") {
  CHECK(refusals(R"({"type":"object","properties":{"metadata":{"type":"object",
      "properties":{"name":{"type":"string","maxLength":5}}}}})")
            .empty());
  CHECK(refusals(R"({"type":"object","properties":{"metadata":{"type":"object",
      "properties":{"labels":{"type":"object"}}}}})") ==
        Lines{"s.properties[metadata]: Forbidden: must not specify anything other than name and "
              "generateName, but metadata is implicitly specified (FieldValueForbidden)"});
}

TEST_CASE("arrays need items and the root is an object without additionalProperties",
          "[schema][structural]") {
  CHECK(refusals(R"({"type":"object","additionalProperties":{"type":"string"}})") ==
        Lines{"s.additionalProperties: Forbidden: must not be used at the root "
              "(FieldValueForbidden)"});
  CHECK(refusals(R"({"type":"object","properties":{"a":{"type":"array"}}})") ==
        Lines{"s.properties[a].items: Required value: must be specified (FieldValueRequired)"});
  CHECK(refusals(R"({"type":"string"})") ==
        Lines{"s.type: Invalid value: \"string\": must be object at the root (FieldValueInvalid)"});
}

TEST_CASE("a pattern must be a regular expression and keywords have their types",
          "[schema][structural]") {
  REQUIRE(
      refusals(R"({"type":"object","properties":{"a":{"type":"string","pattern":"("}}})").size() ==
      1);
  CHECK(refusals(R"({"type":"object","properties":{"a":{"type":"string","maxLength":"x"}}})") ==
        Lines{"s.properties[a].maxLength: Invalid value: \"x\": must be an integer "
              "(FieldValueTypeInvalid)"});
  CHECK_FALSE(refusals(R"({"type":"object","properties":[]})").empty());
  CHECK_FALSE(refusals(R"([1])").empty());
  CHECK_FALSE(refusals(R"({"type":"object","properties":{"a":{"type":"text"}}})").empty());
}

TEST_CASE("a schema without field path has causes without a leading dot", "[schema]") {
  const auto schema = Schema::compile(json::parse(R"({"properties":{}})"));
  REQUIRE_FALSE(schema.has_value());
  CHECK(schema.error().causes[0].field == "type");
}

TEST_CASE("a schema nested past the depth of JSON documents is refused", "[schema]") {
  json schema = {{"type", "object"}};
  for (int i = 0; i < 150; ++i) schema = {{"type", "object"}, {"properties", {{"a", schema}}}};
  CHECK_FALSE(Schema::compile(schema).has_value());
}
