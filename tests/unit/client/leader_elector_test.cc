// SPDX-License-Identifier: Apache-2.0
#include "controller/client/leader_elector.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/base/log.h"
#include "controller/base/random.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

using namespace tidelock;
using client::LeaderElector;
using testing::MemoryApi;

namespace {

const std::string kLeases = "/apis/coordination.k8s.io/v1/namespaces/a/leases";

struct Fixture {
  MemoryApi server;
  client::ApiClient api{server, "test"};
  TimePoint now = testing::kEpoch;

  Fixture() { set_log_level(LogLevel::Off); }
  LeaderElector elector(const std::string& identity) {
    return LeaderElector(api, {"a", "lock", identity, std::chrono::seconds(15)});
  }
  nlohmann::json& spec() { return (*server.find(kLeases + "/lock"))["spec"]; }
  void pass(int seconds, std::initializer_list<LeaderElector*> electors) {
    for (int i = 0; i < seconds; ++i) {
      now += std::chrono::seconds(1);
      for (LeaderElector* one : electors) one->step(now);
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "the first takes the lease and renews it at a third", "[client][lease]") {
  LeaderElector one = elector("one");
  CHECK(one.step(now) == now + std::chrono::seconds(5));
  CHECK(one.leads(now));
  CHECK(one.epoch() == 1);
  const auto writes = server.version();
  CHECK(one.step(now + std::chrono::seconds(4)) == now + std::chrono::seconds(5));
  CHECK(server.version() == writes);
  pass(60, {&one});
  CHECK(one.leads(now));
  CHECK(server.version() == writes + 12);
  CHECK(one.epoch() == 1);
}

TEST_CASE_METHOD(Fixture, "nobody else leads while the holder lives", "[client][lease]") {
  LeaderElector one = elector("one"), two = elector("two");
  one.step(now);
  for (int i = 0; i < 100; ++i) {
    pass(1, {&one, &two});
    REQUIRE(one.leads(now));
    REQUIRE_FALSE(two.leads(now));
  }
  CHECK(two.holder() == "one");
}

TEST_CASE_METHOD(Fixture, "a lease lives for its duration from when its state was answered, not asked for",
                 "[client][lease]") {
  LeaderElector one = elector("one");
  one.step(now);
  testing::FakeClock clock;
  LeaderElector two(api, {"a", "lock", "two", std::chrono::seconds(15), &clock});
  bool slow = true;
  server.after = [&](const http::Request&, MemoryApi::Answer&) {
    if (slow) clock.advance(std::chrono::seconds(10));
  };
  two.step(now);
  slow = false;
  for (int second = 11; second < 25; ++second) {
    clock.set(now + std::chrono::seconds(second));
    two.step(clock.now());
    REQUIRE_FALSE(two.leads(clock.now()));
  }
  clock.set(now + std::chrono::seconds(26));
  two.step(clock.now());
  CHECK(two.leads(clock.now()));
}

TEST_CASE_METHOD(Fixture, "a dead holder is followed after its whole duration, with a higher epoch",
                 "[client][lease]") {
  LeaderElector one = elector("one"), two = elector("two");
  one.step(now);
  pass(1, {&two});
  pass(14, {&two});
  CHECK_FALSE(two.leads(now));
  pass(2, {&two});
  CHECK(two.leads(now));
  CHECK(two.epoch() == 2);
  CHECK(spec()["holderIdentity"] == "two");
  CHECK_FALSE(one.leads(now));
  // The first comes back from its pause and finds itself replaced.
  one.step(now);
  CHECK_FALSE(one.leads(now));
  CHECK(two.leads(now));
}

TEST_CASE_METHOD(Fixture, "at no time do two lead", "[client][lease]") {
  LeaderElector one = elector("one"), two = elector("two");
  SeededRandom random(11);
  bool cut_one = false, cut_two = false;
  for (int i = 0; i < 3'000; ++i) {
    now += std::chrono::milliseconds(random.between(1, 3'000));
    if (random.chance(0.05)) cut_one = !cut_one;
    if (random.chance(0.05)) cut_two = !cut_two;
    if (!cut_one) one.step(now);
    REQUIRE_FALSE((one.leads(now) && two.leads(now)));
    if (!cut_two) two.step(now);
    REQUIRE_FALSE((one.leads(now) && two.leads(now)));
  }
  CHECK(one.epoch() > 1);
  CHECK(two.epoch() > 1);
}

TEST_CASE_METHOD(Fixture, "a restart under the same name takes over at once", "[client][lease]") {
  {
    LeaderElector before = elector("server");
    before.step(now);
  }
  LeaderElector after = elector("server");
  after.step(now);
  CHECK(after.leads(now));
  CHECK(after.epoch() == 2);
}

TEST_CASE_METHOD(Fixture, "two processes under one name do not snatch it from each other",
                 "[client][lease]") {
  LeaderElector one = elector("same"), two = elector("same");
  one.step(now);
  two.step(now);
  REQUIRE(two.leads(now));
  for (int i = 0; i < 60; ++i) {
    pass(1, {&one, &two});
    REQUIRE(two.leads(now));
  }
  CHECK_FALSE(one.leads(now));
  CHECK(two.epoch() == 2);
}

TEST_CASE_METHOD(Fixture, "a renewal whose answer is lost is still a renewal", "[client][lease]") {
  LeaderElector one = elector("one");
  one.step(now);
  bool lose = true;
  server.after = [&](const http::Request& request, MemoryApi::Answer& answer) {
    if (lose && request.method == "PATCH") answer = fail(Reason::Timeout, "lost");
  };
  pass(6, {&one});
  lose = false;
  pass(2, {&one});
  CHECK(one.leads(now));
  CHECK(one.epoch() == 1);
}

TEST_CASE_METHOD(Fixture, "who cannot renew stops leading in time", "[client][lease]") {
  LeaderElector one = elector("one");
  one.step(now);
  server.before = [](const http::Request&) -> std::optional<MemoryApi::Answer> {
    return MemoryApi::Answer(fail(Reason::ServiceUnavailable, "down"));
  };
  pass(14, {&one});
  CHECK(one.leads(now));
  pass(1, {&one});
  CHECK_FALSE(one.leads(now));
  server.before = nullptr;
  pass(2, {&one});
  CHECK(one.leads(now));  // nobody took it meanwhile
  CHECK(one.epoch() == 1);
}

TEST_CASE_METHOD(Fixture, "the epoch rises though the lease was deleted", "[client][lease]") {
  LeaderElector one = elector("one");
  one.step(now);
  server.remove(kLeases + "/lock");
  pass(6, {&one});
  CHECK(one.leads(now));
  CHECK(one.epoch() == 2);
}
