// SPDX-License-Identifier: Apache-2.0
// Health checks: what the agent runs after a task succeeded, and what it reports.
#include <catch2/catch.hpp>

#include "controller/agent/health_verdict.h"
#include "controller/base/digest.h"
#include "controller/base/limits.h"
#include "tests/unit/agent/agent_world.h"

using namespace tidelock;
using namespace tidelock::testing;
using namespace std::chrono_literals;
using agent::HealthVerdict;
using api::TaskPhase;

namespace {

const std::string kOne = R"([{"name":"a","script":{"body":"do a"}}])";

bool is_check(const ProcessSpec& spec) {
  return spec.environment.at("TIDELOCK_STEP") == "health-check";
}

nlohmann::json by_script(const std::string& body = "check", int threshold = 3) {
  return {{"healthCheck", {{"script", {{"body", body}}}, {"interval", "10s"}, {"timeout", "5s"},
                           {"failureThreshold", threshold}}}};
}

// Steps take a second; checks end at once with this exit code.
struct Checks {
  int exit_code = 0;
  std::string says = {};
  Duration duration{0};
  int runs = 0;

  FakeProcessRunner::Decide decide() {
    return [this](const ProcessSpec& spec) {
      if (!is_check(spec)) return ProcessScript{.duration = 1s};
      ++runs;
      ProcessScript script{.duration = duration, .exit_code = exit_code};
      if (!says.empty()) script.output = {{0s, says}};
      return script;
    };
  }
};

void install(AgentWorld& world, const std::string& name, const nlohmann::json& more) {
  world.task(name, kOne, more);
  if (world.finish(name).status.phase != TaskPhase::Succeeded) throw std::runtime_error(name);
}

// The last one that was started as a health check.
const ProcessInterval& last_check(const AgentWorld& world) {
  const auto& all = world.processes.intervals();
  const auto found = std::find_if(all.rbegin(), all.rend(), [](const auto& one) { return is_check(one.spec); });
  if (found == all.rend()) throw std::runtime_error("no check ran");
  return *found;
}

}  // namespace

TEST_CASE("a verdict changes with the first success and the last of so many failures", "[agent][health]") {
  HealthVerdict verdict(3, std::nullopt);
  CHECK(!verdict.failed("one", kEpoch + 1s));
  CHECK(!verdict.failed("two", kEpoch + 2s));
  CHECK(!verdict.report());
  CHECK(verdict.succeeded(kEpoch + 3s));
  CHECK(verdict.report() == api::HealthReport{true, kEpoch + 3s, ""});
  CHECK(!verdict.succeeded(kEpoch + 4s));
  CHECK(!verdict.failed("one", kEpoch + 5s));
  CHECK(!verdict.failed("two", kEpoch + 6s));
  CHECK(!verdict.succeeded(kEpoch + 7s));  // the row of failures is broken
  CHECK(verdict.report()->since == kEpoch + 3s);
  CHECK(!verdict.failed("one", kEpoch + 8s));
  CHECK(!verdict.failed("two", kEpoch + 9s));
  CHECK(verdict.failed("three", kEpoch + 10s));
  CHECK(verdict.report() == api::HealthReport{false, kEpoch + 10s, "three"});
  CHECK(!verdict.failed("four", kEpoch + 11s));
  CHECK(verdict.report()->message == "three");
  CHECK(verdict.succeeded(kEpoch + 12s));
  CHECK(verdict.report() == api::HealthReport{true, kEpoch + 12s, ""});
  CHECK(verdict.forget());
  CHECK(!verdict.report());
  CHECK(!verdict.forget());
}

TEST_CASE("after a success the check runs every interval and its first success makes healthy", "[agent][health]") {
  Checks checks;
  AgentWorld world(checks.decide());
  install(world, "t1", by_script());
  world.run_for(1ms);
  const auto task = world.get("t1");
  REQUIRE(task.status.health);
  CHECK(task.status.health->healthy);
  CHECK(task.status.health->since == last_check(world).ended);
  CHECK(task.status.health->message.empty());
  CHECK(task.status.phase == TaskPhase::Succeeded);
  CHECK(checks.runs == 1);
  world.run_for(30s);
  CHECK(checks.runs == 4);
}

TEST_CASE("a task without a health check reports none", "[agent][health]") {
  Checks checks;
  AgentWorld world(checks.decide());
  install(world, "t1", nlohmann::json::object());
  world.run_for(10min);
  CHECK(health_of(world, "t1") == "unknown");
  CHECK(checks.runs == 0);
}

