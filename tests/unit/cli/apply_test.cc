// SPDX-License-Identifier: Apache-2.0
// apply, diff and delete against the API server.
#include <catch2/catch.hpp>

#include "tests/unit/cli/cli_fixture.h"

namespace tidelock::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

const char* const kBudget =
    "apiVersion: tidelock.dev/v1alpha1\nkind: ConcurrencyBudget\nmetadata: {name: cap}\nspec: "
    "{max: 10}\n";

std::string tenant(const std::string& name, const std::string& more = "") {
  return "---\napiVersion: tidelock.dev/v1alpha1\nkind: Tenant\nmetadata: {name: " + name + more +
         "}\nspec: {displayName: T}\n";
}

json live(Cli& cli, const std::string& plural, const std::string& name) {
  return cli.api()
      .get("/apis/tidelock.dev/v1alpha1/namespaces/default/" + plural + "/" + name)
      .json();
}

TEST_CASE("apply creates, then finds nothing to change, then changes", "[cli]") {
  Cli cli;
  cli.files["b.yaml"] = kBudget;
  CHECK(cli.run({"apply", "-f", "b.yaml"}).out == "concurrencybudget.tidelock.dev/cap created\n");
  CHECK(cli.run({"apply", "-f", "b.yaml"}).out == "concurrencybudget.tidelock.dev/cap unchanged\n");
  cli.files["b.yaml"].replace(cli.files["b.yaml"].find("10"), 2, "12");
  CHECK(cli.run({"apply", "-f", "b.yaml"}).out ==
        "concurrencybudget.tidelock.dev/cap configured\n");
  CHECK(live(cli, "concurrencybudgets", "cap")["spec"]["max"] == 12);
}

TEST_CASE("an unchanged apply of steps with defaults is unchanged and writes nothing", "[cli]") {
  Cli cli;
  cli.in = R"(apiVersion: tidelock.dev/v1alpha1
kind: Project
metadata: {name: shop}
spec:
  installDirectory: /srv/${tenant.name}
  steps:
  - {name: one, script: {body: "true"}}
)";
  CHECK(cli.run({"apply", "-f", "-"}).out == "project.tidelock.dev/shop created\n");
  const json before = live(cli, "projects", "shop");
  CHECK(cli.run({"apply", "-f", "-"}).out == "project.tidelock.dev/shop unchanged\n");
  CHECK(live(cli, "projects", "shop")["metadata"]["resourceVersion"] ==
        before["metadata"]["resourceVersion"]);
}

TEST_CASE("apply leaves what others set and takes away what the manifest no longer says", "[cli]") {
  Cli cli;
  cli.in = tenant("t", ", labels: {ring: canary, tier: gold}");
  REQUIRE(cli.run({"apply", "-f", "-"}).code == 0);
  cli.api().merge("/apis/tidelock.dev/v1alpha1/namespaces/default/tenants/t",
                  R"({"metadata":{"labels":{"by":"hand"}}})");
  cli.in = tenant("t", ", labels: {ring: general}");
  CHECK(cli.run({"apply", "-f", "-"}).out == "tenant.tidelock.dev/t configured\n");
  CHECK(live(cli, "tenants", "t")["metadata"]["labels"] ==
        json{{"by", "hand"}, {"ring", "general"}});
}

TEST_CASE("lock groups and namespaces are sent before what needs them", "[cli]") {
  Cli cli;
  cli.in = R"(apiVersion: tidelock.dev/v1alpha1
kind: Project
metadata: {name: shop, namespace: space}
spec:
  installDirectory: /srv/${tenant.name}
  steps:
  - {name: one, script: {body: "true"}, locks: [{group: central, mode: Exclusive}]}
---
apiVersion: tidelock.dev/v1alpha1
kind: LockGroup
metadata: {name: central, namespace: space}
spec: {scope: Target, capacity: 1, granularity: Step}
---
apiVersion: v1
kind: Namespace
metadata: {name: space}
)";
  const CliResult result = cli.run({"apply", "-f", "-"});
  CHECK(result.err.empty());
  CHECK(result.out ==
        "namespace/space created\nlockgroup.tidelock.dev/central "
        "created\nproject.tidelock.dev/shop created\n");
}

TEST_CASE("a release goes after its project, a deployment after both, whatever the order of files",
          "[cli]") {
  Cli cli;
  const std::string head = "---\napiVersion: tidelock.dev/v1alpha1\nkind: ";
  cli.in = head +
           "TenantDeployment\nmetadata: {name: d}\nspec: {projectRef: {name: p}, environmentRef: "
           "{name: e}, "
           "release: {version: 1.0.0}, tenants: {}, targets: {}}\n" +
           head + "Release\nmetadata: {name: r}\nspec: {projectRef: {name: p}, version: 1.0.0}\n" +
           head +
           "Project\nmetadata: {name: p}\nspec: {installDirectory: /srv, steps: [{name: s, script: "
           "{body: 'true'}}]}\n";
  CHECK(cli.run({"apply", "-f", "-"}).out ==
        "project.tidelock.dev/p created\nrelease.tidelock.dev/r "
        "created\ntenantdeployment.tidelock.dev/d created\n");
  const auto version = [&](const char* plural, const char* name) {
    return std::stoi(live(cli, plural, name)["metadata"]["resourceVersion"].get<std::string>());
  };
  CHECK(version("projects", "p") < version("releases", "r"));
  CHECK(version("releases", "r") < version("tenantdeployments", "d"));
}

