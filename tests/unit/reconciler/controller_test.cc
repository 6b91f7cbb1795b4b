// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/controller.h"

#include <catch2/catch.hpp>

#include "tests/support/effort.h"
#include "tests/support/memory_api.h"
#include "tests/unit/reconciler/faulty_transport.h"
#include "tests/unit/reconciler/world.h"

using namespace tidelock;
using testing::FaultyTransport;
using testing::kEpoch;
using testing::MemoryApi;
using testing::World;
using Json = nlohmann::json;

namespace {

const std::string kBase = "/apis/tidelock.dev/v1alpha1/namespaces/default/";

struct Fixture {
  MemoryApi server;
  FaultyTransport faulty{server, 5};
  World world{faulty, server, [this] { return static_cast<long>(server.version()); }};

  int succeeded() {
    int count = 0;
    for (const auto& task : world.all<api::DeploymentTask>()) {
      if (task.status.phase == api::TaskPhase::Succeeded) ++count;
    }
    return count;
  }
  int writes(const std::string& start) {
    return static_cast<int>(std::count_if(server.seen.begin(), server.seen.end(),
                                          [&](const auto& line) { return line.starts_with(start); }));
  }
  // Steps of one task never overlap, and each ran once.
  void check_runs(int tasks, int steps) {
    std::map<std::pair<std::string, int>, int> count;
    for (const auto& run : world.agent.runs) ++count[{run.task, run.step}];
    CHECK(count.size() == static_cast<std::size_t>(tasks * steps));
    for (const auto& [step, runs] : count) CHECK(runs == 1);
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the seed's case runs all at once but for the locked step",
                 "[reconciler][controller]") {
  world.seed({});
  world.run_until(400);
  CHECK(world.ready());
  check_runs(10, 6);
  CHECK(world.peak(4) == 1);
  CHECK(world.peak(-1) == 10);
  CHECK(world.makespan() == 150);
}

TEST_CASE_METHOD(Fixture, "without any lock all end at once", "[reconciler][controller]") {
  world.seed({.locked_step = -1});
  world.run_until(400);
  CHECK(world.ready());
  CHECK(world.makespan() == 60);
}

TEST_CASE_METHOD(Fixture, "one slot on the target makes a queue, and the waiting say why",
                 "[reconciler][controller]") {
  world.seed({.locked_step = -1, .max_concurrent = 1});
  world.run_until(65);
  int waiting = 0;
  for (const auto& installation : world.all<api::Installation>()) {
    if (installation.status.blocked_by.empty()) continue;
    ++waiting;
    CHECK(installation.status.blocked_by[0].kind == "Lock");
    CHECK(installation.status.blocked_by[0].name == "target/web-01/slots");
    CHECK_FALSE(installation.status.blocked_by[0].holder.empty());
  }
  CHECK(waiting == 8);
  world.run_until(700);
  CHECK(world.ready());
  CHECK(world.makespan() == 600);
  CHECK(world.peak(-1) == 1);
}

TEST_CASE_METHOD(Fixture, "a restart at any time changes nothing", "[reconciler][controller]") {
  world.seed({});
  for (int at = 1; at < 160; at += 7) {
    world.run_until(at);
    world.restart();
  }
  world.run_until(400);
  CHECK(world.ready());
  check_runs(10, 6);
  CHECK(world.peak(4) == 1);
  CHECK(world.makespan() <= 170);
}

TEST_CASE_METHOD(Fixture, "fences rise over restarts", "[reconciler][controller]") {
  world.seed({.tenants = 1});
  world.run_until(1);
  const auto before = world.all<api::DeploymentTask>().front().status.grant->fence;
  world.restart();
  world.run_until(25);
  const auto after = world.all<api::DeploymentTask>().front().status.grant->fence;
  CHECK(after.epoch > before.epoch);
}

TEST_CASE_METHOD(Fixture, "a second controller stands by until the lease is free",
                 "[reconciler][controller]") {
  world.seed({});
  world.run_until(5);
  world.restart("another");  // the first is gone without a word
  world.run_until(18);
  for (const auto& task : world.all<api::DeploymentTask>()) {
    CHECK(task.status.grant->fence.epoch == 1);
  }
  world.run_until(400);
  CHECK(world.ready());
  check_runs(10, 6);
  CHECK(world.peak(4) == 1);
}

TEST_CASE_METHOD(Fixture, "a step that outlasts its lease grants nothing any more",
                 "[reconciler][controller]") {
  world.seed({});
  testing::FakeClock clock;
  SeededRandom random{3};
  client::ApiClient api{server, "tidelock-controller"};
  const auto slow = reconciler::Controller::make(api, random,
                                                 {.identity = "slow",
                                                  .lease_duration = std::chrono::seconds(15),
                                                  .wake = {},
                                                  .clock = &clock});
  // The answer to the first task takes its time, and another controller takes the lease.
  server.before = [&](const http::Request& request) -> std::optional<MemoryApi::Answer> {
    const bool task = request.method == "POST" && request.target.find("/deploymenttasks") != std::string::npos;
    if (!task || clock.now() != kEpoch) return std::nullopt;
    clock.advance(std::chrono::seconds(20));
    Json lease = *server.find("/apis/coordination.k8s.io/v1/namespaces/default/leases/tidelock-planner");
    lease["spec"]["holderIdentity"] = "other";
    lease["spec"]["leaseTransitions"] = 2;
    server.put("/apis/coordination.k8s.io/v1/namespaces/default/leases", "tidelock-planner", lease);
    return std::nullopt;
  };
  slow->step(kEpoch);
  CHECK(writes("POST " + kBase + "deploymenttasks") > 0);
  const auto granted = [&] {
    int count = 0;
    for (const auto& task : world.all<api::DeploymentTask>()) count += task.status.grant ? 1 : 0;
    return count;
  };
  CHECK(granted() == 0);
  for (int i = 0; i < 5; ++i) {
    slow->step(clock.now());
    clock.advance(std::chrono::seconds(20));
  }
  CHECK(granted() > 0);
}

TEST_CASE_METHOD(Fixture, "at rest nothing is written but the lease", "[reconciler][controller]") {
  world.seed({});
  world.run_until(400);
  REQUIRE(world.ready());
  const int before = server.version();
  server.seen.clear();
  world.run_until(460);
  CHECK(server.version() - before == 12);  // one renewal each 5 s
  CHECK(writes("POST") == 0);
  CHECK(writes("PATCH /apis/tidelock.dev") == 0);
}

TEST_CASE_METHOD(Fixture, "a step without news asks the server nothing",
                 "[reconciler][controller]") {
  world.seed({});
  world.run_until(12);
  const auto seen = server.seen.size();
  for (int i = 0; i < 10; ++i) CHECK(world.controller->step(world.now) > world.now);
  CHECK(server.seen.size() == seen);
}

TEST_CASE_METHOD(Fixture, "an object that cannot be decoded blocks only itself and has an event",
                 "[reconciler][controller]") {
  world.seed({.tenants = 2});
  server.put(kBase + "tenants", "broken", {{"spec", {{"paused", "yes"}}}});
  world.run_until(200);
  CHECK(succeeded() == 2);
  int events = 0;
  for (const auto& event : world.all<api::Event>()) {
    if (event.reason != "Undecodable") continue;
    ++events;
    CHECK(event.involved_name == "broken");
    CHECK(event.involved_kind == "Tenant");
    CHECK(event.message.find("spec.paused") != std::string::npos);
  }
  CHECK(events == 1);
}

TEST_CASE_METHOD(Fixture, "a task that fails has one warning event", "[reconciler][controller]") {
  world.seed({.tenants = 3});
  world.agent.fails = [](const api::DeploymentTask& task, int step) {
    return step == 1 && task.spec.tenant == "tenant-02";
  };
  world.run_until(300);
  int warnings = 0;
  for (const auto& event : world.all<api::Event>()) {
    if (event.involved_kind == "DeploymentTask") {
      ++warnings;
      CHECK(event.type == "Warning");
      CHECK(event.involved_name.find("tenant-02") != std::string::npos);
    }
  }
  CHECK(warnings == 1);
  CHECK(succeeded() == 2);
  CHECK_FALSE(world.ready());
}

TEST_CASE_METHOD(Fixture, "a write that the server refuses holds up only its own object",
                 "[reconciler][controller]") {
  world.seed({.tenants = 3});
  server.before = [](const http::Request& request) -> std::optional<MemoryApi::Answer> {
    const bool poisoned = request.method == "POST" &&
                          request.target.find("deploymenttasks") != std::string::npos &&
                          request.body.find("\"tenant\":\"tenant-02\"") != std::string::npos;
    if (!poisoned) return std::nullopt;
    return MemoryApi::failure(422, "Invalid", "a webhook says no");
  };
  world.run_until(300);
  CHECK(succeeded() == 2);
  CHECK(writes("POST /apis/tidelock.dev/v1alpha1/namespaces/default/deploymenttasks") < 30);
  server.before = nullptr;
  world.run_until(600);
  CHECK(succeeded() == 3);
}

TEST_CASE_METHOD(Fixture, "while the outcome of a grant is unknown nothing else is granted",
                 "[reconciler][controller]") {
  // One slot: the answer of the first grant is lost for 20 s, though the grant was written.
  world.seed({.tenants = 2, .locked_step = -1, .max_concurrent = 1});
  int grants = 0;
  server.after = [&](const http::Request& request, MemoryApi::Answer& answer) {
    const bool is_grant = request.method == "PATCH" &&
                          request.target.find("tidelock-controller") != std::string::npos &&
                          request.body.find("\"grant\"") != std::string::npos;
    if (!is_grant) return;
    ++grants;
    if (world.now < kEpoch + std::chrono::seconds(20)) {
      answer = fail(Reason::Timeout, "lost");
    }
  };
  world.run_until(300);
  CHECK(world.ready());
  CHECK(grants > 2);
  CHECK(world.peak(-1) == 1);
  check_runs(2, 6);
}

TEST_CASE_METHOD(Fixture, "a grant of a planner that arrives after its successor began is refused",
                 "[reconciler][controller]") {
  // One slot. The first planner's grant stays on its way for long.
  world.seed({.tenants = 2, .locked_step = -1, .max_concurrent = 1});
  std::optional<http::Request> late;
  server.before = [&](const http::Request& request) -> std::optional<MemoryApi::Answer> {
    if (request.method != "PATCH" || request.body.find("\"grant\"") == std::string::npos) return std::nullopt;
    late = request;
    return MemoryApi::Answer(fail(Reason::Timeout, "no answer in time"));
  };
  world.run_until(5);
  REQUIRE(late);
  server.before = nullptr;
  const std::string path = late->target.substr(0, late->target.find("/status"));
  const std::string first = path.substr(path.rfind('/') + 1);
  world.restart("another");
  // The successor grants the other one.
  world.merge<api::Tenant>(world.get<api::DeploymentTask>(first).spec.tenant, {{"spec", {{"paused", true}}}});
  world.run_until(40);
  int granted = 0;
  for (const auto& task : world.all<api::DeploymentTask>()) {
    granted += task.status.grant ? 1 : 0;
    // Taken over with one write.
    CHECK(writes("PATCH " + kBase + "deploymenttasks/" + task.metadata.name + "?") == 1);
  }
  CHECK(granted == 1);
  const auto answers = server.send({*late});
  REQUIRE(answers.front());
  CHECK(answers.front()->status == 409);
  CHECK_FALSE(world.get<api::DeploymentTask>(first).status.grant);
}

TEST_CASE_METHOD(Fixture, "a planner begins when it has taken all tasks over",
                 "[reconciler][controller]") {
  world.seed({.tenants = 3, .max_concurrent = 1});
  world.run_until(5);
  world.restart("another");
  // One of them changes under its hands, and the server is away for a while.
  int takeovers = 0;
  int grants = 0;
  server.before = [&](const http::Request& request) -> std::optional<MemoryApi::Answer> {
    if (request.method != "PATCH") return std::nullopt;
    if (request.body.find("\"grant\"") != std::string::npos) {
      ++grants;
      CHECK(takeovers > 3);
    }
    if (request.body.find("taken-over") == std::string::npos) return std::nullopt;
    ++takeovers;
    if (takeovers == 1) return MemoryApi::failure(409, "Conflict");
    if (takeovers == 2) return MemoryApi::failure(503, "ServiceUnavailable");
    return std::nullopt;
  };
  world.run_until(400);
  CHECK(takeovers == 5);  // three, and two of them again
  CHECK(grants > 3);
  CHECK(world.ready());
}

TEST_CASE_METHOD(Fixture, "a long takeover keeps its lease", "[reconciler][controller]") {
  world.seed({.tenants = 130, .max_concurrent = 1});
  world.run_until(5);
  world.controller.reset();
  testing::FakeClock clock;
  clock.advance(std::chrono::seconds(60));
  SeededRandom random{3};
  client::ApiClient api{server, "tidelock-controller"};
  const auto next = reconciler::Controller::make(
      api, random,
      {.identity = "next", .lease_duration = std::chrono::seconds(15), .wake = {}, .clock = &clock});
  int takeovers = 0;
  int grants = 0;
  TimePoint renewed = clock.now();
  server.before = [&](const http::Request& request) -> std::optional<MemoryApi::Answer> {
    if (request.method == "GET") return std::nullopt;
    if (request.target.find("/leases") != std::string::npos) renewed = clock.now();
    if (request.body.find("\"grant\"") != std::string::npos) ++grants;
    if (request.body.find("taken-over") == std::string::npos) return std::nullopt;
    ++takeovers;
    CHECK(clock.now() < renewed + std::chrono::seconds(15));
    clock.advance(std::chrono::milliseconds(140));
    return std::nullopt;
  };
  for (int i = 0; i < 400; ++i) {
    next->step(clock.now());
    if (i % 50 == 0) world.agent.step(clock.now());
    clock.advance(std::chrono::milliseconds(100));
  }
  CHECK(takeovers == 130);
  CHECK(grants > 0);
}

TEST_CASE_METHOD(Fixture, "a user's edit in between is a conflict that loses nothing",
                 "[reconciler][controller]") {
  world.seed({});
  int edits = 0;
  // Each object that the controller is about to patch is changed under its hands, now and then.
  server.before = [&](const http::Request& request) -> std::optional<MemoryApi::Answer> {
    const bool ours = request.method == "PATCH" &&
                      request.target.find("tidelock-controller") != std::string::npos &&
                      request.target.starts_with(kBase);
    if (!ours || ++edits % 3 != 0) return std::nullopt;
    std::string path = request.target.substr(0, request.target.find('?'));
    if (path.ends_with("/status")) path.erase(path.size() - 7);
    Json object = *server.find(path);
    object["metadata"]["annotations"]["edited"] = std::to_string(edits);
    const auto slash = path.rfind('/');
    server.put(path.substr(0, slash), path.substr(slash + 1), object);
    return std::nullopt;
  };
  world.run_until(600);
  CHECK(edits > 30);
  CHECK(world.ready());
  check_runs(10, 6);
  CHECK(world.peak(4) == 1);
}

TEST_CASE_METHOD(Fixture, "lost, late and doubled requests break no rule",
                 "[reconciler][controller][faults]") {
  const auto seeds = static_cast<std::uint64_t>(testing::effort("TIDELOCK_SEEDS", 20));
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    MemoryApi api;
    FaultyTransport transport(api, seed);
    World chaos(transport, api, [&api] { return static_cast<long>(api.version()); });
    chaos.seed({.tenants = 4, .steps = 3, .locked_step = 1, .max_concurrent = 2, .budget = 3});
    transport.rate = 0.08;
    for (int at = 20; at < 300; at += 40) {
      chaos.run_until(at);
      chaos.restart();
    }
    transport.rate = 0;
    chaos.run_until(900);
    INFO("seed " << seed << ", faults " << transport.faults);
    CHECK(transport.faults > 5);
    CHECK(chaos.ready());
    CHECK(chaos.peak(1) == 1);
    CHECK(chaos.peak(-1) <= 2);
    std::map<std::pair<std::string, int>, int> count;
    for (const auto& run : chaos.agent.runs) ++count[{run.task, run.step}];
    CHECK(count.size() == 12);
    for (const auto& [step, runs] : count) CHECK(runs == 1);
  }
}
