// SPDX-License-Identifier: Apache-2.0
// Drift: what is installed is no longer what the newest successful task brought.
#include <catch2/catch.hpp>

#include "controller/agent/drift.h"
#include "controller/base/limits.h"
#include "tests/unit/agent/agent_world.h"

using namespace tidelock;
using namespace tidelock::testing;
using namespace std::chrono_literals;
using agent::InstalledState;
using api::TaskPhase;

namespace {

const std::string kOne = R"([{"name":"a","script":{"body":"do a"}}])";
const std::string kFolder = "1.0.0-0123456789ab";

AgentWorld make_world() {
  return AgentWorld([](const ProcessSpec&) { return ProcessScript{.duration = 1s}; });
}

void install(AgentWorld& world, const nlohmann::json& more = nlohmann::json::object()) {
  world.task("t1", kOne, more);
  if (world.finish("t1").status.phase != TaskPhase::Succeeded) throw std::runtime_error("t1");
  world.settle();
}

std::optional<api::DriftReport> drift(AgentWorld& world) { return world.get("t1").status.drift; }

InstalledState good_state() {
  InstalledState state;
  state.receipt.version = "1.0.0";
  state.receipt.digest = "sha256:aa";
  state.receipt.installation_uid = "u";
  state.receipt.folder = "1.0.0-aa";
  state.receipt.installed = {"1.0.0-aa", "0.9.0-rc.1-bb.2"};
  state.current = "releases/1.0.0-aa";
  state.folder = true;
  return state;
}

struct Case {
  const char* what;
  std::function<void(InstalledState&)> change;
  const char* version;
  const char* digest;
  const char* message;  // empty = no drift
};

const Case kCases[] = {
    {"as it should be", [](InstalledState&) {}, "", "", ""},
    {"a later attempt of the same release", [](InstalledState& s) { s.receipt.attempt = 9; }, "", "", ""},
    {"no receipt",
     [](InstalledState& s) {
       s.receipt = {};
       s.receipt_problem = "receipt.json is missing";
     },
     "", "", "receipt.json is missing"},
    {"another release",
     [](InstalledState& s) {
       s.receipt.version = "2.0.0";
       s.receipt.digest = "sha256:cc";
     },
     "2.0.0", "sha256:cc", "receipt.json names release 2.0.0, not 1.0.0"},
    {"the same version with other content", [](InstalledState& s) { s.receipt.digest = "sha256:cc"; },
     "1.0.0", "sha256:cc", "receipt.json names release 1.0.0, not 1.0.0 with this content"},
    {"another installation", [](InstalledState& s) { s.receipt.installation_uid = "v"; }, "1.0.0", "sha256:aa",
     "receipt.json is of another installation"},
    {"no link", [](InstalledState& s) { s.current.clear(); }, "", "", "current is missing or no link"},
    {"the link points to a release that was current once",
     [](InstalledState& s) { s.current = "releases/0.9.0-rc.1-bb.2"; }, "0.9.0-rc.1", "",
     "current points to releases/0.9.0-rc.1-bb.2, not to releases/1.0.0-aa"},
    {"the link points to what nobody knows", [](InstalledState& s) { s.current = "/opt/mine"; }, "", "",
     "current points to /opt/mine, not to releases/1.0.0-aa"},
    {"the release folder is gone", [](InstalledState& s) { s.folder = false; }, "", "",
     "the release folder releases/1.0.0-aa is missing"},
};

}  // namespace

TEST_CASE("drift is what receipt, link and folder say together", "[agent][drift]") {
  api::DeploymentTaskSpec task;
  task.version = "1.0.0";
  task.digest = "sha256:aa";
  task.installation_uid = "u";
  task.locks = {{"target/web-01/path/srv/shop", api::LockMode::Exclusive, 1}};
  for (const Case& one : kCases) {
    INFO(one.what);
    InstalledState state = good_state();
    one.change(state);
    const auto found = agent::drift_of(task, state);
    REQUIRE(found.has_value() == (std::string(one.message) != ""));
    if (!found) continue;
    CHECK(found->version == one.version);
    CHECK(found->digest == one.digest);
    CHECK(found->message == one.message);
  }
}

