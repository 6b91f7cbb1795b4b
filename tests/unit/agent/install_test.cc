// SPDX-License-Identifier: Apache-2.0
// What a task leaves in its install directory.
#include <catch2/catch.hpp>

#include "controller/agent/install_directory.h"
#include "tests/unit/agent/agent_world.h"

using namespace tidelock;
using namespace tidelock::testing;
using namespace std::chrono_literals;
using agent::InstallDirectory;
using api::TaskPhase;

namespace {

const std::string kFetch = R"([{"name":"fetch","package":{}},{"name":"a","script":{"body":"x"}}])";

nlohmann::json release(const std::string& version, int attempt = 1) {
  return {{"version", version},
          {"digest", "sha256:" + std::string(64, version[0])},
          {"attempt", attempt},
          {"installDirectory", "/srv/pair"},
          {"retention", {{"releases", 2}}},
          {"packages", {{{"step", "fetch"}, {"url", "file:///" + version}, {"sha256", std::string(64, 'a')}}}}};
}

AgentWorld& with_packages(AgentWorld& world) {
  for (const std::string version : {"1.0.0", "2.0.0", "3.0.0", "4.0.0"}) {
    world.fetcher.packages["file:///" + version] = FakeFetcher::Files{{"bin/shop", version}};
  }
  return world;
}

std::vector<std::string> folders(AgentWorld& world) {
  std::vector<std::string> names;
  const auto entries = world.disk.list("/srv/pair/releases");
  if (entries) {
    for (const auto& entry : *entries) names.push_back(entry.name);
  }
  return names;
}

nlohmann::json receipt(AgentWorld& world) {
  return nlohmann::json::parse(world.file("/srv/pair/receipt.json"), nullptr, false);
}

}  // namespace

TEST_CASE("a success switches current and writes the receipt", "[agent][install]") {
  AgentWorld world;
  with_packages(world).task("t1", kFetch, release("1.0.0"));
  CHECK(world.finish("t1").status.phase == TaskPhase::Succeeded);
  CHECK(world.link("/srv/pair/current") == "releases/1.0.0-111111111111");
  CHECK(world.file("/srv/pair/current/bin/shop") == "1.0.0");
  const auto written = receipt(world);
  CHECK(written["project"] == "shop");
  CHECK(written["version"] == "1.0.0");
  CHECK(written["digest"] == "sha256:" + std::string(64, '1'));
  CHECK(written["tenant"] == "acme");
  CHECK(written["installationUID"] == "inst-t1");
  CHECK(written["attempt"] == 1);
  CHECK(written["time"].get<std::string>().starts_with("2026-"));
}

TEST_CASE("a failure leaves current and receipt as they were and reports what is there", "[agent][install]") {
  bool broken = false;
  AgentWorld world([&broken](const ProcessSpec&) { return ProcessScript{.exit_code = broken ? 1 : 0}; });
  with_packages(world).task("t1", kFetch, release("1.0.0"));
  world.finish("t1");
  const std::string before = world.file("/srv/pair/receipt.json");
  broken = true;
  world.task("t2", kFetch, release("2.0.0"));
  const auto task = world.finish("t2");
  CHECK(task.status.phase == TaskPhase::Failed);
  CHECK(task.status.reported_version == "1.0.0");
  CHECK(world.link("/srv/pair/current") == "releases/1.0.0-111111111111");
  CHECK(world.file("/srv/pair/receipt.json") == before);
}

TEST_CASE("old release folders go, the one before stays even with a retention of one", "[agent][install]") {
  AgentWorld world;
  with_packages(world);
  int attempt = 0;
  for (const std::string version : {"1.0.0", "2.0.0", "3.0.0"}) {
    auto more = release(version);
    more["retention"]["releases"] = 1;
    world.task("t" + std::to_string(++attempt), kFetch, more);
    world.finish("t" + std::to_string(attempt));
  }
  CHECK(folders(world) == std::vector<std::string>{"2.0.0-222222222222", "3.0.0-333333333333"});
}

TEST_CASE("folders of failed tasks go with the next success", "[agent][install]") {
  bool broken = true;
  AgentWorld world([&broken](const ProcessSpec&) { return ProcessScript{.exit_code = broken ? 1 : 0}; });
  with_packages(world).task("t1", kFetch, release("1.0.0"));
  world.finish("t1");
  CHECK(folders(world).size() == 1);
  broken = false;
  world.task("t2", kFetch, release("2.0.0"));
  world.finish("t2");
  CHECK(folders(world) == std::vector<std::string>{"2.0.0-222222222222"});
}

TEST_CASE("a release that is installed again never touches the folder that current names", "[agent][install]") {
  AgentWorld world;
  with_packages(world).task("t1", kFetch, release("1.0.0"));
  world.finish("t1");
  world.task("t2", kFetch, release("1.0.0", 2));
  world.grant("t2", 0, 1);
  world.settle();
  CHECK(world.fetcher.package_jobs[1].directory == "/srv/pair/releases/1.0.0-111111111111.2");
  CHECK(world.finish("t2").status.phase == TaskPhase::Succeeded);
  CHECK(world.link("/srv/pair/current") == "releases/1.0.0-111111111111.2");
  CHECK(world.file("/srv/pair/current/bin/shop") == "1.0.0");
}

TEST_CASE("what a task that was cut off left in the release folder is removed first", "[agent][install]") {
  AgentWorld world;
  with_packages(world);
  world.disk.write_unsynced("/srv/pair/releases/1.0.0-111111111111/half", "x");
  world.task("t1", kFetch, release("1.0.0"));
  world.finish("t1");
  CHECK(!world.disk.stat("/srv/pair/current/half"));
  CHECK(world.file("/srv/pair/current/bin/shop") == "1.0.0");
}

