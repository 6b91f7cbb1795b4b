// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/openapi.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace tidelock::apiserver;
using nlohmann::json;

namespace {

OpenApiResource widget() {
  OpenApiResource out;
  out.info.group = "contract.example.dev";
  out.info.version = "v1";
  out.info.kind = "Widget";
  out.info.list_kind = "WidgetList";
  out.info.plural = "widgets";
  out.info.verbs = {"get",   "list",   "create",           "update",
                    "patch", "delete", "deletecollection", "watch"};
  out.info.subresources = {
      {"status", "contract.example.dev", "v1", "Widget", {"get", "patch", "update"}}};
  out.schema = std::make_shared<const json>(json::parse(R"({"type":"object",
    "description":"A widget.","properties":{"spec":{"type":"object","properties":{
      "color":{"type":"string","enum":["red"],"description":"Its color."}}}}})"));
  out.selectable_fields = {".spec.color"};
  return out;
}

const json kKind =
    json::parse(R"({"group":"contract.example.dev","version":"v1","kind":"Widget"})");

json document() { return json::parse(open_api_document({widget()})); }

// Every $ref of the document leads somewhere.
void check_references(const json& value, const json& root) {
  if (value.is_object() && value.contains("$ref") && value["$ref"].is_string()) {
    const std::string ref = value["$ref"];
    INFO(ref);
    REQUIRE(ref.starts_with("#/"));
    CHECK(root["components"]["schemas"].contains(ref.substr(ref.rfind('/') + 1)));
  }
  if (!value.is_structured()) return;
  for (const json& item : value) check_references(item, root);
}

}  // namespace

TEST_CASE("a kind's component carries its schema, its kind and the shared metadata", "[openapi]") {
  const json schemas = document()["components"]["schemas"];
  const json& kind = schemas["dev.example.contract.v1.Widget"];
  CHECK(kind["x-kubernetes-group-version-kind"] == json::array({kKind}));
  CHECK(kind["description"] == "A widget.");
  CHECK(kind["properties"]["spec"]["properties"]["color"]["enum"] == json::array({"red"}));
  CHECK(kind["properties"]["metadata"]["allOf"] == json::parse(R"json([
    {"$ref":"#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}])json"));
  CHECK(kind["properties"]["apiVersion"]["type"] == "string");
  CHECK(kind["x-kubernetes-selectable-fields"] == json::parse(R"([{"fieldPath":"spec.color"}])"));
  const json& list = schemas["dev.example.contract.v1.WidgetList"];
  CHECK(list["required"] == json::array({"items"}));
  CHECK(list["properties"]["items"]["items"]["$ref"] ==
        "#/components/schemas/dev.example.contract.v1.Widget");
  CHECK(list["x-kubernetes-group-version-kind"][0]["kind"] == "WidgetList");
}

TEST_CASE("all references of a document lead somewhere", "[openapi]") {
  const json root = document();
  check_references(root, root);
}

TEST_CASE("the patch operation says that the server validates fields", "[openapi]") {
  const json paths = document()["paths"];
  const json& patch =
      paths["/apis/contract.example.dev/v1/namespaces/{namespace}/widgets/{name}"]["patch"];
  CHECK(patch["x-kubernetes-group-version-kind"] == kKind);
  CHECK(patch["x-kubernetes-action"] == "patch");
  bool found = false;
  for (const json& parameter : patch["parameters"]) {
    found = found || (parameter["name"] == "fieldValidation" && parameter["in"] == "query");
  }
  CHECK(found);
  CHECK_FALSE(patch["requestBody"]["content"].contains("application/strategic-merge-patch+json"));
}

TEST_CASE("explain finds the kind at the paths of the resource", "[openapi]") {
  const json paths = document()["paths"];
  const std::string base = "/apis/contract.example.dev/v1";
  CHECK(paths[base + "/widgets"]["get"]["x-kubernetes-group-version-kind"] == kKind);
  const json& items = paths[base + "/namespaces/{namespace}/widgets"];
  CHECK(items["get"]["x-kubernetes-action"] == "list");
  CHECK(items["post"]["x-kubernetes-action"] == "post");
  CHECK(paths.contains(base + "/namespaces/{namespace}/widgets/{name}/status"));
}

TEST_CASE("a cluster-scoped kind has no path with a namespace", "[openapi]") {
  OpenApiResource resource = widget();
  resource.info.namespaced = false;
  const json paths = json::parse(open_api_document({resource}))["paths"];
  CHECK(paths.contains("/apis/contract.example.dev/v1/widgets"));
  CHECK(paths.contains("/apis/contract.example.dev/v1/widgets/{name}"));
  for (const auto& [path, entry] : paths.items()) {
    CHECK(path.find("{namespace}") == std::string::npos);
  }
}

TEST_CASE("the hash changes with the document and stays with it", "[openapi]") {
  OpenApiResource other = widget();
  other.schema = std::make_shared<const json>(json::parse(R"({"type":"object"})"));
  const std::string first = open_api_hash(open_api_document({widget()}));
  CHECK(first == open_api_hash(open_api_document({widget()})));
  CHECK(first != open_api_hash(open_api_document({other})));
  CHECK(first.find_first_not_of("0123456789ABCDEF") == std::string::npos);
}

TEST_CASE("core components keep their usual names", "[openapi]") {
  OpenApiResource secret;
  secret.info.version = "v1";
  secret.info.kind = "Secret";
  secret.info.list_kind = "SecretList";
  secret.info.plural = "secrets";
  secret.info.verbs = {"get", "list"};
  const json root = json::parse(open_api_document({secret}));
  CHECK(root["components"]["schemas"].contains("io.k8s.api.core.v1.Secret"));
  CHECK(root["paths"].contains("/api/v1/namespaces/{namespace}/secrets/{name}"));
  CHECK(root["paths"]["/api/v1/namespaces/{namespace}/secrets/{name}"]["patch"]["requestBody"]
            ["content"]
                .contains("application/strategic-merge-patch+json"));
  CHECK(open_api_path("", "v1") == "api/v1");
  CHECK(open_api_path("x.dev", "v2") == "apis/x.dev/v2");
}
