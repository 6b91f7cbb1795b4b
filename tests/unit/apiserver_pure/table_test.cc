// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/table.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace tidelock;
using namespace tidelock::apiserver;
using nlohmann::json;

namespace {

TimePoint now() { return *parse_time("2026-01-01T01:00:00Z"); }

json widget(const char* spec) {
  json object =
      json::parse(R"({"apiVersion":"example.dev/v1","kind":"Widget","metadata":{"name":"w1",
    "namespace":"default","creationTimestamp":"2026-01-01T00:00:00Z"}})");
  object["spec"] = json::parse(spec);
  return object;
}

TableColumns columns() {
  return TableColumns::of_crd_version(json::parse(R"({"additionalPrinterColumns":[
    {"name":"Color","type":"string","jsonPath":".spec.color"},
    {"name":"Size","type":"integer","jsonPath":".spec.size"},
    {"name":"Detail","type":"string","priority":1,"description":"only in wide",
     "jsonPath":".spec.detail"},
    {"name":"Ready","type":"string","jsonPath":".status.conditions[?(@.type==\"Ready\")].status"},
    {"name":"On","type":"boolean","jsonPath":".spec.on"},
    {"name":"Age","type":"date","jsonPath":".metadata.creationTimestamp"}]})"));
}

json cells(const TableColumns& columns, const json& object) {
  return json::parse(columns.row(object, IncludeObject::None, now(), "meta.k8s.io/v1"))["cells"];
}

}  // namespace

TEST_CASE("cells follow their column's type, absent paths are null", "[table]") {
  CHECK(cells(columns(), widget(R"({"color":"red","size":3.0,"on":true,"detail":{"a":1}})")) ==
        json::parse(R"(["w1","red",3,"{\"a\":1}",null,true,"60m"])"));
  CHECK(cells(columns(), widget(R"({"size":"x"})")) ==
        json::parse(R"(["w1",null,null,null,null,null,"60m"])"));
}

TEST_CASE("column definitions name the path where there is no description", "[table]") {
  const json definitions = json::parse(columns().definitions());
  CHECK(definitions[1] == json::parse(R"({"name":"Color","type":"string","format":"","priority":0,
          "description":"Custom resource definition column (in JSONPath format): .spec.color"})"));
  CHECK(definitions[3]["priority"] == 1);
  CHECK(definitions[3]["description"] == "only in wide");
  CHECK(definitions[0]["format"] == "name");
}

TEST_CASE("a resource without columns shows name and age", "[table]") {
  const TableColumns plain = TableColumns::of_crd_version(json::object());
  CHECK(cells(plain, widget("{}")) == json::parse(R"(["w1","60m"])"));
  CHECK(json::parse(plain.definitions())[1]["type"] == "date");
}

TEST_CASE("a table is a list, a single object or an event of a watch", "[table]") {
  TableWriter list(columns(), "v1", IncludeObject::Metadata, now());
  list.add(widget("{}"));
  list.add(widget("{}"));
  const json table = json::parse(list.finish({"592", "token", 1}));
  CHECK(table["kind"] == "Table");
  CHECK(table["apiVersion"] == "meta.k8s.io/v1");
  CHECK(table["metadata"] ==
        json::parse(R"({"resourceVersion":"592","continue":"token","remainingItemCount":1})"));
  CHECK(table["columnDefinitions"].size() == 7);
  REQUIRE(table["rows"].size() == 2);
  CHECK(table["rows"][0]["object"]["kind"] == "PartialObjectMetadata");
  CHECK(table["rows"][0]["object"]["metadata"]["name"] == "w1");
  CHECK_FALSE(table["rows"][0]["object"].contains("spec"));

  TableWriter later(columns(), "v1beta1", IncludeObject::Object, now(), false);
  later.add(widget(R"({"color":"red"})"));
  const json event = json::parse(later.finish({"7", "", 0}));
  CHECK(event["columnDefinitions"].is_null());
  CHECK(event["apiVersion"] == "meta.k8s.io/v1beta1");
  CHECK(event["rows"][0]["object"]["spec"]["color"] == "red");

  TableWriter empty(columns(), "v1", IncludeObject::None, now());
  CHECK(json::parse(empty.finish({"1", "", 0}))["rows"] == json::array());
}

TEST_CASE("a bookmark's row has an empty name and nothing else", "[table]") {
  const json bookmark = json::parse(R"({"metadata":{"resourceVersion":"9"}})");
  CHECK(cells(TableColumns::of_crd_version(json::object()), bookmark) ==
        json::parse(R"(["",null])"));
}

TEST_CASE("includeObject has three values", "[table]") {
  CHECK(*parse_include_object("") == IncludeObject::Metadata);
  CHECK(*parse_include_object("None") == IncludeObject::None);
  CHECK(*parse_include_object("Object") == IncludeObject::Object);
  CHECK_FALSE(parse_include_object("All").has_value());
}

TEST_CASE("core kinds have kubectl's columns", "[table]") {
  const auto names = [](Builtin kind) {
    std::string out;
    for (const json& column : json::parse(TableColumns::of_builtin(kind).definitions())) {
      out += column["name"].get<std::string>() + (column["priority"] == 1 ? "*," : ",");
    }
    return out;
  };
  CHECK(names(Builtin::Namespace) == "Name,Status,Age,");
  CHECK(names(Builtin::Secret) == "Name,Type,Data,Age,");
  CHECK(names(Builtin::ConfigMap) == "Name,Data,Age,");
  CHECK(names(Builtin::Lease) == "Name,Holder,Age,");
  CHECK(names(Builtin::ServiceAccount) == "Name,Age,");
  CHECK(names(Builtin::Crd) == "Name,Created At,");
  CHECK(names(Builtin::Event) ==
        "Last Seen,Type,Reason,Object,Subobject*,Source*,Message,First Seen*,Count*,Name*,");
}

TEST_CASE("an event shows its object, age and count", "[table]") {
  const json event = json::parse(R"({"metadata":{"name":"e1"},"type":"Normal","reason":"Started",
    "involvedObject":{"kind":"Task","name":"t1","fieldPath":"spec"},"message":"it runs\n",
    "source":{"component":"agent","host":"h1"},"firstTimestamp":"2026-01-01T00:00:00Z",
    "lastTimestamp":"2026-01-01T00:59:30Z","count":4})");
  CHECK(cells(TableColumns::of_builtin(Builtin::Event), event) ==
        json::parse(R"(["30s","Normal","Started","task/t1","spec","agent, h1","it runs","60m",4,
          "e1"])"));
}

TEST_CASE("data of config maps is counted", "[table]") {
  const json map = json::parse(R"({"metadata":{"name":"c","creationTimestamp":null},
    "data":{"a":"1","b":"2"},"binaryData":{"c":"eA=="}})");
  CHECK(cells(TableColumns::of_builtin(Builtin::ConfigMap), map) ==
        json::parse(R"(["c",3,"<unknown>"])"));
}

TEST_CASE("partial metadata holds the metadata alone", "[table]") {
  CHECK(json::parse(partial_metadata(widget("{}"))) ==
        json({{"kind", "PartialObjectMetadata"},
              {"apiVersion", "meta.k8s.io/v1"},
              {"metadata", widget("{}")["metadata"]}}));
  PartialMetadataListWriter list;
  list.add(widget("{}"));
  const json all = json::parse(list.finish({"5", "", 0}));
  CHECK(all["kind"] == "PartialObjectMetadataList");
  CHECK(all["items"].size() == 1);
  CHECK(all["metadata"] == json({{"resourceVersion", "5"}}));
}
