// SPDX-License-Identifier: Apache-2.0
// get, watch, describe, events, api-resources, version against the API server.
#include <catch2/catch.hpp>

#include "tests/unit/cli/cli_fixture.h"

namespace tidelock::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

json tenant(const std::string& name, const json& labels = json::object()) {
  return {{"kind", "Tenant"},
          {"metadata", {{"name", name}, {"labels", labels}}},
          {"spec", {{"displayName", "T " + name}}}};
}

struct Shop : Cli {
  Shop() {
    put("tenants", tenant("tenant-01", {{"ring", "canary"}}));
    put("tenants", tenant("tenant-02", {{"ring", "general"}}));
    put("targets", {{"kind", "Target"},
                    {"metadata", {{"name", "web-01"}}},
                    {"spec", {{"environments", {"production"}}, {"installRoot", "/srv"}}}});
  }
};

TEST_CASE("get finds a kind by each of its names", "[cli]") {
  Shop shop;
  for (const char* kind : {"tenants", "tenant", "ten", "Tenant", "tenants.tidelock.dev",
                           "tenants.v1alpha1.tidelock.dev"}) {
    INFO(kind);
    CHECK(shop.run({"get", kind, "-o", "name"}).out ==
          "tenant.tidelock.dev/tenant-01\ntenant.tidelock.dev/tenant-02\n");
  }
  const CliResult unknown = shop.run({"get", "widgets"});
  CHECK(unknown.code == 1);
  CHECK(unknown.err == "error: the server doesn't have a resource type \"widgets\"\n");
}

TEST_CASE("get prints the server's columns", "[cli]") {
  Shop shop;
  shop.api().advance(std::chrono::seconds(5));
  const CliResult table = shop.run({"get", "tenants"});
  CHECK(table.code == 0);
  CHECK_THAT(table.out, StartsWith("NAME        ") && Contains("AGE\n") &&
                            Contains("\ntenant-02   ") && Contains("5s\n"));
  CHECK_THAT(shop.run({"get", "tenants", "--no-headers"}).out, StartsWith("tenant-01   "));
  CHECK_THAT(shop.run({"get", "tenants", "-A"}).out, StartsWith("NAMESPACE   NAME "));
  CHECK_THAT(shop.run({"get", "tenants", "--show-labels"}).out,
             Contains("LABELS\n") && Contains("ring=canary\n"));
  CHECK_THAT(shop.run({"get", "tenants", "-L", "ring"}).out,
             Contains("RING\n") && Contains("general\n"));
}

TEST_CASE("get selects by name, label and field", "[cli]") {
  Shop shop;
  CHECK(shop.run({"get", "tenants", "-l", "ring=canary", "-o", "name"}).out ==
        "tenant.tidelock.dev/tenant-01\n");
  CHECK(shop.run({"get", "tenants", "-l", "ring!=canary", "-o", "name"}).out ==
        "tenant.tidelock.dev/tenant-02\n");
  CHECK(
      shop.run({"get", "tenants", "--field-selector=metadata.name=tenant-02", "-o", "name"}).out ==
      "tenant.tidelock.dev/tenant-02\n");
  CHECK(shop.run({"get", "tenant", "tenant-02", "tenant-01", "-o", "name"}).out ==
        "tenant.tidelock.dev/tenant-02\ntenant.tidelock.dev/tenant-01\n");
  CHECK(shop.run({"get", "tenant/tenant-01", "tgt/web-01", "-o", "name"}).out ==
        "tenant.tidelock.dev/tenant-01\ntarget.tidelock.dev/web-01\n");
}

TEST_CASE("several kinds are several tables with qualified names", "[cli]") {
  Shop shop;
  const std::string out = shop.run({"get", "tgt,ten"}).out;
  CHECK_THAT(out, Contains("target.tidelock.dev/web-01") && Contains("\n\nNAME") &&
                      Contains("tenant.tidelock.dev/tenant-01"));
  CHECK_THAT(shop.run({"get", "tidelock"}).out,
             Contains("target.tidelock.dev/web-01") && Contains("tenant.tidelock.dev/tenant-02"));
}

TEST_CASE("what is not there is an error, and the rest is shown", "[cli]") {
  Shop shop;
  const CliResult one = shop.run({"get", "tenant", "nobody"});
  CHECK(one.code == 1);
  CHECK(one.err == "Error from server (NotFound): tenants.tidelock.dev \"nobody\" not found\n");
  const CliResult both = shop.run({"get", "tenant", "nobody", "tenant-01"});
  CHECK(both.code == 1);
  CHECK_THAT(both.out, Contains("tenant-01"));
  CHECK(shop.run({"get", "tenant", "nobody", "--ignore-not-found"}).code == 0);
  const CliResult nothing = shop.run({"get", "releases"});
  CHECK(nothing.code == 0);
  CHECK(nothing.out.empty());
  CHECK(nothing.err == "No resources found in default namespace.\n");
}

