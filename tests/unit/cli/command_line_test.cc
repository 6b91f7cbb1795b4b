// SPDX-License-Identifier: Apache-2.0
// What needs no server: usage, help, kubeconfig, config, connection failures.
#include <catch2/catch.hpp>

#include "tests/unit/cli/cli_fixture.h"

namespace tidelock::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

const char* const kTwoContexts = R"(apiVersion: v1
kind: Config
current-context: one
clusters:
- {name: c1, cluster: {server: "https://one:6443", certificate-authority-data: "Y2E="}}
- {name: c2, cluster: {server: "https://two:6443", certificate-authority-data: "Y2E="}}
users: [{name: u, user: {token: secret-token}}]
contexts:
- {name: one, context: {cluster: c1, user: u}}
- {name: two, context: {cluster: c2, user: u, namespace: shop}}
)";

TEST_CASE("every verb has a help with an example", "[cli]") {
  CliWorld world;
  for (const char* verb :
       {"apply", "diff", "delete", "get", "watch", "describe", "events", "logs", "wait", "plan",
        "why", "locks", "timeline", "api-resources", "version", "config"}) {
    const CliResult help = world.run({verb, "--help"});
    INFO(verb);
    CHECK(help.code == 0);
    CHECK(help.err.empty());
    CHECK_THAT(help.out, Contains("Examples:\n  tidectl " + std::string(verb)));
  }
  CHECK_THAT(world.run({"rollout", "status", "--help"}).out, Contains("tidectl rollout status"));
}

TEST_CASE("without arguments the help is shown", "[cli]") {
  CliWorld world;
  const CliResult result = world.run({});
  CHECK(result.code == 0);
  CHECK_THAT(result.out, Contains("rollout") && Contains("timeline"));
}

TEST_CASE("a mistake on the command line names itself and the way to the help", "[cli]") {
  CliWorld world;
  const CliResult flag = world.run({"get", "tenants", "--nonsense"});
  CHECK(flag.code == 1);
  CHECK_THAT(flag.err, StartsWith("error: ") && Contains("--nonsense") &&
                           Contains("See 'tidectl get --help'"));
  const CliResult verb = world.run({"frobnicate"});
  CHECK(verb.code == 1);
  CHECK_THAT(verb.err, Contains("frobnicate") && Contains("--help"));
  const CliResult missing = world.run({"why"});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, Contains("name") && Contains("tidectl why --help"));
  CHECK(world.run({"apply", "-f", "x", "--dry-run=maybe"}).code == 1);
}

TEST_CASE("a refused connection is told in kubectl's words", "[cli]") {
  CliWorld world;
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{{"get", "tenants", "-s", "https://127.0.0.1:6443"},
                                             {"plan", "--server", "https://127.0.0.1:6443"},
                                             {"version", "-s", "https://127.0.0.1:6443"}}) {
    const CliResult result = world.run(arguments);
    CHECK(result.code == 1);
    CHECK(result.err ==
          "The connection to the server 127.0.0.1:6443 was refused - did you specify the right "
          "host or port?\n");
  }
}

TEST_CASE("without any kubeconfig the default address is tried", "[cli]") {
  CliWorld world;
  CHECK_THAT(world.run({"get", "tenants"}).err,
             Contains("The connection to the server localhost:8080 was refused"));
}

TEST_CASE("the kubeconfig is found by flag, then variable, then home", "[cli]") {
  CliWorld world;
  const auto config = [](const std::string& host) {
    return "apiVersion: v1\nkind: Config\ncurrent-context: x\nclusters: [{name: c, cluster: "
           "{server: \"https://" +
           host +
           "\", insecure-skip-tls-verify: true}}]\ncontexts: [{name: x, context: {cluster: c}}]\n";
  };
  world.files = {{"/home/me/.kube/config", config("home")},
                 {"/variable", config("variable")},
                 {"/flag", config("flag")}};
  world.run({"get", "tenants"});
  CHECK(world.connected.base_url == "https://home");
  world.variables["KUBECONFIG"] = "/missing:/variable";
  world.run({"get", "tenants"});
  CHECK(world.connected.base_url == "https://variable");
  world.run({"get", "tenants", "--kubeconfig", "/flag"});
  CHECK(world.connected.base_url == "https://flag");
  const CliResult missing = world.run({"--kubeconfig", "/nowhere", "get", "tenants"});
  CHECK(missing.code == 1);
  CHECK_THAT(missing.err, StartsWith("error: ") && Contains("/nowhere"));
}

