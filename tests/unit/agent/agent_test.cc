// SPDX-License-Identifier: Apache-2.0
// What one agent does with tasks and grants.
#include <catch2/catch.hpp>

#include "tests/unit/agent/agent_world.h"

using namespace tidelock;
using namespace tidelock::testing;
using namespace std::chrono_literals;
using api::StepPhase;
using api::TaskPhase;

namespace {

const std::string kTwo = R"([{"name":"a","script":{"body":"do a"}},{"name":"b","script":{"body":"do b"}}])";
const std::string kOne = R"([{"name":"a","script":{"body":"do a"}}])";

// Exit code by step name; everything takes a second.
FakeProcessRunner::Decide exits(std::map<std::string, int> codes) {
  return [codes](const ProcessSpec& spec) {
    const auto found = codes.find(spec.environment.at("TIDELOCK_STEP"));
    ProcessScript script;
    script.duration = 1s;
    script.exit_code = found == codes.end() ? 0 : found->second;
    return script;
  };
}


}  // namespace

TEST_CASE("a target of the local executor becomes Ready, one with an agent does not", "[agent]") {
  AgentWorld world;
  world.api.post(kBase + "/targets",
                 R"({"apiVersion":"tidelock.dev/v1alpha1","kind":"Target","metadata":{"name":"far"},
                     "spec":{"environments":["production"],"executor":"Agent"}})");
  world.settle();
  const auto target = world.api.get(kBase + "/targets/web-01").json();
  CHECK(target["status"]["conditions"][0]["type"] == "Ready");
  CHECK(target["status"]["conditions"][0]["status"] == "True");
  CHECK(target["status"]["conditions"][0]["reason"] == "AgentReady");
  CHECK(target["status"]["agentInstance"] == "instance-1");
  CHECK(!world.api.get(kBase + "/targets/far").json().contains("status"));
}

TEST_CASE("a target that somebody made not ready is made ready again", "[agent]") {
  AgentWorld world;
  world.settle();
  world.api.merge(kBase + "/targets/web-01/status",
                  R"({"status":{"conditions":[{"type":"Ready","status":"False"}]}})");
  world.settle();
  const auto target = world.api.get(kBase + "/targets/web-01").json();
  CHECK(target["status"]["conditions"][0]["status"] == "True");
}

TEST_CASE("an agent whose target is gone rests, and serves it again when it is back", "[agent]") {
  AgentWorld world;
  const std::string target =
      R"({"apiVersion":"tidelock.dev/v1alpha1","kind":"Target","metadata":{"name":"web-02"},
          "spec":{"environments":["production"],"executor":"Agent","installRoot":"/srv"}})";
  world.api.post(kBase + "/targets", target);
  world.kill_agent();
  world.agent_options.target = "web-02";
  world.agent_options.ns = "default";
  REQUIRE(world.start_agent());
  world.run_for(std::chrono::seconds(1));
  world.api.remove(kBase + "/targets/web-02");
  world.run_for(std::chrono::seconds(60));  // fails if it asks to be called again without end
  world.api.post(kBase + "/targets", target);
  world.run_for(std::chrono::seconds(1));
  const auto json = world.api.get(kBase + "/targets/web-02").json();
  CHECK(json["status"]["conditions"][0]["status"] == "True");
}

TEST_CASE("a task runs its steps one by one as they are granted and ends Succeeded", "[agent]") {
  AgentWorld world(exits({}));
  world.task("t1", kTwo);
  world.grant("t1", 0, 1);
  world.run_for(5s);
  auto task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Running);
  REQUIRE(task.status.steps.size() == 2);
  CHECK(task.status.steps[0].phase == StepPhase::Succeeded);
  CHECK(task.status.steps[0].exit_code == 0);
  CHECK(task.status.steps[1].phase == StepPhase::Pending);
  CHECK(world.processes.intervals().size() == 1);

  world.grant("t1", 1, 1);
  world.run_for(5s);
  task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Succeeded);
  CHECK(task.status.reported_version == "1.0.0");
  CHECK(task.status.reported_digest == "sha256:0123456789abcdef0123456789abcdef");
  CHECK(*task.status.finished_at - *task.status.started_at >= 6s);
  CHECK(world.link("/srv/t1/current") == "releases/1.0.0-0123456789ab");
}

