// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/apiserver_pure/schema_support.h"

using namespace tidelock::apiserver;

TEST_CASE("a wrong type is named with what was found", "[schema]") {
  const Schema schema = with_spec(R"({"n":{"type":"integer"},"s":{"type":"string"},
    "l":{"type":"array","items":{"type":"string"}},"o":{"type":"object"},"b":{"type":"boolean"}})");
  CHECK(
      faults(schema, R"({"spec":{"n":"x","s":1,"l":{},"o":[],"b":1.5}})") ==
      Lines{"spec.b: Invalid value: \"number\": spec.b in body must be of type boolean: \"number\" "
            "(FieldValueTypeInvalid)",
            "spec.l: Invalid value: \"object\": spec.l in body must be of type array: \"object\" "
            "(FieldValueTypeInvalid)",
            "spec.n: Invalid value: \"string\": spec.n in body must be of type integer: \"string\" "
            "(FieldValueTypeInvalid)",
            "spec.o: Invalid value: \"array\": spec.o in body must be of type object: \"array\" "
            "(FieldValueTypeInvalid)",
            "spec.s: Invalid value: \"integer\": spec.s in body must be of type string: "
            "\"integer\" (FieldValueTypeInvalid)"});
}

TEST_CASE("a float without a fraction is an integer, one with a fraction is not", "[schema]") {
  const Schema schema = with_spec(R"({"n":{"type":"integer"}})");
  CHECK(faults(schema, R"({"spec":{"n":5.0}})").empty());
  CHECK(
      faults(schema, R"({"spec":{"n":5.5}})") ==
      Lines{"spec.n: Invalid value: \"number\": spec.n in body must be of type integer: \"number\" "
            "(FieldValueTypeInvalid)"});
  json object = json::parse(R"({"spec":{"n":5.0,"any":[1.5,2.0]}})");
  schema.normalize_numbers(object);
  CHECK(object.dump() == R"({"spec":{"any":[1.5,2],"n":5}})");
}

TEST_CASE("null is refused unless the field is nullable", "[schema]") {
  const Schema schema =
      with_spec(R"({"a":{"type":"string","nullable":true},"b":{"type":"string"}})");
  CHECK(faults(schema, R"({"spec":{"a":null}})").empty());
  CHECK(faults(schema, R"({"spec":{"b":null}})") ==
        Lines{"spec.b: Invalid value: \"null\": spec.b in body must be of type string: \"null\" "
              "(FieldValueTypeInvalid)"});
}

TEST_CASE("int-or-string takes both and nothing else", "[schema]") {
  const Schema schema = with_spec(R"({"p":{"x-kubernetes-int-or-string":true,
    "anyOf":[{"type":"integer"},{"type":"string"}]}})");
  CHECK(faults(schema, R"({"spec":{"p":80}})").empty());
  CHECK(faults(schema, R"({"spec":{"p":"http"}})").empty());
  const Lines found = faults(schema, R"({"spec":{"p":true}})");
  REQUIRE(found.size() == 3);
  CHECK(found[0] ==
        "<nil>: Invalid value: \"\": \"spec.p\" must validate at least one schema (anyOf) "
        "(FieldValueInvalid)");
}

TEST_CASE("int-or-string has bounds for numbers and a pattern for strings", "[schema]") {
  const Schema schema = with_spec(R"({"p":{"x-kubernetes-int-or-string":true,"minimum":1,
    "maximum":2147483647,"pattern":"^([1-9][0-9]?|100)%$","default":"10%"}})");
  const auto found_in = [&](const std::string& value) {
    return faults(schema, (R"({"spec":{"p":)" + value + "}}").c_str());
  };
  for (const char* fine : {"1", "2147483647", "2.0", R"("1%")", R"("99%")", R"("100%")"}) {
    INFO(fine);
    CHECK(found_in(fine).empty());
  }
  const auto only = [&](const std::string& value) {
    const Lines found = found_in(value);
    REQUIRE(found.size() == 1);
    return found[0];
  };
  CHECK(only("0") ==
        "spec.p: Invalid value: 0: spec.p in body should be greater than or equal to 1 "
        "(FieldValueInvalid)");
  CHECK(only("2147483648") ==
        "spec.p: Invalid value: 2147483648: spec.p in body should be less than or equal to "
        "2147483647 (FieldValueInvalid)");
  for (const char* text : {"0%", "101%", "x", "", "10", "01%"}) {
    const std::string quoted = '"' + std::string(text) + '"';
    CHECK(only(quoted) == "spec.p: Invalid value: " + quoted +
                              ": spec.p in body should match '^([1-9][0-9]?|100)%$' "
                              "(FieldValueInvalid)");
  }
}

