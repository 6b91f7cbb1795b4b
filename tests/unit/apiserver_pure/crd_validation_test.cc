// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/crd_validation.h"

#include "tests/unit/apiserver_pure/schema_support.h"

using namespace tidelock::apiserver;
using tidelock::Cause;

namespace {

json valid_crd() {
  return json::parse(R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
    "metadata":{"name":"widgets.example.dev"},
    "spec":{"group":"example.dev","scope":"Namespaced","conversion":{"strategy":"None"},
      "names":{"plural":"widgets","singular":"widget","kind":"Widget","listKind":"WidgetList"},
      "versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{
        "type":"object","properties":{"spec":{"type":"object","properties":{
          "color":{"type":"string"}}}}}}}]}})");
}

Lines faults_of(const json& crd, const json* old = nullptr) {
  return lines(validate_crd(crd, old));
}

json& spec_schema(json& crd) {
  return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
            ["properties"];
}
const std::string kSchema = "spec.validation.openAPIV3Schema.properties[spec]";

}  // namespace

TEST_CASE("a plain CRD is valid", "[crd]") { CHECK(faults_of(valid_crd()).empty()); }

TEST_CASE("the name is the plural and the group", "[crd]") {
  json crd = valid_crd();
  crd["metadata"]["name"] = "gadgets.example.dev";
  CHECK(faults_of(crd) == Lines{"metadata.name: Invalid value: \"gadgets.example.dev\": must be "
                                "spec.names.plural+\".\"+spec.group (FieldValueInvalid)"});
}

TEST_CASE("names and listKind are filled in", "[crd]") {
  json crd = valid_crd();
  crd["spec"]["names"].erase("singular");
  crd["spec"]["names"].erase("listKind");
  crd["spec"].erase("conversion");
  default_crd_names(crd);
  CHECK(crd == valid_crd());
}

TEST_CASE("each version has a schema, and one of them is stored", "[crd]") {
  json crd = valid_crd();
  crd["spec"]["versions"][0].erase("schema");
  CHECK(faults_of(crd) ==
        Lines{"spec.versions[0].schema.openAPIV3Schema: Required value (FieldValueRequired)"});
  crd = valid_crd();
  crd["spec"]["versions"][0]["storage"] = false;
  const Lines found = faults_of(crd);
  REQUIRE(found.size() == 1);
  CHECK(found[0].find("must have exactly one version marked as storage version") !=
        std::string::npos);
  crd = valid_crd();
  crd["spec"]["versions"].push_back(crd["spec"]["versions"][0]);
  CHECK(faults_of(crd).size() == 2);
}

TEST_CASE("faults of a schema that all versions share are reported at the top", "[crd]") {
  json crd = valid_crd();
  spec_schema(crd)["bad"] = json::object();
  CHECK(faults_of(crd) ==
        Lines{kSchema + ".properties[bad].type: Required value: must not be "
                        "empty for specified object fields (FieldValueRequired)"});
  json second = crd["spec"]["versions"][0];
  second["name"] = "v2";
  second["storage"] = false;
  second["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"].erase("bad");
  crd["spec"]["versions"].push_back(second);
  CHECK(faults_of(crd) ==
        Lines{"spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[bad].type: "
              "Required value: must not be empty for specified object fields "
              "(FieldValueRequired)"});
}

TEST_CASE("map lists need keys that every item has", "[crd]") {
  json crd = valid_crd();
  spec_schema(crd)["ports"] = json::parse(R"({"type":"array","x-kubernetes-list-type":"map",
    "x-kubernetes-list-map-keys":["name","zone"],"items":{"type":"object","properties":{
      "name":{"type":"string"}}}})");
  CHECK(faults_of(crd) ==
        Lines{kSchema + ".properties[ports].items.properties[name].default: Required value: this "
                        "property is in x-kubernetes-list-map-keys, so it must have a default or "
                        "be a required property (FieldValueRequired)",
              kSchema + ".properties[ports].x-kubernetes-list-map-keys: Invalid value: "
                        "[\"name\",\"zone\"]: entries must all be names of item properties "
                        "(FieldValueInvalid)"});
}