TEST_CASE("a pending task is left alone", "[agent]") {
  AgentWorld world(exits({}));
  world.task("t1", kOne);
  world.run_for(5s);
  CHECK(world.processes.intervals().empty());
  CHECK(world.get("t1").status.steps.empty());
}

TEST_CASE("a grant that parks starts nothing", "[agent]") {
  AgentWorld world(exits({}));
  world.task("t1", kOne);
  world.grant("t1", 0, 0);
  world.run_for(5s);
  CHECK(world.processes.intervals().empty());
}

TEST_CASE("a task of another target is not ours", "[agent]") {
  AgentWorld world(exits({}));
  world.task("t1", kOne, {{"target", "far"}});
  world.grant("t1", 0, 1);
  world.run_for(5s);
  CHECK(world.processes.intervals().empty());
}

TEST_CASE("a task that is granted before its target is there starts when it comes", "[agent]") {
  AgentWorld world(exits({}));
  world.task("t1", kOne, {{"target", "late"}});
  world.grant("t1", 0, 1);
  world.run_for(5s);
  world.api.post(kBase + "/targets",
                 R"({"apiVersion":"tidelock.dev/v1alpha1","kind":"Target","metadata":{"name":"late"},
                     "spec":{"environments":["production"],"executor":"Local"}})");
  world.run_for(5s);
  CHECK(world.get("t1").status.phase == TaskPhase::Succeeded);
}

TEST_CASE("a lower fence than one of the same task is refused", "[agent]") {
  AgentWorld world(exits({}));
  world.task("t1", kTwo);
  world.grant("t1", 0, 1);
  world.run_for(5s);
  world.grant("t1", 1, 1, 1, {{"fence", 5}});
  world.run_for(5s);
  CHECK(world.processes.intervals().size() == 1);
}

TEST_CASE("a lower fence than another task's on an exclusive lock is refused", "[agent]") {
  AgentWorld world(exits({}));
  const nlohmann::json lock{{"stepLocks", {{{"instance", "target/web-01/central"}}}}};
  world.task("t1", kOne);
  world.task("t2", kOne);
  world.grant("t1", 0, 1, 1, lock);
  world.settle();
  nlohmann::json stale = lock;
  stale["fence"] = 5;
  world.grant("t2", 0, 1, 1, stale);
  world.run_for(500ms);
  CHECK(world.processes.intervals().size() == 1);
}

TEST_CASE("a script sees its variables and what Tidelock tells it", "[agent]") {
  AgentWorld world(exits({}));
  world.task("t1", kOne, {{"variables", {{{"name", "db.port-a"}, {"value", "9001"}},
                                         {{"name", "path"}, {"value", "/shop"}}}}});
  world.grant("t1", 0, 1);
  world.settle();
  REQUIRE(world.processes.intervals().size() == 1);
  const ProcessSpec& spec = world.processes.intervals()[0].spec;
  const auto& environment = spec.environment;
  CHECK(spec.argv == std::vector<std::string>{"sh", "-c", "do a"});
  CHECK(environment.at("DB_PORT_A") == "9001");
  CHECK(environment.at("TIDELOCK_PROJECT") == "shop");
  CHECK(environment.at("TIDELOCK_RELEASE") == "1.0.0");
  CHECK(environment.at("TIDELOCK_ENVIRONMENT") == "production");
  CHECK(environment.at("TIDELOCK_TENANT") == "acme");
  CHECK(environment.at("TIDELOCK_TARGET") == "web-01");
  CHECK(environment.at("TIDELOCK_STEP") == "a");
  CHECK(environment.at("TIDELOCK_ATTEMPT") == "1");
  CHECK(environment.at("TIDELOCK_FENCE") == "1000000001");
  CHECK(environment.at("TIDELOCK_INSTALL_DIR") == "/srv/t1/releases/1.0.0-0123456789ab");
  CHECK(environment.at("HOME") == spec.working_directory);
  CHECK(environment.at("PATH").find("/usr/bin") != std::string::npos);  // a variable cannot break it
  CHECK(world.disk.stat(spec.working_directory).has_value());
  CHECK(world.disk.stat("/srv/t1/releases/1.0.0-0123456789ab").has_value());
}