TEST_CASE("enum, pattern, lengths and bounds speak as kube-apiserver does", "[schema]") {
  const Schema schema = with_spec(R"({
    "color":{"type":"string","enum":["red","green"]},
    "level":{"type":"integer","enum":[1,2]},
    "name":{"type":"string","pattern":"^[a-z]+$"},
    "short":{"type":"string","maxLength":3},
    "long":{"type":"string","minLength":3},
    "max":{"type":"integer","maximum":10},
    "min":{"type":"integer","minimum":1},
    "open":{"type":"number","maximum":1.5,"exclusiveMaximum":true},
    "step":{"type":"integer","multipleOf":5}})");
  CHECK(faults(schema, R"({"spec":{"color":"pink","level":3,"name":"UPPER","short":"abcd",
      "long":"a","max":11,"min":0,"open":1.5,"step":7}})") ==
        Lines{"spec.color: Unsupported value: \"pink\": supported values: \"red\", \"green\" "
              "(FieldValueNotSupported)",
              "spec.level: Unsupported value: 3: supported values: \"1\", \"2\" "
              "(FieldValueNotSupported)",
              "spec.long: Invalid value: \"a\": spec.long in body should be at least 3 chars long "
              "(FieldValueInvalid)",
              "spec.max: Invalid value: 11: spec.max in body should be less than or equal to 10 "
              "(FieldValueInvalid)",
              "spec.min: Invalid value: 0: spec.min in body should be greater than or equal to 1 "
              "(FieldValueInvalid)",
              "spec.name: Invalid value: \"UPPER\": spec.name in body should match '^[a-z]+$' "
              "(FieldValueInvalid)",
              "spec.open: Invalid value: 1.5: spec.open in body should be less than 1.5 "
              "(FieldValueInvalid)",
              "spec.short: Too long: may not be more than 3 bytes (FieldValueTooLong)",
              "spec.step: Invalid value: 7: spec.step in body should be a multiple of 5 "
              "(FieldValueInvalid)"});
  CHECK(faults(schema, R"({"spec":{"color":"red","level":2,"name":"x","short":"äöü","long":"abc",
      "max":10,"min":1,"open":1.4,"step":10}})")
            .empty());
}

TEST_CASE("counts of items and members", "[schema]") {
  const Schema schema = with_spec(R"({
    "few":{"type":"array","items":{"type":"integer"},"maxItems":2},
    "many":{"type":"array","items":{"type":"integer"},"minItems":1},
    "map":{"type":"object","additionalProperties":{"type":"string"},"maxProperties":1},
    "full":{"type":"object","additionalProperties":{"type":"string"},"minProperties":1}})");
  CHECK(faults(schema, R"({"spec":{"few":[1,2,3],"many":[],"map":{"a":"1","b":"2"},"full":{}}})") ==
        Lines{"spec.few: Too many: 3: must have at most 2 items (FieldValueTooMany)",
              "spec.full: Invalid value: 0: spec.full in body should have at least 1 properties "
              "(FieldValueInvalid)",
              "spec.many: Invalid value: 0: spec.many in body should have at least 1 items "
              "(FieldValueInvalid)",
              "spec.map: Too many: 2: must have at most 1 item (FieldValueTooMany)"});
}

TEST_CASE("required members are asked for at their own path", "[schema]") {
  const Schema schema = compiled(R"({"type":"object","required":["spec"],"properties":{
    "spec":{"type":"object","required":["name"],"properties":{"name":{"type":"string"}}}}})");
  CHECK(faults(schema, "{}") == Lines{"spec: Required value (FieldValueRequired)"});
  CHECK(faults(schema, R"({"spec":{}})") ==
        Lines{"spec.name: Required value (FieldValueRequired)"});
}

TEST_CASE("formats are checked for strings and numbers", "[schema]") {
  const Schema schema = with_spec(R"({
    "time":{"type":"string","format":"date-time"},"span":{"type":"string","format":"duration"},
    "data":{"type":"string","format":"byte"},"free":{"type":"string","format":"whatever"},
    "small":{"type":"integer","format":"int32"},"ip":{"type":"string","format":"ipv4"}})");
  CHECK(faults(schema, R"({"spec":{"time":"2026-01-02T03:04:05.123456Z","span":"1h30m",
      "data":"YQ==","free":"x","small":2147483647,"ip":"10.0.0.1"}})")
            .empty());
  CHECK(faults(schema, R"({"spec":{"time":"yesterday","span":"soon","data":"%","small":2147483648,
      "ip":"300.0.0.1"}})") ==
        Lines{"<nil>: Invalid value: \"\": Checked value must be of type integer with format int32 "
              "in spec.small (FieldValueInvalid)",
              "spec.data: Invalid value: \"%\": spec.data in body must be of type byte: \"%\" "
              "(FieldValueTypeInvalid)",
              "spec.ip: Invalid value: \"300.0.0.1\": spec.ip in body must be of type ipv4: "
              "\"300.0.0.1\" (FieldValueTypeInvalid)",
              "spec.span: Invalid value: \"soon\": spec.span in body must be of type duration: "
              "\"soon\" (FieldValueTypeInvalid)",
              "spec.time: Invalid value: \"yesterday\": spec.time in body must be of type "
              "date-time: \"yesterday\" (FieldValueTypeInvalid)"});
}

