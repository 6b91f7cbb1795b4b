// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_process_runner.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_clock.h"

using namespace tidelock;
using namespace std::chrono_literals;
using tidelock::testing::FakeProcessRunner;
using tidelock::testing::kEpoch;
using tidelock::testing::ProcessScript;
using Kind = ProcessEvent::Kind;

namespace {

ProcessSpec spec(const std::string& name) { return {{name}, {}, "/", "/locks/" + name}; }

FakeProcessRunner runner_of(ProcessScript script) {
  return FakeProcessRunner(kEpoch, [script](const ProcessSpec&) { return script; });
}

}  // namespace

TEST_CASE("a scripted process speaks, then exits, in order of time", "[platform][fake_runner]") {
  FakeProcessRunner runner(kEpoch, [](const ProcessSpec& asked) {
    ProcessScript script;
    script.duration = asked.argv[0] == "slow" ? 10s : 5s;
    script.exit_code = asked.argv[0] == "slow" ? 3 : 0;
    script.output = {{1s, asked.argv[0]}};
    return script;
  });
  const ProcessId slow = runner.start(spec("slow")).value();
  const ProcessId quick = runner.start(spec("quick")).value();
  CHECK(runner.poll().empty());
  CHECK(runner.next_due() == kEpoch + 1s);
  runner.advance_to(kEpoch + 7s);
  const auto events = runner.poll();
  REQUIRE(events.size() == 3);
  CHECK((events[0].id == slow && events[0].bytes == "slow"));
  CHECK((events[1].id == quick && events[1].bytes == "quick"));
  CHECK((events[2].id == quick && events[2].kind == Kind::Exited));
  CHECK(runner.running() == 1);
  runner.advance_to(kEpoch + 10s);
  CHECK(runner.poll().at(0).exit_code == 3);
  CHECK(runner.intervals().at(0).ended == kEpoch + 10s);
  CHECK(runner.next_due() == kNever);
}

TEST_CASE("SIGTERM may be ignored, SIGKILL may not", "[platform][fake_runner]") {
  FakeProcessRunner runner = runner_of({.duration = 1h, .ignores_sigterm = true});
  const ProcessId id = runner.start(spec("a")).value();
  runner.signal(id, SIGTERM);
  CHECK(runner.poll().empty());
  runner.advance_to(kEpoch + 1s);
  runner.signal(id, SIGKILL);
  const auto events = runner.poll();
  REQUIRE(events.size() == 1);
  CHECK((events[0].signal == SIGKILL && events[0].exit_code == 137));
  CHECK(runner.intervals().at(0).ended == kEpoch + 1s);
}

TEST_CASE("a lingering child keeps the lock until it ends or is killed",
          "[platform][fake_runner]") {
  FakeProcessRunner runner = runner_of({.duration = 1s, .lingers = 1min});
  REQUIRE(runner.start(spec("a")));
  runner.advance_to(kEpoch + 2s);
  CHECK(runner.poll().size() == 1);
  runner.signal(1, SIGKILL);  // its exit is known: the signal has no one to go to
  CHECK(runner.probe("/locks/a") == Liveness::Alive);
  CHECK(runner.start(spec("a")).error().reason == Reason::Conflict);
  SECTION("until it ends") { runner.advance_to(kEpoch + 61s); }
  SECTION("until it is killed") { runner.kill_holders("/locks/a"); }
  CHECK(runner.probe("/locks/a") == Liveness::Dead);
}

TEST_CASE("processes outlive the agent and tell the next one nothing", "[platform][fake_runner]") {
  FakeProcessRunner runner = runner_of({.duration = 10s});
  REQUIRE(runner.start(spec("a")));
  runner.agent_crashed();
  CHECK(runner.probe("/locks/a") == Liveness::Alive);
  runner.set_unprobeable("/locks/a", true);
  CHECK(runner.probe("/locks/a") == Liveness::Unknown);
  runner.set_unprobeable("/locks/a", false);
  runner.advance_to(kEpoch + 10s);
  CHECK(runner.probe("/locks/a") == Liveness::Dead);
  CHECK(runner.poll().empty());
  CHECK(runner.intervals().at(0).ended == kEpoch + 10s);
}

TEST_CASE("a crash of the machine ends everything without effects", "[platform][fake_runner]") {
  bool effect = false;
  FakeProcessRunner runner = runner_of({.duration = 10s, .effect = [&] { effect = true; }});
  REQUIRE(runner.start(spec("a")));
  runner.machine_crashed();
  runner.advance_to(kEpoch + 1min);
  CHECK_FALSE(effect);
  CHECK(runner.probe("/locks/a") == Liveness::Dead);
  REQUIRE(runner.start(spec("a")));
  runner.advance_to(kEpoch + 2min);
  CHECK(effect);
}
