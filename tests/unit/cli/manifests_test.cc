// SPDX-License-Identifier: Apache-2.0
// Every manifest of manifests/ against the real server, with `tidectl apply`.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <set>

#include "tests/unit/cli/cli_fixture.h"

namespace tidelock::testing {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

// The folders of manifests/, and what is below each, by path.
std::map<std::string, std::map<std::string, std::string>> examples() {
  std::map<std::string, std::map<std::string, std::string>> all;
  for (const auto& folder : fs::directory_iterator(fs::path(TIDELOCK_SOURCE_DIR) / "manifests")) {
    if (!folder.is_directory()) continue;
    for (const auto& file : fs::recursive_directory_iterator(folder.path())) {
      const std::string extension = file.path().extension().string();
      if (extension != ".yaml" && extension != ".yml" && extension != ".json") continue;
      const fs::path relative = fs::relative(file.path(), TIDELOCK_SOURCE_DIR);
      all[folder.path().filename().string()][relative.string()] = text_of(file.path());
    }
  }
  return all;
}

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t found = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) {
    ++found;
  }
  return found;
}

TEST_CASE("every example is taken as it is, and applied again changes nothing", "[cli][manifests]") {
  const auto all = examples();
  REQUIRE(all.size() >= 2);
  for (const auto& [name, files] : all) {
    INFO(name);
    Cli cli;
    cli.files = files;
    const std::string folder = "manifests/" + name;
    const CliResult first = cli.run({"apply", "-R", "-f", folder});
    CHECK(first.err == "");
    CHECK(first.code == 0);
    CHECK(count(first.out, " created\n") > 0);
    CHECK(count(first.out, " created\n") == count(first.out, "\n"));
    const CliResult again = cli.run({"apply", "-R", "-f", folder});
    CHECK(again.err == "");
    CHECK(count(again.out, " unchanged\n") == count(first.out, "\n"));
  }
}

TEST_CASE("the example of waves has all that it speaks of", "[cli][manifests]") {
  Cli cli;
  cli.files = examples().at("waves");
  REQUIRE(cli.run({"apply", "-R", "-f", "manifests/waves"}).code == 0);
  const CliResult waves = cli.run({"get", "tenantdeployment", "shop-live", "-o",
                                   "jsonpath={.spec.rollout.waves[*].name}"});
  CHECK(waves.out == "canary first rest");
  const CliResult rings = cli.run({"get", "tenants", "-o", "jsonpath={.items[*].metadata.labels.ring}"});
  CHECK(count(rings.out, "canary") == 1);
  CHECK(count(rings.out, "early") == 2);
  CHECK(count(rings.out, "general") == 7);
  CHECK(cli.run({"get", "dw", "-o", "name"}).out ==
        "deploymentwindow.tidelock.dev/christmas-freeze\ndeploymentwindow.tidelock.dev/work-nights\n");
}

}  // namespace
}  // namespace tidelock::testing
