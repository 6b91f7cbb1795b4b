// SPDX-License-Identifier: Apache-2.0
// The agent dies at any point, or the machine does: no step of an attempt runs twice, and `current`
// and the receipt always name a complete release.
#include <catch2/catch.hpp>
#include <set>

#include "controller/agent/journal.h"
#include "tests/unit/agent/agent_world.h"

using namespace tidelock;
using namespace tidelock::testing;
using namespace std::chrono_literals;
using api::StepPhase;
using api::TaskPhase;

namespace {

const std::string kSteps = R"([{"name":"fetch","package":{}},
                              {"name":"a","script":{"body":"x"}},
                              {"name":"b","script":{"body":"x"},"start":"WithPrevious"},
                              {"name":"c","script":{"body":"x"}}])";

FakeProcessRunner::Decide seconds(int duration) {
  return [duration](const ProcessSpec&) {
    return ProcessScript{.duration = std::chrono::seconds(duration)};
  };
}

nlohmann::json release(const std::string& version) {
  return {{"version", version},
          {"digest", "sha256:" + std::string(64, version[0])},
          {"installDirectory", "/srv/pair"},
          {"packages", {{{"step", "fetch"}, {"url", "file:///" + version}, {"sha256", std::string(64, 'a')}}}}};
}

void add_packages(AgentWorld& world) {
  for (const std::string version : {"1.0.0", "2.0.0"}) {
    world.fetcher.packages["file:///" + version] =
        FakeFetcher::Files{{"one", version}, {"deep/two", version}};
  }
}

// Names one complete release, or nothing at all.
void check_current(AgentWorld& world) {
  const std::string link = world.link("/srv/pair/current");
  if (!link.empty()) {
    const std::string version = link.substr(std::string("releases/").size(), 5);
    CHECK(world.file("/srv/pair/current/one") == version);
    CHECK(world.file("/srv/pair/current/deep/two") == version);
  }
  const auto receipt = nlohmann::json::parse(world.file("/srv/pair/receipt.json"), nullptr, false);
  if (receipt.is_discarded()) return;
  const std::string folder = "/srv/pair/releases/" + receipt["folder"].get<std::string>();
  CHECK(world.file(folder + "/deep/two") == receipt["version"]);
}

void check_nothing_ran_twice(const AgentWorld& world) {
  std::set<std::string> ran;
  for (const auto& interval : world.processes.intervals()) {
    const auto& environment = interval.spec.environment;
    const std::string run = environment.at("TIDELOCK_RELEASE") + " " + environment.at("TIDELOCK_STEP") +
                            " " + environment.at("TIDELOCK_STEP_ATTEMPT");
    INFO(run);
    CHECK(ran.insert(run).second);
  }
}

// One release installed, a second one on the way; the n-th disk operation of the second and all
// after it fail, the agent dies there. True when the operations were not reached any more.
bool die_at(std::uint64_t n, MemoryDisk::Fault fault, bool machine) {
  AgentWorld world(seconds(1));
  add_packages(world);
  world.task("t1", kSteps, release("1.0.0"));
  REQUIRE(world.finish("t1").status.phase == TaskPhase::Succeeded);
  world.task("t2", kSteps, release("2.0.0"));
  world.disk.fail_at(n, fault, true);
  const std::uint64_t before = world.disk.operations();
  const auto done = world.finish("t2", 8s);
  const bool reached = world.disk.operations() >= before + n;
  world.kill_agent();
  if (machine) {
    world.processes.machine_crashed();
    world.disk.crash();
  }
  world.disk.heal();
  check_current(world);
  REQUIRE(world.start_agent());
  const auto task = world.finish("t2", 1min);
  INFO("operation " << n << " machine " << machine << " phase " << to_string(task.status.phase) << " "
                    << task.status.message);
  CHECK(api::is_terminal(task.status.phase));
  check_current(world);
  check_nothing_ran_twice(world);
  if (task.status.phase == TaskPhase::Succeeded) {
    CHECK(world.link("/srv/pair/current").starts_with("releases/2.0.0"));
    CHECK(task.status.reported_version == "2.0.0");
  } else {
    CHECK(task.status.reported_version == (done.status.phase == TaskPhase::Succeeded ? "2.0.0" : "1.0.0"));
  }
  return !reached;
}

void die_everywhere(MemoryDisk::Fault fault, bool machine) {
  std::uint64_t n = 1;
  while (!die_at(n, fault, machine)) {
    REQUIRE(n < 1000);
    ++n;
  }
  CHECK(n > 15);  // it did reach the interesting ones
}

}  // namespace

TEST_CASE("an agent that dies at any disk operation repeats nothing", "[agent][crash]") {
  die_everywhere(MemoryDisk::Fault::Error, false);
}

TEST_CASE("a machine that dies at any disk operation leaves a complete release", "[agent][crash]") {
  die_everywhere(MemoryDisk::Fault::Error, true);
}