TEST_CASE("so many failures in a row make unhealthy, one success makes healthy again", "[agent][health]") {
  Checks checks;
  AgentWorld world(checks.decide());
  install(world, "t1", by_script());
  world.run_for(5s);
  const auto healthy = world.get("t1").status.health;
  checks.exit_code = 7;
  checks.says = "starting\nno database\n";
  world.run_for(20s);  // two failures
  CHECK(world.get("t1").status.health == healthy);
  world.run_for(10s);
  const auto broken = world.get("t1").status.health;
  REQUIRE(broken);
  CHECK(!broken->healthy);
  CHECK(broken->message == "exit code 7: no database");
  CHECK(broken->since > healthy->since);
  world.run_for(60s);
  CHECK(world.get("t1").status.health == broken);
  checks.exit_code = 0;
  world.run_for(10s);
  CHECK(health_of(world, "t1") == "healthy");
}

TEST_CASE("the status is written when health changes and not at every check", "[agent][health]") {
  Checks checks;
  AgentWorld world(checks.decide());
  install(world, "t1", by_script());
  world.run_for(5s);
  const std::string version = world.get("t1").metadata.resource_version;
  world.run_for(1h);
  CHECK(checks.runs > 300);
  CHECK(world.get("t1").metadata.resource_version == version);
}

TEST_CASE("a check that never was healthy becomes unhealthy after its threshold", "[agent][health]") {
  Checks checks{.exit_code = 1};
  AgentWorld world(checks.decide());
  install(world, "t1", by_script("check", 2));
  world.run_for(5s);
  CHECK(health_of(world, "t1") == "unknown");
  world.run_for(10s);
  const auto health = world.get("t1").status.health;
  REQUIRE(health);
  CHECK(!health->healthy);
  CHECK(health->message == "exit code 1");
}

TEST_CASE("a script check sees what steps see, in a folder of its own", "[agent][health]") {
  Checks checks;
  AgentWorld world(checks.decide());
  nlohmann::json more = by_script("curl localhost");
  more["variables"] = {{{"name", "db.port-a"}, {"value", "9001"}}};
  install(world, "t1", more);
  world.settle();
  const ProcessSpec& spec = last_check(world).spec;
  CHECK(spec.argv == std::vector<std::string>{"sh", "-c", "curl localhost"});
  std::map<std::string, std::string> step = world.processes.intervals()[0].spec.environment;
  std::map<std::string, std::string> check = spec.environment;
  for (const char* own : {"TIDELOCK_STEP", "TIDELOCK_OUTPUT", "HOME"}) {
    CHECK(check.contains(own));
    step.erase(own);
    check.erase(own);
  }
  CHECK(check == step);
  CHECK(check.at("DB_PORT_A") == "9001");
  CHECK(check.at("TIDELOCK_INSTALL_DIR") == "/srv/t1/releases/1.0.0-0123456789ab");
  CHECK(spec.lock_file != world.processes.intervals()[0].spec.lock_file);
  CHECK(spec.working_directory.starts_with("/state/checks/"));
}

TEST_CASE("an http check fills in its template, and its status code is the message", "[agent][health]") {
  AgentWorld world([](const ProcessSpec&) { return ProcessScript{.duration = 1s}; });
  int status = 200;
  world.fetcher.http = [&](const agent::HttpJob& job) -> Result<std::string> {
    if (status == job.expect) return "HTTP 200";
    return fail(Reason::ServiceUnavailable, "GET " + job.url + ": got " + std::to_string(status) + ", want 200");
  };
  install(world, "t1", {{"variables", {{{"name", "port"}, {"value", "9001"}}}},
                        {"healthCheck", {{"http", {{"get", "http://localhost:${port}/${release.version}"}}},
                                         {"interval", "10s"}, {"timeout", "5s"}, {"failureThreshold", 2}}}});
  world.run_for(1s);
  REQUIRE(world.fetcher.http_jobs.size() == 1);
  CHECK(world.fetcher.http_jobs[0].url == "http://localhost:9001/1.0.0");
  CHECK(world.fetcher.http_jobs[0].timeout == 5s);
  CHECK(health_of(world, "t1") == "healthy");
  status = 503;
  world.run_for(20s);
  const auto health = world.get("t1").status.health;
  REQUIRE(health);
  CHECK(!health->healthy);
  CHECK(health->message == "GET http://localhost:9001/1.0.0: got 503, want 200");
}