TEST_CASE("in a shared directory the receipt of another pair is no drift", "[agent][drift]") {
  api::DeploymentTaskSpec task;
  task.version = "1.0.0";
  task.digest = "sha256:aa";
  task.installation_uid = "u";
  InstalledState state = good_state();
  state.receipt.installation_uid = "v";
  state.receipt.digest = "sha256:cc";
  CHECK(!agent::drift_of(task, state));
}

TEST_CASE("a look at an install directory sees what is there", "[agent][drift]") {
  MemoryDisk disk;
  agent::InstallDirectory directory(disk, "/srv/shop");
  CHECK(directory.look()->receipt_problem == "receipt.json is missing");
  REQUIRE(directory.prepare("1.0.0", "sha256:0123456789abcdef", 1).has_value());
  agent::Receipt receipt;
  receipt.version = "1.0.0";
  receipt.folder = kFolder;
  REQUIRE(directory.finish(receipt, 3, true).has_value());
  auto state = directory.look();
  REQUIRE(state.has_value());
  CHECK(state->receipt_problem.empty());
  CHECK(state->receipt.version == "1.0.0");
  CHECK(state->current == "releases/" + kFolder);
  CHECK(state->folder);
  REQUIRE(disk.remove_all("/srv/shop/releases/" + kFolder).has_value());
  CHECK(!directory.look()->folder);
  REQUIRE(disk.remove_all("/srv/shop/current").has_value());
  CHECK(directory.look()->current.empty());
  REQUIRE(disk.write_file("/srv/shop/current", "no link", 0644).has_value());
  CHECK(directory.look()->current.empty());
  REQUIRE(disk.write_file("/srv/shop/receipt.json", "{\"version\":", 0644).has_value());
  CHECK(directory.look()->receipt_problem.find("receipt.json is damaged: ") == 0);
  disk.fail_at(1);
  CHECK(!directory.look().has_value());
}

TEST_CASE("a receipt that is gone is reported at the next look, and taken back when it is there", "[agent][drift]") {
  AgentWorld world = make_world();
  install(world);
  world.run_for(1min);
  CHECK(!drift(world));
  const std::string receipt = world.file("/srv/t1/receipt.json");
  REQUIRE(world.disk.remove_all("/srv/t1/receipt.json").has_value());
  world.run_for(3min);
  CHECK(!drift(world));  // looks are five minutes apart
  world.run_for(1min);
  auto found = drift(world);
  REQUIRE(found);
  CHECK(found->message == "receipt.json is missing");
  CHECK(found->version.empty());
  CHECK(world.now() - found->since <= 1min);
  const std::string version = world.get("t1").metadata.resource_version;
  world.run_for(30min);
  CHECK(drift(world) == found);
  CHECK(world.get("t1").metadata.resource_version == version);
  REQUIRE(world.disk.write_file("/srv/t1/receipt.json", receipt, 0644).has_value());
  world.run_for(5min);
  CHECK(!drift(world));
}

TEST_CASE("a drift that changes keeps its beginning", "[agent][drift]") {
  AgentWorld world = make_world();
  install(world);
  REQUIRE(world.disk.replace_symlink("/srv/t1/current", "/opt/mine").has_value());
  world.run_for(5min);
  const auto first = drift(world);
  REQUIRE(first);
  CHECK(first->message == "current points to /opt/mine, not to releases/" + kFolder);
  REQUIRE(world.disk.remove_all("/srv/t1/receipt.json").has_value());
  world.run_for(5min);
  const auto second = drift(world);
  CHECK(second->message == "receipt.json is missing");
  CHECK(second->since == first->since);
}

TEST_CASE("drift that came while no agent was there is seen at its start", "[agent][drift]") {
  AgentWorld world = make_world();
  install(world);
  world.kill_agent();
  REQUIRE(world.disk.remove_all("/srv/t1/releases").has_value());
  REQUIRE(world.start_agent());
  world.settle();
  CHECK(drift(world)->message == "the release folder releases/" + kFolder + " is missing");
}