TEST_CASE("a record torn by the crash is no record", "[agent][crash]") {
  die_everywhere(MemoryDisk::Fault::Torn, true);
}

TEST_CASE("an agent that dies at any moment repeats nothing", "[agent][crash]") {
  for (int tenths = 0; tenths < 80; tenths += 3) {
    AgentWorld world(seconds(2));
    add_packages(world);
    world.task("t1", kSteps, release("1.0.0"));
    world.finish("t1", tenths * 100ms);
    world.kill_agent();
    if (tenths % 2 == 1) {
      world.processes.machine_crashed();
      world.disk.crash();
    }
    check_current(world);
    REQUIRE(world.start_agent());
    const auto task = world.finish("t1", 1min);
    INFO("after " << tenths << " tenths: " << task.status.message);
    CHECK(api::is_terminal(task.status.phase));
    check_nothing_ran_twice(world);
    check_current(world);
  }
}

TEST_CASE("a step whose process outlived the agent is adopted until it ends", "[agent][crash]") {
  AgentWorld world(seconds(60));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}},{"name":"b","script":{"body":"x"}}])");
  world.grant("t1", 0, 1);
  world.run_for(5s);
  world.kill_agent();
  REQUIRE(world.start_agent());
  world.run_for(30s);
  CHECK(world.get("t1").status.phase == TaskPhase::Running);
  world.run_for(30s);
  const auto task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Interrupted);
  CHECK(task.status.steps[0].phase == StepPhase::Interrupted);
  CHECK(world.processes.intervals().size() == 1);
}

TEST_CASE("an adopted step past its timeout is killed", "[agent][crash]") {
  AgentWorld world(seconds(3600));
  world.task("t1", R"([{"name":"a","timeout":"30s","script":{"body":"x"}}])");
  world.grant("t1", 0, 1);
  world.run_for(5s);
  world.kill_agent();
  REQUIRE(world.start_agent());
  world.run_for(30s);
  CHECK(world.get("t1").status.phase == TaskPhase::TimedOut);
  CHECK(world.processes.running() == 0);
}

TEST_CASE("steps that ran together count once against the task's time after a restart", "[agent][crash]") {
  AgentWorld world(seconds(20));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}},{"name":"b","script":{"body":"x"},"start":"WithPrevious"},
                       {"name":"c","script":{"body":"x"}},{"name":"d","script":{"body":"x"}}])",
             {{"timeout", "50s"}});
  world.grant("t1", 0, 2);
  world.run_for(25s);
  world.kill_agent();
  REQUIRE(world.start_agent());
  world.grant("t1", 2, 1);
  world.run_for(25s);
  CHECK(world.get("t1").status.steps[2].phase == StepPhase::Succeeded);
  world.grant("t1", 3, 1);  // 10 s are left
  world.run_for(15s);
  CHECK(world.get("t1").status.phase == TaskPhase::TimedOut);
  CHECK(world.processes.intervals().back().ended - world.processes.intervals().back().started == 10s);
}

TEST_CASE("a task past its time is TimedOut though the agent died before its process", "[agent][crash]") {
  AgentWorld world([](const ProcessSpec&) {
    return ProcessScript{.duration = 40s, .ignores_sigterm = true};
  });
  world.task("t1", R"([{"name":"a","script":{"body":"x"}}])", {{"timeout", "20s"}});
  world.grant("t1", 0, 1);
  world.run_for(22s);
  CHECK(world.get("t1").status.reason == "TaskTimeout");
  world.kill_agent();
  world.run_for(30s);
  REQUIRE(world.start_agent());
  world.run_for(1s);
  CHECK(world.get("t1").status.phase == TaskPhase::TimedOut);
}

TEST_CASE("a step that ended while the agent was dead is Interrupted", "[agent][crash]") {
  AgentWorld world(seconds(2));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}}])");
  world.grant("t1", 0, 1);
  world.settle();
  world.kill_agent();
  world.run_for(5s);
  REQUIRE(world.start_agent());
  world.run_for(1s);
  const auto task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Interrupted);
  CHECK(task.status.reason == "AgentRestarted");
}

TEST_CASE("a step of which nobody can tell is shown as Orphaned until it can be told", "[agent][crash]") {
  AgentWorld world(seconds(20));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}}])");
  world.grant("t1", 0, 1);
  world.run_for(2s);
  const std::string lock = world.processes.intervals()[0].spec.lock_file;
  world.processes.set_unprobeable(lock, true);
  world.kill_agent();
  REQUIRE(world.start_agent());
  world.run_for(10s);
  auto task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Orphaned);
  CHECK(task.status.reason == "LivenessUnknown");
  CHECK(task.status.message.find("step a started at") == 0);
  world.processes.set_unprobeable(lock, false);
  world.run_for(3s);
  task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Running);
  CHECK(task.status.reason.empty());
  world.run_for(20s);
  CHECK(world.get("t1").status.phase == TaskPhase::Interrupted);
}