TEST_CASE("objects come as json, yaml and jsonpath without managed fields", "[cli]") {
  Shop shop;
  const json object = json::parse(shop.run({"get", "tenant", "tenant-01", "-o", "json"}).out);
  CHECK(object["kind"] == "Tenant");
  CHECK_FALSE(object["metadata"].contains("managedFields"));
  const json list = json::parse(shop.run({"get", "tenants", "-o", "json"}).out);
  CHECK(list["kind"] == "List");
  CHECK(list["items"].size() == 2);
  CHECK(list["items"][0]["kind"] == "Tenant");
  CHECK_THAT(shop.run({"get", "tenant", "tenant-01", "-o", "yaml"}).out,
             Contains("displayName: T tenant-01"));
  CHECK(shop.run({"get", "tenant", "tenant-01", "-o", "jsonpath={.spec.displayName}"}).out ==
        "T tenant-01");
  CHECK(
      shop.run({"get", "tenants", "-o", "jsonpath={range .items[*]}{.metadata.name}{\"\\n\"}{end}"})
          .out == "tenant-01\ntenant-02\n");
  CHECK(shop.run({"get", "tenants", "-o",
                  "custom-columns=N:.metadata.name,R:.metadata.labels.ring,X:.spec.nothing"})
            .out ==
        "N           R         X\ntenant-01   canary    <none>\ntenant-02   general   <none>\n");
  CHECK_THAT(shop.run({"get", "tenants", "-o", "xml"}).err,
             StartsWith("error: unable to match a printer"));
}

TEST_CASE("pages are put together", "[cli]") {
  Shop shop;
  CHECK_THAT(shop.run({"get", "tenants", "--chunk-size=1"}).out,
             Contains("tenant-01") && Contains("tenant-02"));
}

TEST_CASE("rows are sorted by a path", "[cli]") {
  Shop shop;
  const std::string out =
      shop.run({"get", "tenants", "--no-headers", "--sort-by={.metadata.labels.ring}"}).out;
  CHECK(out.find("tenant-01") < out.find("tenant-02"));
  shop.put("tenants", tenant("tenant-00", {{"ring", "zz"}}));
  const std::string names =
      shop.run({"get", "tenants", "-o", "name", "--sort-by=.metadata.labels.ring"}).out;
  CHECK(names ==
        "tenant.tidelock.dev/tenant-01\ntenant.tidelock.dev/tenant-02\ntenant.tidelock.dev/"
        "tenant-00\n");
}

TEST_CASE("a watch shows what is there and each change, until Ctrl-C", "[cli]") {
  Shop shop;
  shop.happenings.push_back([&] { shop.put("tenants", tenant("tenant-03")); });
  shop.happenings.push_back([&] {
    shop.api().remove("/apis/tidelock.dev/v1alpha1/namespaces/default/tenants/tenant-01");
  });
  const CliResult result = shop.run({"get", "tenants", "-w", "-o", "name"});
  CHECK(result.code == 130);
  CHECK(result.out ==
        "tenant.tidelock.dev/tenant-01\ntenant.tidelock.dev/tenant-02\ntenant.tidelock.dev/"
        "tenant-03\ntenant.tidelock.dev/tenant-01\n");
  shop.happenings.push_back([&] { shop.put("tenants", tenant("tenant-04")); });
  const CliResult table = shop.run({"watch", "tenants", "--watch-only"});
  CHECK_THAT(table.out, StartsWith("NAME") && Contains("tenant-04") && !Contains("tenant-02"));
  CHECK(shop.run({"watch", "tenants,targets"}).code == 1);
  CHECK(shop.run({"watch", "tenant", "nobody"}).code == 1);
}

TEST_CASE("describe shows labels, spec and events, and not the applied text", "[cli]") {
  Shop shop;
  const json made = shop.put("tenants", tenant("tenant-03", {{"ring", "x"}}));
  shop.api().post("/api/v1/namespaces/default/events",
                  json{{"metadata", {{"name", "e1"}}},
                       {"involvedObject",
                        {{"kind", "Tenant"},
                         {"namespace", "default"},
                         {"name", "tenant-03"},
                         {"uid", made["metadata"]["uid"]}}},
                       {"reason", "Greeted"},
                       {"message", "hello there"},
                       {"type", "Normal"},
                       {"lastTimestamp", "2026-01-01T00:00:00Z"},
                       {"source", {{"component", "test"}}}}
                      .dump());
  shop.api().advance(std::chrono::seconds(30));
  const CliResult result = shop.run({"describe", "tenant", "tenant-03"});
  CHECK(result.code == 0);
  CHECK_THAT(result.out, Contains("Name:         tenant-03") && Contains("ring=x") &&
                             Contains("Display Name:") && Contains("T tenant-03") &&
                             Contains("Greeted") && Contains("hello there") && Contains("30s"));
  CHECK_THAT(shop.run({"describe", "tenants"}).out, Contains("tenant-01") && Contains("tenant-02"));
  CHECK(shop.run({"describe", "tenant", "nobody"}).code == 1);
  CHECK_THAT(shop.run({"events"}).out,
             StartsWith("LAST SEEN") && Contains("tenant/tenant-03") && Contains("hello there"));
  CHECK_THAT(shop.run({"events", "--for", "tenant/tenant-03", "--types=Normal"}).out,
             Contains("hello there"));
  CHECK_THAT(shop.run({"events", "--for", "tenant/tenant-01"}).err, StartsWith("No events found"));
}