TEST_CASE("drift is looked for after a newer task that failed", "[agent][drift]") {
  int code = 0;
  AgentWorld world([&code](const ProcessSpec&) { return ProcessScript{.duration = 1s, .exit_code = code}; });
  install(world, {{"installation", "pair"}});
  REQUIRE(world.disk.remove_all("/srv/t1/current").has_value());
  code = 1;
  world.task("t2", kOne, {{"installation", "pair"}, {"attempt", 2}, {"installationUID", "inst-t1"},
                          {"installDirectory", "/srv/t1"}, {"version", "2.0.0"}, {"digest", "sha256:22"}});
  CHECK(world.finish("t2").status.phase == TaskPhase::Failed);
  world.settle();
  CHECK(drift(world)->message == "current is missing or no link");
  CHECK(!world.get("t2").status.drift);
}

TEST_CASE("nobody looks while a newer task of the pair runs", "[agent][drift]") {
  AgentWorld world = make_world();
  install(world, {{"installation", "pair"}});
  world.task("t2", R"([{"name":"a","script":{"body":"x"}},{"name":"b","script":{"body":"x"}}])",
             {{"installation", "pair"}, {"attempt", 2}, {"installDirectory", "/srv/t1"}});
  world.grant("t2", 0, 1);
  world.run_for(2s);
  REQUIRE(world.disk.remove_all("/srv/t1/receipt.json").has_value());
  world.run_for(20min);
  CHECK(!drift(world));
}

TEST_CASE("an error of the disk that passes by is no drift, one that stays is", "[agent][drift]") {
  AgentWorld world = make_world();
  install(world);
  world.run_for(299s);
  world.disk.fail_at(1);
  world.run_for(10s);
  CHECK(!drift(world));
  world.run_for(4min);
  world.disk.fail_at(1, MemoryDisk::Fault::Error, true);
  world.run_for(2min);
  REQUIRE(drift(world));
  CHECK(drift(world)->message.find("what is installed cannot be read: ") == 0);
  world.disk.heal();
  world.run_for(5min);
  CHECK(!drift(world));
}

TEST_CASE("what drifted is not checked: its health is not known until it is right again", "[agent][drift]") {
  int checks = 0;
  AgentWorld world([&checks](const ProcessSpec& spec) {
    const bool check = spec.environment.at("TIDELOCK_STEP") == "health-check";
    if (check) ++checks;
    return ProcessScript{.duration = check ? 0s : 1s};
  });
  install(world, {{"healthCheck", {{"script", {{"body", "x"}}}, {"interval", "10s"}, {"timeout", "5s"}}}});
  world.run_for(5s);
  CHECK(health_of(world, "t1") == "healthy");
  REQUIRE(world.disk.replace_symlink("/srv/t1/current", "/opt/mine").has_value());
  world.run_for(10s);  // each check begins with a look
  const int before = checks;
  REQUIRE(drift(world));
  CHECK(health_of(world, "t1") == "unknown");
  world.run_for(1min);
  CHECK(checks == before);
  REQUIRE(world.disk.replace_symlink("/srv/t1/current", "releases/" + kFolder).has_value());
  world.run_for(10s);
  CHECK(!drift(world));
  CHECK(health_of(world, "t1") == "healthy");
}

TEST_CASE("few look at once, and all are looked at", "[agent][drift]") {
  AgentWorld world = make_world();
  const int pairs = 3 * static_cast<int>(limits::kInstalledLooksMax) + 1;
  for (int i = 0; i < pairs; ++i) world.task("t" + std::to_string(i), "[]");
  for (int i = 0; i < pairs; ++i) world.grant("t" + std::to_string(i), 0, 0);
  world.settle();
  world.kill_agent();
  for (int i = 0; i < pairs; ++i) {
    REQUIRE(world.disk.remove_all("/srv/t" + std::to_string(i) + "/current").has_value());
  }
  REQUIRE(world.start_agent());
  world.fetcher.most_disk_jobs = 0;
  world.settle();
  CHECK(world.fetcher.most_disk_jobs == limits::kInstalledLooksMax);
  for (int i = 0; i < pairs; ++i) CHECK(world.get("t" + std::to_string(i)).status.drift);
}