TEST_CASE("one bad document names its place, the others go on", "[cli]") {
  Cli cli;
  cli.files["mixed.yaml"] = tenant("good") +
                            "---\napiVersion: tidelock.dev/v1alpha1\nkind: ConcurrencyBudget\n"
                            "metadata: {name: b}\nspec: {max: -1}\n" +
                            tenant("fine");
  const CliResult result = cli.run({"apply", "-f", "mixed.yaml"});
  CHECK(result.code == 1);
  CHECK(result.out == "tenant.tidelock.dev/good created\ntenant.tidelock.dev/fine created\n");
  CHECK_THAT(
      result.err,
      StartsWith(
          "mixed.yaml:7: The ConcurrencyBudget \"b\" is invalid: spec.max: Invalid value: -1"));
}

TEST_CASE("an unknown field is refused with its path", "[cli]") {
  Cli cli;
  cli.in =
      "apiVersion: tidelock.dev/v1alpha1\nkind: ConcurrencyBudget\nmetadata: {name: b}\nspec: "
      "{max: 1, maxx: 2}\n";
  const CliResult result = cli.run({"apply", "-f", "-"});
  CHECK(result.code == 1);
  CHECK_THAT(result.err, StartsWith("STDIN:1: Error from server (BadRequest): ") &&
                             Contains("unknown field \"spec.maxx\""));
}

TEST_CASE("an unknown kind names the manifest's place", "[cli]") {
  Cli cli;
  cli.in = "\napiVersion: shop.example/v1\nkind: Widget\nmetadata: {name: w}\n";
  const CliResult result = cli.run({"apply", "-f", "-"});
  CHECK(result.code == 1);
  CHECK_THAT(result.err,
             StartsWith("STDIN:2: error: resource mapping not found") &&
                 Contains("no matches for kind \"Widget\" in version \"shop.example/v1\""));
}

TEST_CASE("a namespace flag that contradicts the manifest is refused", "[cli]") {
  Cli cli;
  cli.in = tenant("t", ", namespace: space");
  const CliResult result = cli.run({"apply", "-f", "-", "-n", "other"});
  CHECK(result.code == 1);
  CHECK_THAT(result.err, Contains("the namespace from the provided object \"space\" does not match "
                                  "the namespace \"other\""));
}

TEST_CASE("dry runs change nothing", "[cli]") {
  Cli cli;
  cli.in = tenant("t");
  CHECK(cli.run({"apply", "-f", "-", "--dry-run=client"}).out ==
        "tenant.tidelock.dev/t created (dry run)\n");
  CHECK(cli.run({"apply", "-f", "-", "--dry-run=server"}).out ==
        "tenant.tidelock.dev/t created (server dry run)\n");
  CHECK(live(cli, "tenants", "t")["code"] == 404);
  REQUIRE(cli.run({"apply", "-f", "-"}).code == 0);
  CHECK(cli.run({"apply", "-f", "-", "--dry-run=server"}).out ==
        "tenant.tidelock.dev/t unchanged (server dry run)\n");
}

TEST_CASE("folders give their manifests in order, and below only with -R", "[cli]") {
  Cli cli;
  cli.files["m/b.yaml"] = tenant("b");
  cli.files["m/a.yaml"] = tenant("a");
  cli.files["m/below/c.yaml"] = tenant("c");
  CHECK(cli.run({"apply", "-f", "m"}).out ==
        "tenant.tidelock.dev/a created\ntenant.tidelock.dev/b created\n");
  CHECK_THAT(cli.run({"apply", "-f", "m", "-R"}).out, Contains("tenant.tidelock.dev/c created"));
}

TEST_CASE("a List is taken apart", "[cli]") {
  Cli cli;
  cli.in =
      "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: "
      "a}}\n"
      "- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}\n";
  CHECK(cli.run({"apply", "-f", "-"}).out == "configmap/a created\nconfigmap/b created\n");
  cli.in = "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: ConfigMap}]\n";
  CHECK_THAT(cli.run({"apply", "-f", "-"}).err,
             Contains("STDIN:1: items[0]: ConfigMap: metadata.name is missing"));
}

TEST_CASE("the same object twice ends as the last one says", "[cli]") {
  Cli cli;
  cli.in = tenant("t", ", labels: {a: one}") + tenant("t", ", labels: {a: two}");
  CHECK(cli.run({"apply", "-f", "-"}).out ==
        "tenant.tidelock.dev/t created\ntenant.tidelock.dev/t configured\n");
  CHECK(live(cli, "tenants", "t")["metadata"]["labels"]["a"] == "two");
}

