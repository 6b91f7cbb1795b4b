// SPDX-License-Identifier: Apache-2.0
// Documents that make no sense: refused or passed over, never a crash.
#include "controller/apiserver/crd_validation.h"
#include "controller/apiserver/openapi.h"
#include "controller/apiserver/table.h"
#include "controller/base/random.h"
#include "tests/unit/apiserver_pure/schema_support.h"

using namespace tidelock;
using namespace tidelock::apiserver;

namespace {

const json& base_crd() {
  static const json crd = json::parse(R"({"metadata":{"name":"widgets.example.dev"},
    "spec":{"group":"example.dev","scope":"Namespaced","conversion":{"strategy":"None"},
      "names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList",
        "shortNames":["wd"],"categories":["all"]},
      "versions":[{"name":"v1","served":true,"storage":true,
        "additionalPrinterColumns":[{"name":"A","type":"string","jsonPath":".spec.a"}],
        "selectableFields":[{"jsonPath":".spec.a"}],
        "subresources":{"status":{},"scale":{"specReplicasPath":".spec.n",
          "statusReplicasPath":".status.n"}},
        "schema":{"openAPIV3Schema":{"type":"object","required":["spec"],"properties":{
          "spec":{"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}],
            "properties":{"a":{"type":"string","enum":["x"],"default":"x","pattern":"^x"},
              "b":{"x-kubernetes-int-or-string":true},"n":{"type":"integer","minimum":1},
              "l":{"type":"array","x-kubernetes-list-type":"map",
                "x-kubernetes-list-map-keys":["k"],"items":{"type":"object","required":["k"],
                  "properties":{"k":{"type":"string"}}}},
              "m":{"type":"object","additionalProperties":{"type":"string","format":"date-time"}},
              "e":{"type":"object","x-kubernetes-embedded-resource":true,
                "x-kubernetes-preserve-unknown-fields":true}}},
          "status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}}]},
    "status":{"storedVersions":["v1"],"conditions":[{"type":"Established","status":"True"}]}})");
  return crd;
}

const json& base_object() {
  static const json object = json::parse(R"({"apiVersion":"example.dev/v1","kind":"Widget",
    "metadata":{"name":"w","creationTimestamp":"2026-01-01T00:00:00Z"},
    "spec":{"a":"x","b":1,"n":5.0,"l":[{"k":"1"},{"k":"2"}],"m":{"t":"2026-01-01T00:00:00Z"},
      "e":{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p","x":1}}},"status":{"any":[1]}})");
  return object;
}

// All places of a document.
void collect(json& value, std::vector<json*>& out) {
  out.push_back(&value);
  if (!value.is_structured()) return;
  for (json& item : value) collect(item, out);
}

// One place replaced by something else, or an element removed.
json mutated(const json& document, Random& random) {
  static const json values =
      json::parse(R"([null,true,false,0,-1,1.5,1e300,"","x","object","array",[],[null],["x"],[{}],
        {},{"x":1},{"type":"object"},{"items":{}},[[[]]],18446744073709551615,"(",
        {"properties":{"metadata":{}}},"^[a-z]+$"])");
  json result = document;
  for (std::uint64_t times = 1 + random.below(3); times > 0; --times) {
    std::vector<json*> places;
    collect(result, places);
    json& place = *places[random.below(places.size())];
    if (place.is_object() && !place.empty() && random.chance(0.3)) {
      place.erase(
          std::next(place.begin(), static_cast<std::ptrdiff_t>(random.below(place.size()))));
    } else {
      place = values[random.below(values.size())];
    }
  }
  return result;
}

}  // namespace

TEST_CASE("no CRD crashes the checks, and what passes them compiles", "[crd][random]") {
  SeededRandom random(1);
  int valid = 0;
  for (int i = 0; i < 600; ++i) {
    json crd = mutated(base_crd(), random);
    INFO(crd.dump());
    default_crd_names(crd);
    if (!validate_crd(crd, &base_crd()).empty()) continue;
    ++valid;
    const json& schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
    CHECK(Schema::compile(schema).has_value());
    TableColumns::of_crd_version(crd["spec"]["versions"][0]);
  }
  CHECK(valid > 5);
}

TEST_CASE("no object crashes pruning, defaulting, validation or tables", "[schema][random]") {
  SeededRandom random(2);
  const json& version = base_crd()["spec"]["versions"][0];
  const auto schema = Schema::compile(version["schema"]["openAPIV3Schema"]);
  REQUIRE(schema.has_value());
  const TableColumns columns = TableColumns::of_crd_version(version);
  const TableColumns events = TableColumns::of_builtin(Builtin::Event);
  for (int i = 0; i < 600; ++i) {
    json object = mutated(base_object(), random);
    INFO(object.dump());
    std::vector<std::string> unknown;
    schema->prune(object, &unknown);
    schema->apply_defaults(object);
    schema->normalize_numbers(object);
    (void)schema->validate(object, &base_object());
    const auto faults = schema->validate(object);
    columns.row(object, IncludeObject::Metadata, TimePoint(), "meta.k8s.io/v1");
    events.row(object, IncludeObject::None, TimePoint(), "meta.k8s.io/v1");
    // What was pruned and defaulted once does not change any more.
    json again = object;
    std::vector<std::string> more;
    schema->prune(again, &more);
    schema->apply_defaults(again);
    CHECK(again == object);
    CHECK(more.empty());
    // An object that does not change is never complained about, save for what ratcheting leaves
    // out.
    for (const Cause& cause : schema->validate(object, &object)) {
      CHECK(cause.field.starts_with("spec.e."));
    }
  }
}

TEST_CASE("no schema crashes the compiler", "[schema][random]") {
  SeededRandom random(3);
  const json& schema = base_crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
  for (int i = 0; i < 600; ++i) {
    const json broken = mutated(schema, random);
    INFO(broken.dump());
    const auto compiled = Schema::compile(broken, "s");
    if (!compiled) {
      CHECK_FALSE(compiled.error().causes.empty());
      continue;
    }
    json object = base_object();
    compiled->prune(object);
    compiled->apply_defaults(object);
    compiled->validate(object);
  }
}
