// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/windows.h"

#include <catch2/catch.hpp>
#include <string>

#include "controller/base/limits.h"
#include "controller/base/random.h"
#include "tests/support/effort.h"

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

api::DeploymentWindow window(const std::string& name, api::WindowKind kind,
                             const std::string& schedule, Duration duration,
                             const std::string& zone = "UTC") {
  api::DeploymentWindow object;
  object.metadata.name = name;
  object.metadata.generation = 1;
  object.spec.kind = kind;
  object.spec.schedule = schedule;
  object.spec.time_zone = zone;
  object.spec.duration = duration;
  return object;
}
api::DeploymentWindow allow(const std::string& name, const std::string& schedule,
                            Duration duration) {
  return window(name, api::WindowKind::Allow, schedule, duration);
}
api::DeploymentWindow deny(const std::string& name, const std::string& schedule,
                           Duration duration) {
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
std::string verdict(Windows& all, const std::string& time, bool rollback = false,
                    const Pair& pair = {}) {
  all.advance(utc(time));
  const auto answer = all.verdict(pair.selected(), rollback);
  CHECK(answer.open == answer.window.empty());
  CHECK(answer.open == answer.message.empty());
  if (answer.open) return answer == WindowVerdict{} ? "open" : "odd";
  return answer.window + " until " + text_of(answer.until) +
         (answer.cancel_in_flight ? ", cancel" : "");
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

TEST_CASE("until is when the pair may start, not when the window that is named closes",
          "[planner][windows]") {
  const auto nights = allow("nights", "0 22 * * *", 2h);
  const auto freeze = deny("freeze", "0 18 * * FRI", 60h);
  CHECK(verdict({nights, freeze}, "2026-06-05T20:00:00Z") == "freeze until 2026-06-08T22:00:00Z");
  CHECK(verdict({nights, freeze}, "2026-06-05T00:00:00Z") == "nights until 2026-06-08T22:00:00Z");
  const auto audit = deny("audit", "0 21 * * MON", 2h);
  CHECK(verdict({nights, freeze, audit}, "2026-06-05T20:00:00Z") ==
        "freeze until 2026-06-08T23:00:00Z");
}

TEST_CASE("a pair whose windows never fit has no opening in sight", "[planner][windows]") {
  auto nights = allow("nights", "0 22 * * *", 1h);
  const auto quiet = deny("quiet", "0 22 * * *", 1h);
  CHECK(verdict({nights, quiet}, "2026-06-01T12:00:00Z") == "nights until never");
  CHECK(verdict({nights, quiet}, "2026-06-01T22:00:00Z") == "quiet until never");
  nights.spec.until = utc("2026-07-01T00:00:00Z");  // then nothing has to be open any more
  CHECK(verdict({nights, quiet}, "2026-06-01T12:00:00Z") == "nights until 2026-07-01T00:00:00Z");
}

TEST_CASE("a search for the opening of a pair ends", "[planner][windows][limits]") {
  // Each night takes two changes: the Allow opens under a Deny, the Deny closes with the Allow.
  const auto nights = allow("nights", "0 22 * * *", 1h);
  auto quiet = deny("quiet", "0 22 * * *", 1h);
  const TimePoint first = utc("2026-06-01T22:00:00Z");
  static_assert(limits::kWindowChangesAhead % 2 == 0);
  const auto asked = [&](int nights_quiet) {
    quiet.spec.until = first + (nights_quiet - 1) * 24h + 1h;
    Windows all = windows({nights, quiet});
    all.advance(first - 10h);
    return all.verdict(Pair{}.selected(), false).until;
  };
  constexpr int kPassed =
      limits::kWindowChangesAhead / 2 - 1;  // and the two changes of the night that it gets
  CHECK(asked(kPassed) == first + kPassed * 24h);
  CHECK(asked(kPassed + 1) == std::nullopt);
}

TEST_CASE("of several the window that holds longest, or opens first, is named",
          "[planner][windows]") {
  const auto a = deny("a", "0 12 * * *", 1h);
  const auto b = deny("b", "0 12 * * *", 3h);
  const auto c = deny("c", "0 12 * * *", 2h);
  CHECK(verdict({a, b, c}, "2026-06-01T12:00:00Z") == "b until 2026-06-01T15:00:00Z");
  const auto d = allow("d", "0 14 * * *", 1h);
  const auto e = allow("e", "0 13 * * *", 1h);
  const auto f = allow("f", "0 13 * * *", 1h);
  CHECK(verdict({f, d, e}, "2026-06-01T12:00:00Z") == "e until 2026-06-01T13:00:00Z");
}

TEST_CASE("a window speaks only of the pairs that it selects", "[planner][windows]") {
  auto nights = allow("nights", "0 22 * * *", 2h);
  const std::string noon = "2026-06-01T12:00:00Z";
  const std::string waits = "nights until 2026-06-01T22:00:00Z";
  const auto with = [&](api::PairSelector selector) {
    nights.spec.selector = std::move(selector);
    return verdict({nights}, noon);
  };
  CHECK(with({{"shop"}, {"prod"}, {}, {}}) == waits);
  CHECK(with({{"blog", "shop"}, {}, {}, {}}) == waits);
  CHECK(with({{"blog"}, {}, {}, {}}) == "open");
  CHECK(with({{}, {"test"}, {}, {}}) == "open");
  CHECK(with({{}, {}, {{{"ring", "canary"}}, {}}, {}}) == waits);
  CHECK(with({{}, {}, {{{"ring", "rest"}}, {}}, {}}) == "open");
  CHECK(with({{}, {}, {}, {{{"site", "north"}}, {}}}) == waits);
  CHECK(with({{}, {}, {}, {{{"site", "south"}}, {}}}) == "open");
  CHECK(with({{"shop"}, {"prod"}, {{{"ring", "canary"}}, {}}, {{{"site", "south"}}, {}}}) ==
        "open");

  Windows all = windows({nights});
  CHECK_FALSE(all.selects("nights", Pair{}.selected()));
  CHECK(all.selects("nights",
                    Pair{"shop", "prod", {{"ring", "canary"}}, {{"site", "south"}}}.selected()));
  CHECK_FALSE(all.selects("unknown", Pair{}.selected()));
}

TEST_CASE("a pair of missing objects has no labels", "[planner][windows]") {
  Facts facts;
  api::Tenant tenant;
  tenant.metadata.labels = {{"ring", "canary"}};
  tenant.metadata.name = "t1";
  facts.tenants.put(std::make_shared<const api::Tenant>(tenant));
  const std::string shop = "shop", prod = "prod";
  CHECK(*selected_pair(facts, shop, prod, "t1", "web").tenant_labels == tenant.metadata.labels);
  CHECK(selected_pair(facts, shop, prod, "", "web").tenant_labels->empty());
  CHECK(selected_pair(facts, shop, prod, "t1", "web").target_labels->empty());
}

TEST_CASE("before from and after until a window counts as not there", "[planner][windows]") {
  auto nights = allow("nights", "0 22 * * *", 2h);
  nights.spec.from = utc("2026-06-01T12:00:00Z");
  nights.spec.until = utc("2026-06-03T12:00:00Z");
  CHECK(verdict({nights}, "2026-06-01T11:59:59Z") == "open");
  CHECK(verdict({nights}, "2026-06-01T12:00:00Z") == "nights until 2026-06-01T22:00:00Z");
  CHECK(verdict({nights}, "2026-06-03T11:00:00Z") == "nights until 2026-06-03T12:00:00Z");
  CHECK(verdict({nights}, "2026-06-03T12:00:00Z") == "open");
  auto freeze = deny("freeze", "0 0 * * *", 24h);
  freeze.spec.from = nights.spec.from;
  freeze.spec.until = nights.spec.until;
  CHECK(verdict({freeze}, "2026-06-01T11:59:59Z") == "open");
  CHECK(verdict({freeze}, "2026-06-01T12:00:00Z") == "freeze until 2026-06-03T12:00:00Z");
  CHECK(verdict({freeze}, "2026-06-03T12:00:00Z") == "open");
  // One that is not there yet neither demands nor forbids, but may be the first to open.
  auto sooner = allow("sooner", "0 * * * *", 1h);
  sooner.spec.from = utc("2026-06-01T15:00:00Z");
  CHECK(verdict({nights, sooner}, "2026-06-01T12:00:00Z") == "nights until 2026-06-01T15:00:00Z");
}

TEST_CASE("rollbacks start at any time unless a window says otherwise", "[planner][windows]") {
  auto nights = allow("nights", "0 22 * * *", 2h);
  auto freeze = deny("freeze", "0 8 * * *", 8h);
  const std::string noon = "2026-06-01T12:00:00Z";
  CHECK(verdict({nights}, noon, true) == "open");
  CHECK(verdict({freeze}, noon, true) == "open");
  CHECK(verdict({nights, freeze}, noon, true) == "open");
  freeze.spec.allow_rollback = false;
  CHECK(verdict({nights, freeze}, noon, true) == "freeze until 2026-06-01T16:00:00Z");
  CHECK(verdict({nights, freeze}, "2026-06-01T16:00:00Z", true) == "open");
  nights.spec.allow_rollback = false;
  CHECK(verdict({nights, freeze}, noon, true) == "freeze until 2026-06-01T22:00:00Z");
  CHECK(verdict({nights}, noon, true) == "nights until 2026-06-01T22:00:00Z");
  // One of two Allows that lets rollbacks through is enough.
  CHECK(verdict({nights, allow("lunch", "0 13 * * *", 1h)}, noon, true) == "open");
  CHECK(verdict({nights, allow("lunch", "0 13 * * *", 1h)}, noon, false) ==
        "lunch until 2026-06-01T13:00:00Z");
}

TEST_CASE("a window that cannot be read blocks and says how", "[planner][windows]") {
  const auto broken_allow = allow("broken", "0 25 * * *", 1h);
  auto broken_deny = deny("broken", "0 0 * * *", 1h);
  broken_deny.spec.time_zone = "Mars/Olympus";
  broken_deny.spec.in_flight = api::WindowInFlight::Cancel;
  const std::string noon = "2026-06-01T12:00:00Z";
  CHECK(verdict({broken_allow}, noon) == "broken until never");
  CHECK(verdict({broken_deny}, noon) == "broken until never");  // and cancels nothing
  CHECK(verdict({broken_allow, allow("lunch", "0 12 * * *", 1h)}, noon) == "open");
  CHECK(verdict({broken_allow, allow("lunch", "0 13 * * *", 1h)}, noon) ==
        "lunch until 2026-06-01T13:00:00Z");
  CHECK(verdict({broken_deny, deny("noon", "0 12 * * *", 1h)}, noon) == "broken until never");
  CHECK(verdict({broken_allow}, noon, true) == "open");
  CHECK(verdict({broken_deny}, noon, true) == "open");

  Windows all = windows({broken_allow});
  all.advance(utc(noon));
  CHECK(all.problem("broken") == "spec.schedule: hour \"25\": must be from 0 to 23");
  CHECK(all.verdict(Pair{}.selected(), false).message ==
        "waits for Window broken, which cannot be read and so never opens: spec.schedule: hour "
        "\"25\": must be from 0 to "
        "23");
  CHECK(all.status("broken") == api::DeploymentWindowStatus{1, false, std::nullopt});
  all.set(broken_deny);
  all.advance(utc(noon));
  CHECK(all.verdict(Pair{}.selected(), false)
            .message.find("waits for Window broken, which cannot be read and so denies: "
                          "spec.timeZone: \"Mars/Olympus\" is not") == 0);
  CHECK(all.status("broken") == api::DeploymentWindowStatus{1, true, std::nullopt});
}

TEST_CASE("a window that cannot be read still exists only between from and until",
          "[planner][windows]") {
  auto broken = deny("broken", "0 25 * * *", 1h);
  broken.spec.from = utc("2026-06-01T12:00:00Z");
  broken.spec.until = utc("2026-06-02T12:00:00Z");
  CHECK(verdict({broken}, "2026-06-01T11:00:00Z") == "open");
  CHECK(verdict({broken}, "2026-06-01T12:00:00Z") == "broken until 2026-06-02T12:00:00Z");
  CHECK(verdict({broken}, "2026-06-02T12:00:00Z") == "open");
  Windows all = windows({broken});
  all.advance(utc("2026-06-01T11:00:00Z"));
  CHECK(all.next() == *broken.spec.from);
  CHECK(all.status("broken") == api::DeploymentWindowStatus{1, false, broken.spec.from});
  broken.spec.kind = api::WindowKind::Allow;
  CHECK(verdict({broken}, "2026-06-01T11:00:00Z") == "open");
  CHECK(verdict({broken}, "2026-06-01T12:00:00Z") == "broken until 2026-06-02T12:00:00Z");
  broken.spec.from = broken.spec.until;
  CHECK(verdict({broken}, "2026-06-02T11:00:00Z") == "open");
}

TEST_CASE("started tasks are cancelled where the window that blocks says so",
          "[planner][windows]") {
  auto freeze = deny("freeze", "0 12 * * *", 1h);
  auto nights = allow("nights", "0 22 * * *", 2h);
  const auto cancel = api::WindowInFlight::Cancel;
  const auto noon = "2026-06-01T12:00:00Z";
  CHECK(verdict({freeze}, noon) == "freeze until 2026-06-01T13:00:00Z");
  freeze.spec.in_flight = cancel;
  CHECK(verdict({freeze}, noon) == "freeze until 2026-06-01T13:00:00Z, cancel");
  CHECK(verdict({freeze}, noon, true) == "open");
  CHECK(verdict({freeze, deny("longer", "0 12 * * *", 2h)}, noon) ==
        "longer until 2026-06-01T14:00:00Z, cancel");
  nights.spec.in_flight = cancel;
  CHECK(verdict({nights}, noon) == "nights until 2026-06-01T22:00:00Z, cancel");
  // The Allow that closed last decides: what it let start is what runs.
  const auto mornings = allow("mornings", "0 8 * * *", 2h);
  const auto evenings = allow("evenings", "0 20 * * *", 4h);
  CHECK(verdict({nights, mornings}, noon) == "nights until 2026-06-01T22:00:00Z");
  CHECK(verdict({nights, mornings}, "2026-06-02T00:00:00Z") ==
        "mornings until 2026-06-02T08:00:00Z, cancel");
  CHECK(verdict({nights, evenings}, noon) ==
        "evenings until 2026-06-01T20:00:00Z, cancel");  // both at midnight
  // One that was never open has let nothing start.
  nights.spec.from = utc("2026-06-01T10:00:00Z");
  CHECK(verdict({nights}, noon) == "nights until 2026-06-01T22:00:00Z");
}

TEST_CASE("advance tells which windows changed, and next when to look again",
          "[planner][windows]") {
  using Names = std::set<std::string>;
  Windows all = windows({allow("nights", "0 22 * * *", 2h), deny("noon", "0 12 * * *", 1h)});
  CHECK(all.advance(utc("2026-06-01T11:00:00Z")) == Names{"nights", "noon"});
  CHECK(all.next() == utc("2026-06-01T12:00:00Z"));
  CHECK(all.advance(utc("2026-06-01T11:59:59Z")) == Names{});
  CHECK(all.advance(utc("2026-06-01T12:00:00Z")) == Names{"noon"});
  CHECK(all.next() == utc("2026-06-01T13:00:00Z"));
  CHECK(all.advance(utc("2026-06-01T22:00:00Z")) == Names{"nights", "noon"});
  CHECK(all.advance(utc("2026-06-01T11:00:00Z")) == Names{"nights", "noon"});  // back
  CHECK(all.next() == utc("2026-06-01T12:00:00Z"));

  // The same spec again is no change; another one is, and so is a new generation alone.
  auto noon = deny("noon", "0 12 * * *", 1h);
  noon.status.open = true;
  all.set(noon);
  CHECK(all.advance(utc("2026-06-01T11:00:00Z")) == Names{});
  noon.metadata.generation = 2;
  all.set(noon);
  CHECK(all.advance(utc("2026-06-01T11:00:00Z")) == Names{"noon"});
  CHECK(all.status("noon").observed_generation == 2);
  noon.spec.schedule = "30 11 * * *";
  all.set(noon);
  CHECK(all.advance(utc("2026-06-01T11:30:00Z")) == Names{"noon"});
  CHECK(all.status("noon") == api::DeploymentWindowStatus{2, true, utc("2026-06-01T12:30:00Z")});
  CHECK(all.verdict(Pair{}.selected(), false).window == "noon");
  all.remove("noon");
  all.remove("noon");
  CHECK(all.advance(utc("2026-06-01T11:30:00Z")) == Names{"noon"});
  CHECK(all.verdict(Pair{}.selected(), false).window == "nights");
  CHECK(all.next() == utc("2026-06-01T22:00:00Z"));
}

TEST_CASE("messages say who blocks and until when", "[planner][windows]") {
  Windows all = windows({allow("nights", "0 22 * * *", 2h)});
  all.advance(utc("2026-06-01T12:00:00Z"));
  CHECK(all.verdict(Pair{}.selected(), false).message ==
        "waits for Window nights, which is closed; may start at 2026-06-01T22:00:00Z");
  all.set(deny("freeze", "0 12 * * *", 1h));
  all.advance(utc("2026-06-01T12:00:00Z"));
  CHECK(all.verdict(Pair{}.selected(), false).message ==
        "waits for Window freeze, which denies; may start at 2026-06-01T22:00:00Z");
  all.set(deny("freeze", "* * * * *", 1h));
  all.advance(utc("2026-06-01T12:00:00Z"));
  CHECK(all.verdict(Pair{}.selected(), false).message ==
        "waits for Window freeze, which denies; no opening is in sight");
}

namespace {

std::vector<api::DeploymentWindow> random_windows(Random& random, TimePoint start) {
  std::vector<api::DeploymentWindow> made;
  const auto count = 1 + random.below(4);
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto kind = random.chance(0.5) ? api::WindowKind::Allow : api::WindowKind::Deny;
    const std::string hours =
        std::to_string(random.below(24)) + "," + std::to_string(random.below(24));
    auto object =
        window(std::to_string(i), kind, std::to_string(random.below(60)) + " " + hours + " * * *",
               Duration{random.between(10, 900) * 60'000'000});
    if (random.chance(0.1)) object.spec.time_zone = "Mars/Olympus";
    if (random.chance(0.3)) object.spec.from = start + random.between(0, 2'000) * 1min;
    if (random.chance(0.3)) object.spec.until = start + random.between(0, 4'000) * 1min;
    object.spec.allow_rollback = random.chance(0.5);
    made.push_back(object);
  }
  return made;
}

// The rules as they are written down, for one moment.
bool may_start(const std::vector<api::DeploymentWindow>& objects, TimePoint now, bool rollback) {
  bool denied = false, demanded = false, allowed = false;
  for (const auto& object : objects) {
    const auto& spec = object.spec;
    if ((spec.from && now < *spec.from) || (spec.until && now >= *spec.until)) continue;
    const auto hours = OpeningHours::read(spec);
    const bool passes = rollback && spec.allow_rollback;
    if (spec.kind == api::WindowKind::Deny) {
      denied |= !passes && (!hours || hours->at(now).open);
    } else {
      demanded = true;
      allowed |= passes || (hours && hours->at(now).open);
    }
  }
  return !denied && (allowed || !demanded);
}

}  // namespace

TEST_CASE("a walk through all minutes finds the verdicts, their until and the changes",
          "[planner][windows]") {
  SeededRandom random(11);
  const TimePoint start = utc("2026-06-01T00:00:00Z");
  for (int round = 0; round < testing::effort("TIDELOCK_WINDOW_MIXES", 100); ++round) {
    const auto objects = random_windows(random, start);
    const bool rollback = random.chance(0.3);
    Windows all = windows(objects);
    const Pair pair;
    int wrong = 0;
    std::optional<WindowVerdict> before;
    TimePoint next = start;
    for (TimePoint now = start; now < start + 72h; now += 1min) {
      const auto changed = all.advance(now);
      const auto verdict = all.verdict(pair.selected(), rollback);
      if (verdict.open != may_start(objects, now, rollback)) ++wrong;
      if (before && !(*before == verdict) && (changed.empty() || next != now))
        ++wrong;  // somebody has to be told
      if (!verdict.open && verdict.until && *verdict.until <= now) ++wrong;
      // It opens when it was said to, and not before.
      if (before && !before->open && verdict.open != (before->until == now)) ++wrong;
      before = verdict;
      next = all.next();
    }
    INFO("round " << round);
    CHECK(wrong == 0);
  }
}
