// SPDX-License-Identifier: Apache-2.0
// What agreement_test.cc cannot say, since the reference has nothing of it.
#include "controller/planner/admission.h"

#include <catch2/catch.hpp>

namespace tidelock::planner {
namespace {

using Names = std::vector<std::string>;

// A started task of one budget "b"; at a step boundary when it uses a slot.
Request started(const std::string& name, int asked_at, bool uses_slot) {
  Request request;
  request.task = name;
  request.started = request.waiting = true;
  request.uses_slot = uses_slot;
  request.budgets = {"b"};
  request.requested_at = TimePoint(std::chrono::seconds(asked_at));
  return request;
}

}  // namespace

TEST_CASE("a slot that is to be given up is known to carry somebody else's grant", "[planner][admission]") {
  Admission admission([](const std::string&) { return LockRules{}; });
  admission.set_budget("b", 1);
  admission.update(started("holder", 10, true));
  admission.update(started("parked", 5, false));
  const auto outcome = admission.run(TimePoint{});
  REQUIRE(outcome.granted == Names{"parked"});
  REQUIRE(outcome.parked == Names{"holder"});
  CHECK(admission.on_slots_of({"holder"}, {"parked"}) == std::set<std::string>{"parked"});

  SECTION("until that is a fact") {
    admission.update(started("holder", 10, false));
    CHECK(admission.on_slots_of({}, {"parked"}).empty());
  }
  SECTION("also when the holder goes on after all, until it ends") {
    auto cancelling = started("holder", 10, true);
    cancelling.waiting = false;
    admission.update(cancelling);
    CHECK(admission.on_slots_of({}, {"parked"}) == std::set<std::string>{"parked"});
    admission.remove("holder");
    CHECK(admission.on_slots_of({}, {"parked"}).empty());
  }
}

}  // namespace tidelock::planner
