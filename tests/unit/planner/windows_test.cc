// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/windows.h"

#include <catch2/catch.hpp>
#include <string>

#include "controller/base/limits.h"

using namespace tidelock;
using namespace tidelock::planner;
using namespace std::chrono_literals;

namespace {

TimePoint utc(const std::string& text) {
  const auto time = parse_time(text);
  REQUIRE(time.has_value());
  return *time;
}
std::string text_of(std::optional<TimePoint> time) { return time ? format_time(*time) : "never"; }

api::DeploymentWindow window(const std::string& name, api::WindowKind kind, const std::string& schedule,
                             Duration duration, const std::string& zone = "UTC") {
  api::DeploymentWindow object;
  object.metadata.name = name;
  object.metadata.generation = 1;
  object.spec.kind = kind;
  object.spec.schedule = schedule;
  object.spec.time_zone = zone;
  object.spec.duration = duration;
  return object;
}
api::DeploymentWindow allow(const std::string& name, const std::string& schedule, Duration duration) {
  return window(name, api::WindowKind::Allow, schedule, duration);
}
api::DeploymentWindow deny(const std::string& name, const std::string& schedule, Duration duration) {
  return window(name, api::WindowKind::Deny, schedule, duration);
}

struct Pair {
  std::string project = "shop";
  std::string environment = "prod";
  std::map<std::string, std::string> tenant{{"ring", "canary"}};
  std::map<std::string, std::string> target{{"site", "north"}};
  SelectedPair selected() const { return {&project, &environment, &tenant, &target}; }
};

Windows windows(const std::vector<api::DeploymentWindow>& objects) {
  Windows all;
  for (const auto& object : objects) all.set(object);
  return all;
}

// "open", or "<who blocks> until <when>", with ", cancel".
std::string verdict(Windows& all, const std::string& time, bool rollback = false, const Pair& pair = {}) {
  all.advance(utc(time));
  const auto answer = all.verdict(pair.selected(), rollback);
  CHECK(answer.open == answer.window.empty());
  CHECK(answer.open == answer.message.empty());
  if (answer.open) return answer == WindowVerdict{} ? "open" : "odd";
  return answer.window + " until " + text_of(answer.until) + (answer.cancel_in_flight ? ", cancel" : "");
}
std::string verdict(const std::vector<api::DeploymentWindow>& objects, const std::string& time,
                    bool rollback = false) {
  Windows all = windows(objects);
  return verdict(all, time, rollback);
}

}  // namespace

TEST_CASE("without windows everything may start", "[planner][windows]") {
  CHECK(verdict({}, "2026-06-01T12:00:00Z") == "open");
  CHECK(Windows().next() == kNever);
  CHECK(Windows().empty());
}

TEST_CASE("when an Allow selects a pair, one must be open", "[planner][windows]") {
  const auto nights = allow("nights", "0 22 * * *", 2h);
  CHECK(verdict({nights}, "2026-06-01T12:00:00Z") == "nights until 2026-06-01T22:00:00Z");
  CHECK(verdict({nights}, "2026-06-01T22:00:00Z") == "open");
  CHECK(verdict({nights}, "2026-06-01T23:59:59Z") == "open");
  CHECK(verdict({nights}, "2026-06-02T00:00:00Z") == "nights until 2026-06-02T22:00:00Z");
  const auto lunch = allow("lunch", "0 12 * * *", 1h);
  CHECK(verdict({nights, lunch}, "2026-06-01T12:00:00Z") == "open");
  CHECK(verdict({nights, lunch}, "2026-06-01T13:00:00Z") == "nights until 2026-06-01T22:00:00Z");
  CHECK(verdict({nights, lunch}, "2026-06-02T00:00:00Z") == "lunch until 2026-06-02T12:00:00Z");
}

TEST_CASE("a Deny that is open beats every Allow", "[planner][windows]") {
  const auto always = allow("always", "* * * * *", 1h);
  const auto freeze = deny("freeze", "0 18 * * FRI", 60h);  // 2026-06-05 is a Friday
  CHECK(verdict({always, freeze}, "2026-06-05T17:59:59Z") == "open");
  CHECK(verdict({always, freeze}, "2026-06-05T18:00:00Z") == "freeze until 2026-06-08T06:00:00Z");
  CHECK(verdict({freeze}, "2026-06-07T00:00:00Z") == "freeze until 2026-06-08T06:00:00Z");
  CHECK(verdict({freeze}, "2026-06-08T06:00:00Z") == "open");
}

TEST_CASE("until is when the pair may start, not when the window that is named closes", "[planner][windows]") {
  const auto nights = allow("nights", "0 22 * * *", 2h);
  const auto freeze = deny("freeze", "0 18 * * FRI", 60h);
  CHECK(verdict({nights, freeze}, "2026-06-05T20:00:00Z") == "freeze until 2026-06-08T22:00:00Z");
  CHECK(verdict({nights, freeze}, "2026-06-05T00:00:00Z") == "nights until 2026-06-08T22:00:00Z");
  const auto audit = deny("audit", "0 21 * * MON", 2h);
  CHECK(verdict({nights, freeze, audit}, "2026-06-05T20:00:00Z") == "freeze until 2026-06-08T23:00:00Z");
}