TEST_CASE("a script too long for an argument goes through a file", "[agent]") {
  AgentWorld world(exits({}));
  const std::string body(100'000, '#');
  world.task("t1", nlohmann::json{{{"name", "a"}, {"script", {{"body", body}, {"shell", "bash"}}}}}.dump());
  world.grant("t1", 0, 1);
  world.settle();
  REQUIRE(world.processes.intervals().size() == 1);
  const auto& argv = world.processes.intervals()[0].spec.argv;
  REQUIRE(argv.size() == 2);
  CHECK(argv[0] == "bash");
  CHECK(world.file(argv[1]) == body);
}

TEST_CASE("a failed step fails the task; its message is the last line of its output", "[agent]") {
  AgentWorld world([](const ProcessSpec&) {
    return ProcessScript{.duration = 1s, .exit_code = 3, .output = {{0s, "one\nboom\n\n"}}};
  });
  world.task("t1", kTwo);
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Failed);
  CHECK(task.status.reason == "StepFailed");
  CHECK(task.status.message == "step a: exit code 3: boom");
  CHECK(task.status.steps[0].exit_code == 3);
  CHECK(task.status.steps[1].phase == StepPhase::Skipped);
  CHECK(task.status.reported_version.empty());
  CHECK(world.link("/srv/t1/current").empty());
}

TEST_CASE("steps for failures run after one, also those for always; others are skipped", "[agent]") {
  AgentWorld world(exits({{"a", 1}}));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}},
                       {"name":"b","script":{"body":"x"}},
                       {"name":"undo","when":"Failure","script":{"body":"x"}},
                       {"name":"tidy","when":"Always","script":{"body":"x"}}])");
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Failed);
  CHECK(task.status.steps[1].phase == StepPhase::Skipped);
  CHECK(task.status.steps[2].phase == StepPhase::Succeeded);
  CHECK(task.status.steps[3].phase == StepPhase::Succeeded);
}

TEST_CASE("a step for failures is skipped only once nothing before it can fail", "[agent]") {
  AgentWorld world(exits({{"b", 1}}));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}},
                       {"name":"b","script":{"body":"x"}},
                       {"name":"undo","when":"Failure","script":{"body":"x"}}])");
  const auto task = world.finish("t1");
  CHECK(task.status.steps[2].phase == StepPhase::Succeeded);
}

TEST_CASE("outputs of a step decide about later ones and are in the status", "[agent]") {
  AgentWorld* here = nullptr;
  AgentWorld world([&here](const ProcessSpec& spec) {
    ProcessScript script{.duration = 1s};
    if (spec.environment.at("TIDELOCK_STEP") == "a") {
      script.effect = [&here, file = spec.environment.at("TIDELOCK_OUTPUT")] {
        here->disk.write_unsynced(file, "changed=no\nurl=http://x\n");
      };
    }
    return script;
  });
  here = &world;
  world.task("t1", R"([{"name":"a","script":{"body":"x"}},
                       {"name":"b","when":"steps.a.outputs.changed == \"yes\"","script":{"body":"x"}},
                       {"name":"c","http":{"get":"${steps.a.outputs.url}/${release.version}"}}])");
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Succeeded);
  CHECK(task.status.steps[0].outputs.at("url") == "http://x");
  CHECK(task.status.steps[1].phase == StepPhase::Skipped);
  REQUIRE(world.fetcher.http_jobs.size() == 1);
  CHECK(world.fetcher.http_jobs[0].url == "http://x/1.0.0");
}

TEST_CASE("a bad line in the output file fails the step and names the line", "[agent]") {
  AgentWorld* here = nullptr;
  AgentWorld world([&here](const ProcessSpec& spec) {
    ProcessScript script{.duration = 1s};
    script.effect = [&here, file = spec.environment.at("TIDELOCK_OUTPUT")] {
      here->disk.write_unsynced(file, "good=1\nnonsense\n");
    };
    return script;
  });
  here = &world;
  world.task("t1", kOne);
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Failed);
  CHECK(task.status.steps[0].message == "TIDELOCK_OUTPUT line 2: want name=value");
}

