// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/apiserver_pure/schema_support.h"

using namespace tidelock::apiserver;

namespace {

struct Pruned {
  json object;
  std::vector<std::string> unknown;
};

Pruned prune(const Schema& schema, const char* text) {
  Pruned result{json::parse(text), {}};
  schema.prune(result.object, &result.unknown);
  return result;
}

json defaulted(const Schema& schema, const char* text) {
  json object = json::parse(text);
  schema.apply_defaults(object);
  return object;
}

}  // namespace

TEST_CASE("unknown fields go and are named by their path", "[schema][prune]") {
  const Schema schema = with_spec(R"({"a":{"type":"string"},
    "nested":{"type":"object","properties":{"x":{"type":"string"}}},
    "list":{"type":"array","items":{"type":"object","properties":{"n":{"type":"string"}}}},
    "labels":{"type":"object","additionalProperties":{"type":"string"}}})");
  const Pruned result = prune(schema, R"({"apiVersion":"v1","kind":"K","metadata":{"any":1},
    "extra":1,"spec":{"a":"1","bogus":{"deep":1},"nested":{"x":"1","zz":2},
    "list":[{"n":"1","m":2}],"labels":{"k":"v"}}})");
  CHECK(result.unknown == Lines{"extra", "spec.bogus", "spec.list[0].m", "spec.nested.zz"});
  CHECK(result.object == json::parse(R"({"apiVersion":"v1","kind":"K","metadata":{"any":1},
    "spec":{"a":"1","nested":{"x":"1"},"list":[{"n":"1"}],"labels":{"k":"v"}}})"));
}

TEST_CASE("preserve-unknown-fields keeps what is not declared, not what is inside of it",
          "[schema][prune]") {
  const Schema schema = with_spec(R"({"raw":{"type":"object",
    "x-kubernetes-preserve-unknown-fields":true,
    "properties":{"known":{"type":"object","properties":{"x":{"type":"string"}}}}}})");
  const Pruned result =
      prune(schema, R"({"spec":{"raw":{"any":{"deep":[1]},"known":{"x":"1","y":2}}}})");
  CHECK(result.unknown == Lines{"spec.raw.known.y"});
  CHECK(result.object == json::parse(R"({"spec":{"raw":{"any":{"deep":[1]},"known":{"x":"1"}}}})"));
}

TEST_CASE("embedded resources keep their type and known metadata", "[schema][prune]") {
  const Schema schema = with_spec(R"({"t":{"type":"object","x-kubernetes-embedded-resource":true,
    "properties":{"spec":{"type":"object","properties":{"x":{"type":"string"}}}}}})");
  const Pruned result = prune(schema, R"({"spec":{"t":{"apiVersion":"v1","kind":"Pod",
    "metadata":{"name":"n","bogus":1},"other":2,"spec":{"x":"1"}}}})");
  CHECK(result.unknown == Lines{"spec.t.metadata.bogus", "spec.t.other"});
  CHECK(result.object["spec"]["t"]["metadata"] == json({{"name", "n"}}));
}

TEST_CASE("an object where the schema says a scalar is emptied", "[schema][prune]") {
  const Pruned result = prune(with_spec(R"({"a":{"type":"string"}})"), R"({"spec":{"a":{"x":1}}})");
  CHECK(result.unknown == Lines{"spec.a.x"});
}

TEST_CASE("defaults fill fields of objects that are there", "[schema][default]") {
  const Schema schema = with_spec(R"({
    "replicas":{"type":"integer","default":1},
    "nested":{"type":"object","properties":{"mode":{"type":"string","default":"auto"}}},
    "made":{"type":"object","default":{},"properties":{"mode":{"type":"string","default":"auto"}}},
    "list":{"type":"array","items":{"type":"object",
      "properties":{"proto":{"type":"string","default":"TCP"}}}},
    "map":{"type":"object","additionalProperties":{"type":"object",
      "properties":{"n":{"type":"integer","default":7}}}}})");
  CHECK(defaulted(schema, R"({"spec":{"list":[{},{"proto":"UDP"}],"map":{"k":{}}}})") ==
        json::parse(R"({"spec":{"replicas":1,"made":{"mode":"auto"},
          "list":[{"proto":"TCP"},{"proto":"UDP"}],"map":{"k":{"n":7}}}})"));
  CHECK(defaulted(schema, "{}") == json::object());
}

TEST_CASE("nulls that are not allowed are dropped or become the default", "[schema][default]") {
  const Schema schema = with_spec(R"({"a":{"type":"string"},"b":{"type":"string","default":"x"},
    "c":{"type":"string","nullable":true}})");
  CHECK(defaulted(schema, R"({"spec":{"a":null,"b":null,"c":null}})") ==
        json::parse(R"({"spec":{"b":"x","c":null}})"));
}