TEST_CASE("an object that was made without apply is adopted with a warning", "[cli]") {
  Cli cli;
  cli.put("tenants", {{"kind", "Tenant"}, {"metadata", {{"name", "t"}}}, {"spec", json::object()}});
  cli.in = tenant("t");
  const CliResult first = cli.run({"apply", "-f", "-"});
  CHECK(first.code == 0);
  CHECK_THAT(first.err, StartsWith("Warning: resource tenant.tidelock.dev/t is missing the "
                                   "kubectl.kubernetes.io/last-applied"));
  CHECK(cli.run({"apply", "-f", "-"}).err.empty());
}

TEST_CASE("diff says what apply would change, and changes nothing", "[cli]") {
  Cli cli;
  cli.in = kBudget;
  const CliResult missing = cli.run({"diff", "-f", "-"});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.out,
             Contains("+kind: ConcurrencyBudget") &&
                 Contains("+++ MERGED/tidelock.dev.v1alpha1.ConcurrencyBudget.default.cap"));
  REQUIRE(cli.run({"apply", "-f", "-"}).code == 0);
  const CliResult same = cli.run({"diff", "-f", "-"});
  CHECK(same.code == 0);
  CHECK(same.out.empty());
  cli.in.replace(cli.in.find("10"), 2, "12");
  const CliResult changed = cli.run({"diff", "-f", "-"});
  CHECK(changed.code == 1);
  CHECK_THAT(changed.out, Contains("\n-  max: 10\n+  max: 12\n"));
  CHECK(live(cli, "concurrencybudgets", "cap")["spec"]["max"] == 10);
  cli.in.replace(cli.in.find("12"), 2, "-1");
  const CliResult wrong = cli.run({"diff", "-f", "-"});
  CHECK(wrong.code == 2);
  CHECK_THAT(wrong.err, StartsWith("STDIN:1: ") && Contains("spec.max"));
}

TEST_CASE("a diff of a secret does not show its values", "[cli]") {
  Cli cli;
  cli.in = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n";
  const CliResult result = cli.run({"diff", "-f", "-"});
  CHECK(result.code == 1);
  CHECK_THAT(result.out, Contains("password") && !Contains("hunter2") && !Contains("aHVudGVyMg=="));
}

TEST_CASE("delete names what is gone", "[cli]") {
  Cli cli;
  cli.in = tenant("a") + tenant("b");
  REQUIRE(cli.run({"apply", "-f", "-"}).code == 0);
  CHECK(cli.run({"delete", "tenant", "a"}).out ==
        "tenant.tidelock.dev \"a\" deleted from default namespace\n");
  CHECK(live(cli, "tenants", "a")["code"] == 404);
  const CliResult again = cli.run({"delete", "tenant", "a"});
  CHECK(again.code == 1);
  CHECK(again.err == "Error from server (NotFound): tenants.tidelock.dev \"a\" not found\n");
  CHECK(cli.run({"delete", "tenant", "a", "--ignore-not-found"}).code == 0);
  const CliResult file = cli.run({"delete", "-f", "-"});
  CHECK(file.code == 1);
  CHECK_THAT(file.out, Contains("\"b\" deleted"));
}

TEST_CASE("delete wants a name, a selector or --all", "[cli]") {
  Cli cli;
  cli.in = tenant("a", ", labels: {ring: x}") + tenant("b", ", labels: {ring: z}");
  REQUIRE(cli.run({"apply", "-f", "-"}).code == 0);
  const CliResult bare = cli.run({"delete", "tenants"});
  CHECK(bare.code == 1);
  CHECK_THAT(bare.err, StartsWith("error: resource(s) were provided, but no name was specified"));
  CHECK_THAT(cli.run({"delete", "tenants", "-l", "ring=x"}).out,
             Contains("\"a\" deleted") && !Contains("\"b\""));
  CHECK_THAT(cli.run({"delete", "tenants", "--all"}).out, Contains("\"b\" deleted"));
  CHECK(cli.run({"delete", "tenants", "--all"}).out == "No resources found\n");
}

TEST_CASE("delete waits for finalizers and gives up at the timeout", "[cli]") {
  Cli cli;
  cli.in = tenant("t", ", finalizers: [example.dev/hold]");
  REQUIRE(cli.run({"apply", "-f", "-"}).code == 0);
  const CliResult held = cli.run({"delete", "tenant", "t", "--timeout=5s"});
  CHECK(held.code == 1);
  CHECK_THAT(held.err,
             StartsWith("error: timed out waiting for the condition on tenants.tidelock.dev/t"));
  CHECK(cli.run({"delete", "tenant", "t", "--wait=false"}).code == 0);
  cli.happenings.push_back([&] {
    cli.api().merge("/apis/tidelock.dev/v1alpha1/namespaces/default/tenants/t",
                    R"({"metadata":{"finalizers":null}})");
  });
  CHECK(cli.run({"delete", "tenant", "t"}).code == 0);
  CHECK(live(cli, "tenants", "t")["code"] == 404);
}

TEST_CASE("cascade has three values", "[cli]") {
  Cli cli;
  const CliResult result = cli.run({"delete", "tenant", "t", "--cascade=perhaps"});
  CHECK(result.code == 1);
  CHECK_THAT(result.err, StartsWith("error: invalid cascade value (perhaps)"));
}

}  // namespace
}  // namespace tidelock::testing