TEST_CASE("flags override what the context says", "[cli]") {
  CliWorld world;
  world.variables["KUBECONFIG"] = "/config";
  world.files = {{"/config", kTwoContexts}, {"/ca.pem", "PEM"}};
  world.run({"get", "tenants", "--context=two", "--token=other", "--certificate-authority=/ca.pem",
             "--request-timeout=5s"});
  CHECK(world.connected.base_url == "https://two:6443");
  CHECK(world.connected.bearer_token == "other");
  CHECK(world.connected.ca_pem == "PEM");
  CHECK(world.connected.request_timeout == std::chrono::seconds(5));
  CHECK_THAT(world.run({"get", "tenants", "--context=three"}).err, Contains("three"));
}

TEST_CASE("config view hides secrets unless they are asked for", "[cli]") {
  CliWorld world;
  world.variables["KUBECONFIG"] = "/config";
  world.files = {{"/config", kTwoContexts}};
  const CliResult hidden = world.run({"config", "view"});
  CHECK_THAT(hidden.out,
             Contains("https://two:6443") && Contains("DATA+OMITTED") && Contains("REDACTED"));
  CHECK_THAT(hidden.out, !Contains("secret-token"));
  CHECK_THAT(world.run({"config", "view", "--raw"}).out, Contains("secret-token"));
}

TEST_CASE("use-context changes the file and nothing else in it", "[cli]") {
  CliWorld world;
  world.variables["KUBECONFIG"] = "/config";
  world.files = {{"/config", kTwoContexts}};
  CHECK(world.run({"config", "current-context"}).out == "one\n");
  CHECK(world.run({"config", "use-context", "two"}).out == "Switched to context \"two\".\n");
  CHECK(world.run({"config", "current-context"}).out == "two\n");
  CHECK_THAT(world.run({"config", "view", "--raw"}).out,
             Contains("secret-token") && Contains("namespace: shop"));
  CHECK_THAT(world.run({"config", "get-contexts"}).out, Contains("*         two"));
  const CliResult unknown = world.run({"config", "use-context", "three"});
  CHECK(unknown.code == 1);
  CHECK(unknown.err == "error: no context exists with the name: \"three\"\n");
}

TEST_CASE("the client's version needs no server", "[cli]") {
  CliWorld world;
  const CliResult result = world.run({"version", "--client"});
  CHECK(result.code == 0);
  CHECK(result.out == "Client Version: v0.1.0\n");
}

TEST_CASE("nothing is sent while a manifest is wrong, and everything wrong is told", "[cli]") {
  CliWorld world;
  world.variables["KUBECONFIG"] = "/config";
  world.files = {
      {"/config", kTwoContexts},
      {"a.yaml",
       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\nkind: ConfigMap\nmetadata: "
       "{name: b}\n"
       "---\napiVersion: v1\nmetadata: {name: c}\n---\napiVersion: v1\nkind: ConfigMap\n"},
      {"b.yaml", "a: b\n  c: d\n"}};
  const CliResult result =
      world.run({"apply", "-f", "a.yaml", "-f", "b.yaml", "-f", "missing.yaml"});
  CHECK(result.code == 1);
  CHECK(result.out.empty());
  CHECK_THAT(result.err, Contains("a.yaml:5: Object 'apiVersion' is missing"));
  CHECK_THAT(result.err, Contains("a.yaml:8: Object 'kind' is missing"));
  CHECK_THAT(result.err, Contains("a.yaml:11: ConfigMap: metadata.name is missing"));
  CHECK_THAT(result.err, Contains("b.yaml: line 2"));
  CHECK_THAT(result.err, Contains("the path \"missing.yaml\" does not exist"));
  CHECK_THAT(result.err, !Contains("refused"));
}

TEST_CASE("apply wants files", "[cli]") {
  CliWorld world;
  const CliResult result = world.run({"apply"});
  CHECK(result.code == 1);
  CHECK_THAT(result.err, StartsWith("error: must specify -f"));
}

}  // namespace
}  // namespace tidelock::testing