TEST_CASE("uniqueItems is forbidden and defaults must fit", "[crd]") {
  json crd = valid_crd();
  spec_schema(crd)["color"]["default"] = 5;
  CHECK(faults_of(crd) ==
        Lines{kSchema + ".properties[color].default: Invalid value: \"integer\":  in body must be "
                        "of type string: \"integer\" (FieldValueTypeInvalid)"});
  crd = valid_crd();
  spec_schema(crd)["l"] =
      json::parse(R"({"type":"array","uniqueItems":true,"items":{"type":"string"}})");
  CHECK(faults_of(crd) ==
        Lines{kSchema + ".properties[l].uniqueItems: Forbidden: uniqueItems cannot be set to true "
                        "since the runtime complexity becomes quadratic (FieldValueForbidden)"});
  crd = valid_crd();
  spec_schema(crd)["o"] =
      json::parse(R"({"type":"object","default":{"zz":1},"properties":{"a":{"type":"string"}}})");
  CHECK(faults_of(crd) == Lines{kSchema + ".properties[o].default: Invalid value: {\"zz\":1}: must "
                                          "not have unknown fields (FieldValueInvalid)"});
}

TEST_CASE("columns, scale and selectable fields are checked", "[crd]") {
  json crd = valid_crd();
  json& version = crd["spec"]["versions"][0];
  version["additionalPrinterColumns"] =
      json::parse(R"([{"name":"C","type":"text","jsonPath":"spec.color"}])");
  version["subresources"] =
      json::parse(R"({"scale":{"specReplicasPath":".status.n","statusReplicasPath":".status.n"}})");
  version["selectableFields"] =
      json::parse(R"([{"jsonPath":".spec.color"},{"jsonPath":".spec.none"}])");
  CHECK(faults_of(crd) ==
        Lines{"spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"spec.color\": must be a "
              "simple json path starting with . (FieldValueInvalid)",
              "spec.additionalPrinterColumns[0].type: Invalid value: \"text\": must be one of "
              "boolean,date,integer,number,string (FieldValueInvalid)",
              "spec.selectableFields[1].jsonPath: Invalid value: \".spec.none\": is an invalid "
              "path: does not refer to a valid field (FieldValueInvalid)",
              "spec.subresources.scale.specReplicasPath: Invalid value: \".status.n\": should be a "
              "json path under .spec (FieldValueInvalid)"});
}

TEST_CASE("group and plural never change, kind and scope not once established", "[crd]") {
  json old = valid_crd();
  json next = old;
  next["spec"]["names"]["kind"] = "Gadget";
  CHECK(faults_of(next, &old).empty());
  old["status"]["conditions"] = json::array({{{"type", "Established"}, {"status", "True"}}});
  CHECK(
      faults_of(next, &old) ==
      Lines{"spec.names.kind: Invalid value: \"Gadget\": field is immutable (FieldValueInvalid)"});
}

TEST_CASE("a stored version must stay", "[crd]") {
  json crd = valid_crd();
  crd["status"]["storedVersions"] = {"v1beta1", "v1"};
  const Lines found = faults_of(crd);
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with(
      "status.storedVersions[0]: Invalid value: \"v1beta1\": missing from spec.versions"));
}

TEST_CASE("a CRD of nonsense is refused without a crash", "[crd]") {
  for (const char* text :
       {"{}", R"({"spec":5})", R"({"spec":{"versions":{}}})", R"({"spec":{"versions":[5]}})",
        R"({"spec":{"names":[],"versions":[{"schema":{"openAPIV3Schema":[]}}]}})",
        R"({"spec":{"versions":[{"schema":{"openAPIV3Schema":{"properties":{"a":5},"allOf":{}}},
            "selectableFields":[1],"additionalPrinterColumns":["x"]}]}})"}) {
    INFO(text);
    CHECK_FALSE(validate_crd(json::parse(text)).empty());
  }
}