TEST_CASE("a step that fails is tried again after its backoff, as often as allowed", "[agent]") {
  int runs = 0;
  AgentWorld world([&runs](const ProcessSpec&) {
    return ProcessScript{.duration = 1s, .exit_code = ++runs < 3 ? 1 : 0};
  });
  world.task("t1", R"([{"name":"a","script":{"body":"x"},"retry":{"limit":2,"backoff":"5s"}}])");
  world.grant("t1", 0, 1);
  world.run_for(2s);
  auto task = world.get("t1");
  CHECK(task.status.steps[0].phase == StepPhase::Pending);
  CHECK(task.status.steps[0].attempt == 1);
  REQUIRE(task.status.steps[0].retry_at);
  CHECK(*task.status.steps[0].retry_at == *task.status.steps[0].finished_at + 5s);
  task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Succeeded);
  CHECK(task.status.steps[0].attempt == 3);
  CHECK(runs == 3);
}

TEST_CASE("steps of a group run together and are reported together", "[agent]") {
  AgentWorld world(exits({{"b", 1}}));
  world.task("t1", R"([{"name":"a","script":{"body":"x"}},
                       {"name":"b","start":"WithPrevious","script":{"body":"x"}},
                       {"name":"c","script":{"body":"x"}}])");
  world.grant("t1", 0, 2);
  world.settle();
  CHECK(world.processes.running() == 2);
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Failed);
  CHECK(task.status.steps[0].phase == StepPhase::Succeeded);
  CHECK(task.status.steps[1].phase == StepPhase::Failed);
  CHECK(task.status.steps[2].phase == StepPhase::Skipped);
}

TEST_CASE("a step past its timeout gets SIGTERM, then SIGKILL, and is TimedOut", "[agent]") {
  AgentWorld world([](const ProcessSpec&) {
    return ProcessScript{.duration = 1h, .ignores_sigterm = true};
  });
  world.task("t1", R"([{"name":"a","timeout":"10s","script":{"body":"x"}}])");
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::TimedOut);
  CHECK(task.status.reason == "StepTimeout");
  CHECK(task.status.steps[0].phase == StepPhase::TimedOut);
  const auto& process = world.processes.intervals()[0];
  CHECK(process.ended - process.started == 15s);  // the grace is 5 s
  CHECK(process.signal == SIGKILL);
}

TEST_CASE("a task past its execution time is TimedOut, time between its steps not counted", "[agent]") {
  AgentWorld world([](const ProcessSpec&) { return ProcessScript{.duration = 20s}; });
  world.task("t1", kTwo, {{"timeout", "30s"}});
  world.grant("t1", 0, 1);
  world.run_for(5min);
  world.grant("t1", 1, 1);
  world.run_for(15s);
  const auto task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::TimedOut);
  CHECK(task.status.reason == "TaskTimeout");
  CHECK(world.processes.intervals()[1].ended - world.processes.intervals()[1].started == 10s);
}

TEST_CASE("a task whose time is up says so while its process lives, and is TimedOut when it is dead", "[agent]") {
  AgentWorld world([](const ProcessSpec&) {
    return ProcessScript{.duration = 1h, .ignores_sigterm = true};
  });
  world.task("t1", kTwo, {{"timeout", "20s"}});
  world.grant("t1", 0, 1);
  world.run_for(20500ms);
  auto task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Running);
  CHECK(task.status.reason.empty());  // most processes end within the second
  world.run_for(500ms);
  task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Running);
  CHECK(task.status.reason == "TaskTimeout");
  CHECK(task.status.message == "its time of 20s is up, but its processes are not proven dead yet; its locks are kept");
  CHECK(!task.status.finished_at);
  world.run_for(4s);  // SIGKILL comes 5 s after SIGTERM
  task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::TimedOut);
  CHECK(task.status.reason == "TaskTimeout");
  CHECK(task.status.message == "still running after 20s");
  const auto& process = world.processes.intervals()[0];
  CHECK(process.ended - process.started == 25s);
  CHECK(process.signal == SIGKILL);
}

