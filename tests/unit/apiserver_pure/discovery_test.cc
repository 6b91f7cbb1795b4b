// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/discovery.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace tidelock::apiserver;
using nlohmann::json;

namespace {

ResourceInfo info(const char* group, const char* version, const char* kind, const char* plural) {
  ResourceInfo out;
  out.group = group;
  out.version = version;
  out.kind = kind;
  out.list_kind = std::string(kind) + "List";
  out.plural = plural;
  out.singular = "one";
  out.verbs = {"get", "list"};
  return out;
}

Discovery discovery() {
  ResourceInfo widget = info("example.dev", "v1", "Widget", "widgets");
  widget.short_names = {"wd"};
  widget.categories = {"all"};
  widget.subresources = {{"status", "example.dev", "v1", "Widget", {"get", "patch", "update"}},
                         {"scale", "autoscaling", "v1", "Scale", {"get"}}};
  return Discovery({info("", "v1", "ConfigMap", "configmaps"), widget,
                    info("example.dev", "v1beta1", "Widget", "widgets"),
                    info("example.dev", "v2", "Widget", "widgets"),
                    info("another.dev", "v1", "Thing", "things")});
}

}  // namespace

TEST_CASE("versions are ordered by maturity, then number, then name", "[discovery]") {
  const std::vector<std::string> ordered = {"v10",     "v2",        "v1", "v11beta2", "v10beta3",
                                            "v3beta1", "v12alpha1", "v0", "bar",      "foo1"};
  for (std::size_t i = 0; i + 1 < ordered.size(); ++i) {
    INFO(ordered[i] << " " << ordered[i + 1]);
    CHECK(version_before(ordered[i], ordered[i + 1]) != version_before(ordered[i + 1], ordered[i]));
  }
  CHECK(version_before("v2", "v1"));
  CHECK(version_before("v1", "v2beta1"));
  CHECK(version_before("v1beta1", "v2alpha1"));
  CHECK(version_before("v1alpha1", "other"));
  CHECK(version_before("bar", "foo"));
}

TEST_CASE("aggregated discovery has groups by name and the preferred version first",
          "[discovery]") {
  const json body = json::parse(discovery().aggregated_groups());
  CHECK(body["kind"] == "APIGroupDiscoveryList");
  CHECK(body["apiVersion"] == "apidiscovery.k8s.io/v2");
  REQUIRE(body["items"].size() == 2);
  CHECK(body["items"][0]["metadata"]["name"] == "another.dev");
  const json& group = body["items"][1];
  CHECK(group["versions"][0]["version"] == "v2");
  CHECK(group["versions"][1]["version"] == "v1");
  CHECK(group["versions"][2]["version"] == "v1beta1");
  CHECK(group["versions"][1]["freshness"] == "Current");
  CHECK(group["versions"][1]["resources"][0] == json::parse(R"({"resource":"widgets",
    "responseKind":{"group":"example.dev","version":"v1","kind":"Widget"},"scope":"Namespaced",
    "singularResource":"one","verbs":["get","list"],"shortNames":["wd"],"categories":["all"],
    "subresources":[
      {"subresource":"status","responseKind":{"group":"example.dev","version":"v1","kind":"Widget"},
       "verbs":["get","patch","update"]},
      {"subresource":"scale","responseKind":{"group":"autoscaling","version":"v1","kind":"Scale"},
       "verbs":["get"]}]})"));
}

TEST_CASE("core kinds have an empty group and version in aggregated discovery", "[discovery]") {
  const json body = json::parse(discovery().aggregated_core());
  REQUIRE(body["items"].size() == 1);
  CHECK(body["items"][0]["metadata"] == json::object());
  CHECK(body["items"][0]["versions"][0]["resources"][0]["responseKind"] ==
        json::parse(R"({"group":"","version":"","kind":"ConfigMap"})"));
  CHECK(json::parse(discovery().aggregated_core("v2beta1"))["apiVersion"] ==
        "apidiscovery.k8s.io/v2beta1");
}

TEST_CASE("legacy discovery lists versions, groups and resources", "[discovery]") {
  const json core = json::parse(discovery().api_versions("10.0.0.1:6443"));
  CHECK(core["versions"] == json::array({"v1"}));
  CHECK(core["serverAddressByClientCIDRs"] ==
        json::parse(R"([{"clientCIDR":"0.0.0.0/0","serverAddress":"10.0.0.1:6443"}])"));
  const json groups = json::parse(discovery().api_group_list());
  CHECK(groups["groups"][1]["preferredVersion"] ==
        json::parse(R"({"groupVersion":"example.dev/v2","version":"v2"})"));
  CHECK(json::parse(discovery().api_group("another.dev"))["kind"] == "APIGroup");
  CHECK(discovery().api_group("nothing.dev").empty());
  CHECK(discovery().api_resource_list("example.dev", "v9").empty());

  const json list = json::parse(discovery().api_resource_list("example.dev", "v1"));
  CHECK(list["groupVersion"] == "example.dev/v1");
  REQUIRE(list["resources"].size() == 3);
  CHECK(list["resources"][0]["name"] == "widgets");
  CHECK_FALSE(list["resources"][0]["storageVersionHash"].get<std::string>().empty());
  CHECK(list["resources"][1] == json::parse(R"({"name":"widgets/status","singularName":"",
    "namespaced":true,"kind":"Widget","verbs":["get","patch","update"]})"));
  CHECK(list["resources"][2] == json::parse(R"({"name":"widgets/scale","singularName":"",
    "namespaced":true,"kind":"Scale","group":"autoscaling","version":"v1","verbs":["get"]})"));
}

TEST_CASE("a type shows the subresources that are served", "[discovery]") {
  ResourceType type;
  type.group = "example.dev";
  type.version = "v1";
  type.kind = "Widget";
  CHECK(resource_info(type).subresources.empty());
  CHECK(resource_info(type).verbs.size() == 8);
  type.has_status = true;
  REQUIRE(resource_info(type).subresources.size() == 1);
  CHECK(resource_info(type).subresources[0].name == "status");
  type.builtin = Builtin::Namespace;
  CHECK(resource_info(type).subresources.size() == 2);
  // There is no deletecollection of namespaces.
  CHECK(resource_info(type).verbs.size() == 7);
}