TEST_CASE("a check is killed at its timeout with all its children, and that is a failure", "[agent][health]") {
  Checks checks{.duration = 1h};
  AgentWorld world(checks.decide());
  install(world, "t1", by_script("check", 1));
  world.run_for(4s);
  CHECK(world.processes.running() == 1);
  world.run_for(2s);
  CHECK(world.processes.running() == 0);
  CHECK(last_check(world).signal == SIGKILL);
  CHECK(last_check(world).ended - last_check(world).started == 5s);
  CHECK(health_of(world, "t1", true) == "no result after 5s");
}

TEST_CASE("an http check without an answer is a failure at its timeout", "[agent][health]") {
  AgentWorld world([](const ProcessSpec&) { return ProcessScript{.duration = 1s}; });
  world.fetcher.hold = true;
  install(world, "t1", {{"healthCheck", {{"http", {{"get", "http://localhost/"}}}, {"interval", "10s"},
                                         {"timeout", "5s"}, {"failureThreshold", 1}}}});
  world.run_for(6s);
  CHECK(health_of(world, "t1", true) == "no result after 5s");
}

TEST_CASE("a child that a check leaves behind does not outlive it", "[agent][health]") {
  AgentWorld world([](const ProcessSpec& spec) {
    return is_check(spec) ? ProcessScript{.lingers = 1h} : ProcessScript{.duration = 1s};
  });
  install(world, "t1", by_script());
  world.run_for(1s);
  CHECK(health_of(world, "t1") == "healthy");
  CHECK(world.processes.probe(last_check(world).spec.lock_file) == Liveness::Dead);
}

TEST_CASE("a check that cannot be ended is a failure and no second one runs beside it", "[agent][health]") {
  int runs = 0;
  AgentWorld world([&runs](const ProcessSpec& spec) {
    if (!is_check(spec)) return ProcessScript{.duration = 1s};
    ++runs;
    return ProcessScript{.duration = 1h, .ignores_sigterm = true, .outlives_kill = 1h};
  });
  install(world, "t1", by_script("check", 2));
  world.run_for(30s);
  CHECK(runs == 1);
  const auto health = world.get("t1").status.health;
  REQUIRE(health);
  CHECK(health->message == "an earlier run of the check cannot be ended");
}

TEST_CASE("no check runs while a newer task of the pair does, and then it is the newer one's", "[agent][health]") {
  Checks checks{.duration = 4s};
  AgentWorld world(checks.decide());
  nlohmann::json more = by_script();
  more["installation"] = "pair";
  more["installationUID"] = "inst-pair";
  more["installDirectory"] = "/srv/pair";
  install(world, "t1", more);
  world.run_for(6s);
  CHECK(health_of(world, "t1") == "healthy");
  more["attempt"] = 2;
  more["version"] = "2.0.0";
  more["digest"] = "sha256:" + std::string(64, '2');
  world.task("t2", R"([{"name":"a","script":{"body":"x"}},{"name":"b","script":{"body":"x"}}])", more);
  world.run_for(6s);  // a check of the old release runs: a task that waits changes nothing
  CHECK(world.processes.running() == 1);
  const int before = checks.runs;
  world.grant("t2", 0, 1);
  world.settle();
  CHECK(last_check(world).signal == SIGKILL);
  world.run_for(5min);
  CHECK(checks.runs == before);
  CHECK(health_of(world, "t2") == "unknown");  // the old release's report is not its own
  world.grant("t2", 1, 1);
  world.run_for(10s);
  CHECK(world.get("t2").status.phase == TaskPhase::Succeeded);
  CHECK(health_of(world, "t2") == "healthy");
  CHECK(last_check(world).spec.environment.at("TIDELOCK_RELEASE") == "2.0.0");
}