TEST_CASE("describe never shows the values of a secret", "[cli]") {
  Shop shop;
  shop.api().post("/api/v1/namespaces/default/secrets",
                  R"({"metadata":{"name":"s"},"stringData":{"password":"hunter2"}})");
  const std::string out = shop.run({"describe", "secret", "s"}).out;
  CHECK_THAT(out,
             Contains("password:  7 bytes") && !Contains("hunter2") && !Contains("aHVudGVyMg"));
}

TEST_CASE("api-resources lists kinds with their short names", "[cli]") {
  Shop shop;
  const std::string table = shop.run({"api-resources"}).out;
  CHECK_THAT(table, StartsWith("NAME ") && Contains("tenantdeployments") && Contains("td ") &&
                        Contains("configmaps"));
  CHECK_THAT(shop.run({"api-resources", "--api-group=tidelock.dev", "-o", "name"}).out,
             Contains("tenants.tidelock.dev\n") && !Contains("configmaps"));
  CHECK_THAT(shop.run({"api-resources", "--namespaced=false"}).out,
             Contains("namespaces") && !Contains("tenants"));
}

TEST_CASE("version shows both sides", "[cli]") {
  Shop shop;
  CHECK_THAT(shop.run({"version"}).out, StartsWith("Client Version: v0.1.0\nServer Version: v1."));
  CHECK(
      json::parse(shop.run({"version", "-o", "json"}).out)["serverVersion"].contains("gitVersion"));
}

TEST_CASE("wait looks at conditions of the newest generation only", "[cli]") {
  Shop shop;
  const json ready = {{"conditions",
                       {{{"type", "Ready"},
                         {"status", "True"},
                         {"reason", "R"},
                         {"message", ""},
                         {"lastTransitionTime", "2026-01-01T00:00:00Z"},
                         {"observedGeneration", 1}}}}};
  shop.set_status("targets", "web-01", ready);
  CHECK(shop.run({"wait", "tgt/web-01", "--for=condition=Ready"}).out ==
        "target.tidelock.dev/web-01 condition met\n");
  shop.api().merge("/apis/tidelock.dev/v1alpha1/namespaces/default/targets/web-01",
                   R"({"spec":{"maxConcurrent":5}})");
  const CliResult stale = shop.run({"wait", "tgt/web-01", "--for=condition=Ready", "--timeout=3s"});
  CHECK(stale.code == 1);
  CHECK(stale.err == "error: timed out waiting for the condition on targets.tidelock.dev/web-01\n");
  shop.happenings.push_back([&] {
    json newer = ready;
    newer["conditions"][0]["observedGeneration"] = 2;
    shop.set_status("targets", "web-01", newer);
  });
  CHECK(shop.run({"wait", "tgt/web-01", "--for=condition=Ready"}).code == 0);
}

TEST_CASE("wait knows values, deletion and creation", "[cli]") {
  Shop shop;
  CHECK(shop.run({"wait", "tenant/tenant-01", "--for=jsonpath={.spec.displayName}=T tenant-01"})
            .code == 0);
  CHECK(
      shop.run({"wait", "tenant/tenant-01", "--for=jsonpath={.spec.displayName}=x", "--timeout=1s"})
          .code == 1);
  shop.happenings.push_back([&] {
    shop.api().remove("/apis/tidelock.dev/v1alpha1/namespaces/default/tenants/tenant-01");
  });
  CHECK(shop.run({"wait", "tenant/tenant-01", "--for=delete"}).out ==
        "tenant.tidelock.dev/tenant-01 deleted\n");
  CHECK(shop.run({"wait", "tenant/tenant-01", "--for=delete"}).code == 0);
  shop.happenings.push_back([&] { shop.put("tenants", tenant("tenant-09")); });
  CHECK(shop.run({"wait", "tenant/tenant-09", "--for=create"}).code == 0);
  const CliResult missing = shop.run({"wait", "tenant/nobody", "--for=condition=Ready"});
  CHECK(missing.code == 1);
  CHECK(missing.err == "Error from server (NotFound): tenants.tidelock.dev \"nobody\" not found\n");
  CHECK_THAT(shop.run({"wait", "tenant/tenant-02", "--for=luck"}).err,
             StartsWith("error: unrecognized condition"));
  CHECK_THAT(shop.run({"wait", "tenants", "--for=delete"}).err,
             StartsWith("error: resource name may not be empty"));
}

}  // namespace
}  // namespace tidelock::testing