TEST_CASE("junctors report without a place and add the best branch", "[schema]") {
  const Schema one = with_spec(R"({"a":{"type":"string"},"b":{"type":"string"}})",
                               R"(,"oneOf":[{"required":["a"]},{"required":["b"]}])");
  CHECK(faults(one, R"({"spec":{"a":"1"}})").empty());
  CHECK(faults(one, R"({"spec":{"a":"1","b":"2"}})") ==
        Lines{"<nil>: Invalid value: \"\": \"spec\" must validate one and only one schema (oneOf). "
              "Found 2 valid alternatives (FieldValueInvalid)"});
  CHECK(faults(one, R"({"spec":{}})") ==
        Lines{"<nil>: Invalid value: \"\": \"spec\" must validate one and only one schema (oneOf). "
              "Found none valid (FieldValueInvalid)",
              "spec.a: Required value (FieldValueRequired)"});
  const Schema negated = with_spec(R"({"a":{"type":"string"}})", R"(,"not":{"required":["a"]})");
  CHECK(faults(negated, R"({"spec":{"a":"1"}})") ==
        Lines{"<nil>: Invalid value: \"\": \"spec\" must not validate the schema (not) "
              "(FieldValueInvalid)"});
  const Schema all =
      with_spec(R"({"a":{"type":"integer"}})", R"(,"allOf":[{"properties":{"a":{"minimum":5}}}])");
  CHECK(faults(all, R"({"spec":{"a":4}})") ==
        Lines{"<nil>: Invalid value: \"\": \"spec\" must validate all the schemas (allOf). None "
              "validated (FieldValueInvalid)",
              "spec.a: Invalid value: 4: spec.a in body should be greater than or equal to 5 "
              "(FieldValueInvalid)"});
}

TEST_CASE("set and map lists refuse duplicates", "[schema]") {
  const Schema schema = with_spec(R"({
    "tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
    "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
      "items":{"type":"object","properties":{"name":{"type":"string"},"port":{"type":"integer"}}}}})");
  CHECK(faults(schema, R"({"spec":{"tags":["a","a","a"],
      "ports":[{"name":"a","port":1},{"name":"a","port":2},{"port":3}]}})") ==
        Lines{"spec.ports[1]: Duplicate value: {\"name\":\"a\"} (FieldValueDuplicate)",
              "spec.tags[1]: Duplicate value: \"a\" (FieldValueDuplicate)"});
}

TEST_CASE("what did not change is not complained about", "[schema][ratcheting]") {
  const Schema schema = with_spec(R"({"color":{"type":"string","enum":["red"]},
    "size":{"type":"integer","maximum":3},
    "ports":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["name"],
      "items":{"type":"object","properties":{"name":{"type":"string"},
        "port":{"type":"integer","maximum":9}}}}})");
  const json old = json::parse(R"({"spec":{"color":"blue","size":1,
    "ports":[{"name":"a","port":10}]}})");
  json next = old;
  next["spec"]["size"] = 2;
  next["spec"]["ports"] = json::parse(R"([{"name":"b","port":1},{"name":"a","port":10}])");
  CHECK(schema.validate(next, &old).empty());
  CHECK(schema.validate(next).size() == 2);
  next["spec"]["color"] = "green";
  CHECK(schema.validate(next, &old).size() == 1);
}

TEST_CASE("embedded resources must say what they are", "[schema]") {
  const Schema schema = with_spec(R"({"template":{"type":"object",
    "x-kubernetes-embedded-resource":true,"x-kubernetes-preserve-unknown-fields":true}})");
  CHECK(faults(schema, R"({"spec":{"template":{"apiVersion":"v1","kind":"Pod"}}})").empty());
  CHECK(faults(schema, R"({"spec":{"template":{"kind":""}}})") ==
        Lines{"spec.template.apiVersion: Required value (FieldValueRequired)",
              "spec.template.kind: Invalid value: \"\": must not be empty (FieldValueInvalid)"});
}

TEST_CASE("additionalProperties: false forbids, a schema checks every value", "[schema]") {
  const Schema schema = with_spec(R"({"labels":{"type":"object",
    "additionalProperties":{"type":"string","maxLength":2}}})");
  CHECK(faults(schema, R"({"spec":{"labels":{"k":"long"}}})") ==
        Lines{"spec.labels.k: Too long: may not be more than 2 bytes (FieldValueTooLong)"});
}