TEST_CASE("a child that holds the liveness file keeps a timed out task and its locks", "[agent]") {
  AgentWorld world([](const ProcessSpec& spec) {
    const bool first = spec.environment.at("TIDELOCK_ATTEMPT") == "1";
    return first ? ProcessScript{.duration = 1h, .lingers = 1h, .outlives_kill = 60s}
                 : ProcessScript{.duration = 1s};
  });
  const nlohmann::json lock{{"stepLocks", {{{"instance", "target/web-01/central"}}}}};
  world.task("t1", kOne, {{"timeout", "20s"}});
  world.grant("t1", 0, 1, 1, lock);
  world.run_for(22s);  // SIGTERM ended the process itself
  auto task = world.get("t1");
  CHECK(world.processes.running() == 0);
  CHECK(task.status.phase == TaskPhase::Running);
  CHECK(task.status.reason == "TaskTimeout");
  world.task("t2", kOne, {{"attempt", 2}});
  world.grant("t2", 0, 1, 1, lock);
  world.run_for(20s);
  task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Orphaned);
  CHECK(task.status.reason == "TaskTimeout");
  CHECK(task.status.message.find("step a started at") == 0);
  CHECK(world.processes.intervals().size() == 1);  // the lock is not free for t2
  world.run_for(45s);
  CHECK(world.get("t1").status.phase == TaskPhase::TimedOut);
  CHECK(world.get("t2").status.phase == TaskPhase::Succeeded);
}

TEST_CASE("a process that even SIGKILL does not end makes its task Orphaned", "[agent]") {
  AgentWorld world([](const ProcessSpec&) {
    return ProcessScript{.duration = 1h, .ignores_sigterm = true, .outlives_kill = 60s};
  });
  world.task("t1", kOne, {{"timeout", "20s"}});
  world.grant("t1", 0, 1);
  world.run_for(36s);
  auto task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Orphaned);
  CHECK(task.status.reason == "TaskTimeout");
  world.run_for(50s);
  task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::TimedOut);
  CHECK(task.status.message == "still running after 20s");
}

TEST_CASE("cancel at the step boundary lets the step end and starts no other", "[agent]") {
  AgentWorld world(exits({}));
  world.task("t1", kTwo);
  world.grant("t1", 0, 1);
  world.settle();
  world.patch_spec("t1", {{"cancel", {{"mode", "StepBoundary"}, {"reason", "Superseded"}}}});
  const auto task = world.finish("t1");
  CHECK(task.status.phase == TaskPhase::Cancelled);
  CHECK(task.status.reason == "Superseded");
  CHECK(task.status.steps[0].phase == StepPhase::Succeeded);
  CHECK(task.status.steps[1].phase == StepPhase::Cancelled);
  CHECK(world.link("/srv/t1/current").empty());
}

TEST_CASE("cancel now kills the step and what it left behind", "[agent]") {
  AgentWorld world([](const ProcessSpec&) {
    return ProcessScript{.duration = 1h, .lingers = 1h};
  });
  world.task("t1", kTwo);
  world.grant("t1", 0, 1);
  world.run_for(5s);
  world.patch_spec("t1", {{"cancel", {{"mode", "Now"}, {"reason", "RolloutCancelled"}}}});
  world.run_for(1s);
  const auto task = world.get("t1");
  CHECK(task.status.phase == TaskPhase::Cancelled);
  CHECK(task.status.steps[0].phase == StepPhase::Cancelled);
  CHECK(world.processes.probe(world.processes.intervals()[0].spec.lock_file) == Liveness::Dead);
}

TEST_CASE("a parked task that is cancelled ends without running", "[agent]") {
  AgentWorld world(exits({}));
  world.task("t1", kOne);
  world.grant("t1", 0, 0);
  world.settle();
  world.patch_spec("t1", {{"cancel", {{"mode", "StepBoundary"}, {"reason", "Superseded"}}}});
  world.settle();
  CHECK(world.get("t1").status.phase == TaskPhase::Cancelled);
  CHECK(world.processes.intervals().empty());
}

TEST_CASE("a task that is deleted has its processes killed", "[agent]") {
  AgentWorld world([](const ProcessSpec&) { return ProcessScript{.duration = 1h}; });
  world.task("t1", kOne);
  world.grant("t1", 0, 1);
  world.run_for(2s);
  world.api.remove(kBase + "/deploymenttasks/t1");
  world.run_for(1s);
  CHECK(world.processes.running() == 0);
  CHECK(!world.disk.stat(world.processes.intervals()[0].spec.working_directory));
}

TEST_CASE("a step that cannot be started fails with the reason", "[agent]") {
  AgentWorld world([](const ProcessSpec&) {
    return ProcessScript{.start = fail(Reason::NotFound, "bash: No such file or directory")};
  });
  world.task("t1", kOne);
  CHECK(world.finish("t1").status.steps[0].message == "bash: No such file or directory");
}