TEST_CASE("after a newer task that failed the release before it is checked again", "[agent][health]") {
  int code = 0;
  AgentWorld world([&code](const ProcessSpec& spec) {
    return ProcessScript{.duration = 1s, .exit_code = is_check(spec) ? 0 : code};
  });
  nlohmann::json more = by_script();
  more["installation"] = "pair";
  more["installationUID"] = "inst-pair";
  more["installDirectory"] = "/srv/pair";
  install(world, "t1", more);
  world.run_for(5s);
  more["attempt"] = 2;
  more["version"] = "2.0.0";
  more["digest"] = "sha256:" + std::string(64, '2');
  code = 1;
  world.task("t2", kOne, more);
  CHECK(world.finish("t2").status.phase == TaskPhase::Failed);
  world.run_for(2s);
  CHECK(last_check(world).spec.environment.at("TIDELOCK_RELEASE") == "1.0.0");
  CHECK(last_check(world).started >= *world.get("t2").status.finished_at);
  CHECK(health_of(world, "t2") == "unknown");
}

TEST_CASE("what was removed is not checked", "[agent][health]") {
  Checks checks;
  AgentWorld world(checks.decide());
  nlohmann::json more = by_script();
  more["installation"] = "pair";
  more["installDirectory"] = "/srv/pair";
  install(world, "t1", more);
  world.run_for(5s);
  const int before = checks.runs;
  CHECK(before > 0);
  world.task("t2", "[]", {{"action", "Remove"}, {"attempt", 2}, {"installation", "pair"},
                          {"installationUID", "inst-t1"}, {"installDirectory", "/srv/pair"}});
  CHECK(world.finish("t2").status.phase == TaskPhase::Succeeded);
  world.run_for(10min);
  CHECK(checks.runs == before);
  CHECK(health_of(world, "t2") == "unknown");
  CHECK(!world.get("t2").status.drift);
}

TEST_CASE("the checks end with the task object", "[agent][health]") {
  Checks checks{.duration = 4s};
  AgentWorld world(checks.decide());
  install(world, "t1", by_script());
  world.run_for(12s);
  CHECK(world.processes.running() == 1);
  world.api.remove(kBase + "/deploymenttasks/t1");
  world.settle();
  CHECK(world.processes.running() == 0);
  const int before = checks.runs;
  world.run_for(5min);
  CHECK(checks.runs == before);
  CHECK(world.disk.list("/state/checks")->empty());
}

TEST_CASE("after a restart of the agent checks go on from the task objects", "[agent][health]") {
  Checks checks;
  AgentWorld world(checks.decide());
  install(world, "t1", by_script());
  world.run_for(5s);
  const auto healthy = world.get("t1").status.health;
  world.kill_agent();
  checks.exit_code = 1;
  REQUIRE(world.start_agent());
  world.run_for(5s);
  CHECK(world.get("t1").status.health == healthy);
  world.run_for(20s);
  CHECK(health_of(world, "t1") == "unhealthy");
}

TEST_CASE("an agent that ends in good order takes its checks along", "[agent][health]") {
  Checks checks{.duration = 4s};
  AgentWorld world(checks.decide());
  install(world, "t1", by_script());
  world.run_for(2s);
  REQUIRE(world.processes.running() == 1);
  world.agent.reset();
  CHECK(world.processes.running() == 0);
}

TEST_CASE("an agent that starts kills the checks of the one before it", "[agent][health]") {
  Checks checks{.duration = 4s};
  AgentWorld world(checks.decide());
  install(world, "t1", by_script());
  world.run_for(2s);
  REQUIRE(world.processes.running() == 1);
  const std::string lock = last_check(world).spec.lock_file;
  world.kill_agent();
  CHECK(world.processes.probe(lock) == Liveness::Alive);
  checks.duration = 0s;
  REQUIRE(world.start_agent());
  world.run_for(1s);
  CHECK(world.processes.probe(lock) == Liveness::Dead);
  CHECK(health_of(world, "t1") == "healthy");
}

TEST_CASE("an agent that starts kills checks of tasks that are gone", "[agent][health]") {
  Checks checks{.duration = 4s};
  AgentWorld world(checks.decide());
  install(world, "t1", by_script());
  world.run_for(2s);
  const std::string lock = last_check(world).spec.lock_file;
  world.kill_agent();
  world.api.remove(kBase + "/deploymenttasks/t1");
  REQUIRE(world.start_agent());
  world.settle();
  CHECK(world.processes.probe(lock) == Liveness::Dead);
  CHECK(world.disk.list("/state/checks")->empty());
}