TEST_CASE("a package that cannot be had fails the step with its reason", "[agent][install]") {
  AgentWorld world;
  world.fetcher.packages["file:///1.0.0"] = fail(Reason::Invalid, "sha256 mismatch: want a, got b");
  world.task("t1", kFetch, release("1.0.0"));
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Failed);
  CHECK(task.status.steps[0].message == "sha256 mismatch: want a, got b");
  CHECK(world.processes.intervals().empty());
}

TEST_CASE("a package step without a package in the release says so", "[agent][install]") {
  AgentWorld world;
  auto more = release("1.0.0");
  more["packages"] = nlohmann::json::array();
  world.task("t1", kFetch, more);
  CHECK(world.finish("t1").status.steps[0].message == "release 1.0.0 has no package for this step");
}

TEST_CASE("a package step past its timeout is cancelled", "[agent][install]") {
  AgentWorld world;
  with_packages(world).fetcher.hold = true;
  world.task("t1", R"([{"name":"fetch","package":{},"timeout":"10s"}])", release("1.0.0"));
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::TimedOut);
  CHECK(*task.status.steps[0].finished_at - *task.status.steps[0].started_at == 10s);
}

TEST_CASE("a full disk at the end fails the task and leaves current alone", "[agent][install]") {
  AgentWorld world([](const ProcessSpec&) { return ProcessScript{.duration = 1s}; });
  with_packages(world).task("t1", kFetch, release("1.0.0"));
  world.finish("t1");
  world.task("t2", R"([{"name":"fetch","package":{}}])", release("2.0.0"));
  world.grant("t2", 0, 1);
  world.fetcher.hold = true;
  world.settle();
  world.fetcher.hold = false;
  world.fetcher.packages["file:///2.0.0"] = fail(Reason::ServiceUnavailable, "x: No space left on device");
  const auto task = world.finish("t2");
  CHECK(task.status.steps[0].message == "x: No space left on device");
  CHECK(world.file("/srv/pair/current/bin/shop") == "1.0.0");
}

TEST_CASE("removal takes all that Tidelock made and leaves the rest", "[agent][install]") {
  AgentWorld world;
  with_packages(world).task("t1", kFetch, release("1.0.0"));
  world.finish("t1");
  world.disk.write_unsynced("/srv/pair/data.db", "users");
  world.task("t2", "[]", {{"action", "Remove"}, {"version", nullptr}, {"installationUID", "inst-t1"},
                          {"installDirectory", "/srv/pair"}});
  auto task = world.finish("t2");
  CHECK(task.status.phase == TaskPhase::Succeeded);
  CHECK(task.status.reported_version.empty());
  CHECK(world.file("/srv/pair/data.db") == "users");
  CHECK(world.disk.list("/srv/pair")->size() == 1);

  REQUIRE(world.disk.remove_all("/srv/pair/data.db").has_value());
  world.task("t3", "[]", {{"action", "Remove"}, {"version", nullptr}, {"installDirectory", "/srv/pair"}});
  CHECK(world.finish("t3").status.phase == TaskPhase::Succeeded);
  CHECK(!world.disk.stat("/srv/pair"));
}

TEST_CASE("a removal that fails says whether anything still counts as installed", "[agent][install]") {
  int halfway = 0;
  for (std::uint64_t operation = 1;; ++operation) {
    AgentWorld world;
    with_packages(world).task("t1", kFetch, release("1.0.0"));
    world.finish("t1");
    world.task("t2", "[]", {{"action", "Remove"}, {"version", nullptr}, {"installationUID", "inst-t1"},
                            {"installDirectory", "/srv/pair"}});
    world.disk.fail_at(operation);
    const auto task = world.finish("t2");
    INFO("operation " << operation << " failed");
    const bool there = world.disk.stat("/srv/pair/receipt.json").has_value();
    CHECK(task.status.nothing_installed == !there);
    CHECK(task.status.reported_version == (there ? "1.0.0" : ""));
    if (task.status.phase == TaskPhase::Failed && !there) ++halfway;
    if (operation > 60) break;
  }
  CHECK(halfway > 0);
}

TEST_CASE("removal leaves a directory that another pair has installed into", "[agent][install]") {
  AgentWorld world;
  with_packages(world).task("t1", kFetch, release("1.0.0"));
  world.finish("t1");
  world.task("t2", "[]", {{"action", "Remove"}, {"version", nullptr}, {"installDirectory", "/srv/pair"}});
  CHECK(world.finish("t2").status.phase == TaskPhase::Succeeded);
  CHECK(world.file("/srv/pair/current/bin/shop") == "1.0.0");
}

TEST_CASE("a project without steps is installed all the same", "[agent][install]") {
  AgentWorld world;
  world.task("t1", "[]", release("1.0.0"));
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Succeeded);
  CHECK(task.status.reported_version == "1.0.0");
}

TEST_CASE("a damaged receipt counts as nothing installed", "[agent][install]") {
  AgentWorld world;
  world.disk.write_unsynced("/srv/pair/receipt.json", "{\"version\": 5, ");
  InstallDirectory directory(world.disk, "/srv/pair");
  CHECK(directory.read_receipt()->version.empty());
  world.disk.write_unsynced("/srv/pair/receipt.json", "{\"version\": 5}");
  CHECK(directory.read_receipt()->version.empty());
}