TEST_CASE("a result that could not be reported is reported after the crash", "[agent][crash]") {
  AgentWorld world(seconds(1));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}},{"name":"b","script":{"body":"x"}}])");
  world.grant("t1", 0, 1);
  world.settle();
  world.processes.advance_to(world.now() + 1s);
  world.api.clock().advance(1s);
  // Dies right after the journal has the result: the next operation is never done.
  world.agent->step(world.now());
  world.kill_agent();
  world.status("t1", {{"steps", nullptr}});  // as if the write had never arrived
  REQUIRE(world.start_agent());
  world.settle();
  const auto task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Running);
  REQUIRE(task.status.steps.size() == 2);
  CHECK(task.status.steps[0].phase == StepPhase::Succeeded);
}

TEST_CASE("between two steps a task holds no step lock, also after a crash", "[agent][crash]") {
  AgentWorld world(seconds(1));
  const nlohmann::json lock{{"stepLocks", {{{"instance", "global/central"}}}}};
  world.task("t1", R"([{"name":"a","script":{"body":"x"}},{"name":"b","script":{"body":"x"}}])");
  world.task("t2", R"([{"name":"a","script":{"body":"x"}}])");
  world.grant("t1", 0, 1, 1, lock);
  world.run_for(5s);
  REQUIRE(world.get("t1").status.steps[0].phase == StepPhase::Succeeded);
  world.kill_agent();
  REQUIRE(world.start_agent());
  world.settle();
  world.grant("t2", 0, 1, 1, lock);
  world.run_for(5s);
  CHECK(world.get("t2").status.phase == TaskPhase::Succeeded);
}

TEST_CASE("without a journal a step that the API shows as running is Interrupted, not run again", "[agent][crash]") {
  AgentWorld world(seconds(3600));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}}])");
  world.grant("t1", 0, 1);
  world.run_for(2s);
  world.kill_agent();
  REQUIRE(world.disk.remove_all("/state/journal").has_value());
  REQUIRE(world.start_agent());
  world.run_for(2s);
  CHECK(world.get("t1").status.phase == TaskPhase::Interrupted);
  CHECK(world.processes.intervals().size() == 1);
}

TEST_CASE("a full disk lets no step start, and all go on when there is room", "[agent][crash]") {
  AgentWorld world(seconds(1));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}}])");
  world.settle();
  world.disk.set_quota(world.disk.bytes_used());
  world.grant("t1", 0, 1);
  world.run_for(5s);
  CHECK(world.processes.intervals().empty());
  world.disk.set_quota(UINT64_MAX);
  world.run_for(5s);
  CHECK(world.get("t1").status.phase == TaskPhase::Succeeded);
}

TEST_CASE("the journal forgets what is damaged and keeps the rest", "[agent][journal]") {
  MemoryDisk disk;
  auto journal = agent::Journal::open(disk, "/journal");
  REQUIRE(journal.has_value());
  journal->add_start({"u1", "default", "t1", 1, 7, "1.0.0-abc", 0, 1, "/lock", kEpoch});
  REQUIRE(journal->commit().has_value());
  journal->add_start({"u2", "default", "t2", 1, 9, "", 2, 3, "/lock2", kEpoch});
  api::StepStatus done;
  done.name = "a";
  done.phase = StepPhase::Failed;
  done.attempt = 3;
  done.message = "boom";
  journal->add_result("u2", 2, done);
  REQUIRE(journal->commit().has_value());
  const std::string bytes = *disk.read_file("/journal", 1 << 20);
  REQUIRE(disk.write_file("/journal", "damaged line\n" + bytes + bytes.substr(0, 40), 0600).has_value());
  const auto again = agent::Journal::open(disk, "/journal");
  REQUIRE(again.has_value());
  REQUIRE(again->find("u1") != nullptr);
  CHECK(again->find("u1")->fence == 7);
  CHECK(again->find("u1")->release_folder == "1.0.0-abc");
  CHECK(!again->find("u1")->steps.at(0).result);
  REQUIRE(again->find("u2")->steps.at(2).result);
  CHECK(again->find("u2")->steps.at(2).result->message == "boom");
  CHECK(again->find("u2")->steps.at(2).attempt == 3);
}

TEST_CASE("the journal is rewritten without what is forgotten", "[agent][journal]") {
  MemoryDisk disk;
  auto journal = agent::Journal::open(disk, "/journal");
  for (int i = 0; i < 40'000; ++i) {
    const std::string uid = "uid-" + std::to_string(i);
    journal->add_start({uid, "default", "t", 1, i, "1.0.0-abc", 0, 1, "/lock", kEpoch});
    if (i % 100 == 0) REQUIRE(journal->commit().has_value());
    if (i > 0) journal->forget("uid-" + std::to_string(i - 1));
  }
  REQUIRE(journal->commit().has_value());
  CHECK(disk.stat("/journal")->size < limits::kJournalRewriteBytes);
  CHECK(agent::Journal::open(disk, "/journal")->find("uid-39999") != nullptr);
}