TEST_CASE("a report is written although somebody else wrote the task meanwhile", "[agent][health]") {
  AgentWorld world([](const ProcessSpec&) { return ProcessScript{.duration = 1s}; });
  int writes = 0;
  // Right before the agent's own write, so that it has not heard of it.
  world.fetcher.http = [&](const agent::HttpJob&) -> Result<std::string> {
    if (++writes <= 3) world.status("t1", {{"message", "note " + std::to_string(writes)}});
    return "HTTP 200";
  };
  install(world, "t1", {{"healthCheck", {{"http", {{"get", "http://localhost/"}}}}}});
  world.run_for(1s);
  const auto task = world.get("t1");
  REQUIRE(task.status.health);
  CHECK(task.status.health->healthy);
  CHECK(task.status.message == "note 1");
}

TEST_CASE("a report is never written to another task of the same name", "[agent][health]") {
  AgentWorld world([](const ProcessSpec&) { return ProcessScript{.duration = 1s}; });
  bool replaced = false;
  world.fetcher.http = [&](const agent::HttpJob&) -> Result<std::string> {
    if (!std::exchange(replaced, true)) {
      world.api.remove(kBase + "/deploymenttasks/t1");
      world.task("t1", kOne);
    }
    return "HTTP 200";
  };
  install(world, "t1", {{"healthCheck", {{"http", {{"get", "http://localhost/"}}}}}});
  world.run_for(1min);
  REQUIRE(replaced);
  CHECK(health_of(world, "t1") == "unknown");
}

TEST_CASE("at most so many checks run at once, and all have their turn", "[agent][health]") {
  Checks checks{.duration = 2s};
  AgentWorld world(checks.decide());
  world.fetcher.hold = false;
  const int pairs = static_cast<int>(limits::kHealthChecksMax) + 1;
  for (int i = 0; i < pairs; ++i) world.task("t" + std::to_string(i), "[]", by_script());
  for (int i = 0; i < pairs; ++i) world.grant("t" + std::to_string(i), 0, 0);
  world.settle();
  CHECK(world.processes.running() == limits::kHealthChecksMax);
  world.run_for(2s);
  CHECK(world.processes.running() == 1);
  world.run_for(2s);
  for (int i = 0; i < pairs; ++i) CHECK(health_of(world, "t" + std::to_string(i)) == "healthy");
  CHECK(checks.runs == pairs);
}

TEST_CASE("a message of a check has no secrets", "[agent][health]") {
  Checks checks{.exit_code = 1, .says = "login hunter2-long refused\n"};
  AgentWorld world(checks.decide());
  const auto made = world.api.post("/api/v1/namespaces/default/secrets",
                                   nlohmann::json{{"apiVersion", "v1"}, {"kind", "Secret"},
                                                  {"metadata", {{"name", "db"}}},
                                                  {"data", {{"password", base64_encode("hunter2-long")}}}}
                                       .dump());
  REQUIRE(made.status == 201);
  nlohmann::json more = by_script("check", 1);
  more["variables"] = {
      {{"name", "password"}, {"valueFrom", {{"secretKeyRef", {{"name", "db"}, {"key", "password"}}}}}}};
  install(world, "t1", more);
  world.run_for(1s);
  CHECK(last_check(world).spec.environment.at("PASSWORD") == "hunter2-long");
  CHECK(health_of(world, "t1", true) == "exit code 1: login *** refused");
  // A new value is read for the next check.
  world.api.merge("/api/v1/namespaces/default/secrets/db",
                  nlohmann::json{{"data", {{"password", base64_encode("swordfish-4711")}}}}.dump());
  world.run_for(10s);
  CHECK(last_check(world).spec.environment.at("PASSWORD") == "swordfish-4711");
}

TEST_CASE("a secret that is gone is a failure of the check, and its name the message", "[agent][health]") {
  Checks checks;
  AgentWorld world(checks.decide());
  world.api.post("/api/v1/namespaces/default/secrets",
                 R"({"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"password":"eA=="}})");
  nlohmann::json more = by_script("check", 1);
  more["variables"] = {
      {{"name", "password"}, {"valueFrom", {{"secretKeyRef", {{"name", "db"}, {"key", "password"}}}}}}};
  install(world, "t1", more);
  world.run_for(1s);
  CHECK(health_of(world, "t1") == "healthy");
  world.kill_agent();
  world.api.remove("/api/v1/namespaces/default/secrets/db");
  REQUIRE(world.start_agent());
  world.run_for(1s);
  const auto health = world.get("t1").status.health;
  REQUIRE(health);
  CHECK(!health->healthy);
  CHECK(health->message.find("variable password: ") == 0);
  CHECK(checks.runs == 1);
}
