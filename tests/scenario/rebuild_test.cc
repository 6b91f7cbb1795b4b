// SPDX-License-Identifier: Apache-2.0
// A planner that heard of every change says and does the same as one that is told the facts as they are
// now: whenever it plans, over random histories. TIDELOCK_REBUILDS=n runs more of them, TIDELOCK_SEED=s
// begins at s; a failure names its seed and step.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <utility>

#include "tests/scenario/rebuild_history.h"
#include "tests/scenario/same_effects.h"
#include "tests/support/effort.h"

namespace tidelock::testing {
namespace {

using Seen = std::map<std::string, int>;

class Rebuild {
 public:
  Rebuild(std::uint64_t seed, Seen& seen) : history_(seed), seen_(seen) {
    history_.world().after_plan = [this](const planner::Effects& effects) { compare(effects); };
  }

  void run() {
    auto& world = history_.world();
    for (step_ = 0; step_ < history_.length(); ++step_) {
      last_ = history_.change();
      ++seen_[last_];
      world.settle();
      again_ = true;
      world.run_until(world.now() + history_.pause());
      last_ += ", time";
      world.settle();
    }
  }

 private:
  void compare(const planner::Effects& effects) {
    // The first plan of run_until() is the last one of settle() before.
    if (std::exchange(again_, false) && effects.effects.empty()) return;
    auto& world = history_.world();
    planner::Options options;
    options.epoch = 1'000;
    planner::Planner fresh(options);
    world.tell_all(
        [&](const auto& objects) {
          for (const auto& [name, object] : objects) fresh.set(object);
        },
        reverse_ = !reverse_);
    ++seen_["plan"];
    INFO("step " << step_ << ", after: " << last_ << ", at " << world.now());
    if (const auto found = difference(effects, fresh.plan(world.time())); !found.empty()) FAIL(found);
    if (std::any_of(effects.effects.begin(), effects.effects.end(), [](const auto& e) { return !is_paced(e); }))
      return;
    // At rest: what people are told.
    const auto rows = world.planner().rows(world.time());
    REQUIRE(told(rows) == told(fresh.rows(world.time())));
    REQUIRE(told(world.planner().locks(world.time())) == told(fresh.locks(world.time())));
    for (const auto& row : rows) {
      ++seen_[std::string(api::to_string(row.action))];
      for (const auto& blocked : row.blocked_by) ++seen_[blocked.kind];
    }
  }

  RebuildHistory history_;
  Seen& seen_;
  int step_ = 0;
  bool reverse_ = false;
  bool again_ = false;
  std::string last_;
};

}  // namespace

TEST_CASE("a planner that heard of every change agrees with one that is told the facts", "[scenario][rebuild]") {
  const int histories = effort("TIDELOCK_REBUILDS", 400);
  const char* given = std::getenv("TIDELOCK_SEED");
  const int first = given == nullptr ? 1 : std::atoi(given);
  Seen seen;
  for (int i = 0; i < histories; ++i) {
    INFO("seed " << first + i);
    Rebuild(static_cast<std::uint64_t>(first + i), seen).run();
  }
  std::string counts;
  for (const auto& [what, count] : seen) counts += what + " " + std::to_string(count) + ", ";
  if (std::getenv("TIDELOCK_REBUILDS") != nullptr) WARN(counts);
  if (histories < 400) return;
  // A history in which something never happens holds nothing about it.
  for (const char* what :
       {"Install", "Upgrade", "Downgrade", "Redeploy",    "Rollback",  "Remove",   "None", "Blocked",
        "Lock",    "Budget",  "InFlight",  "Wave",        "Window",    "Approval", "Hold", "Pause",
        "Pacing",  "Backoff", "Orphaned",  "MassRemoval", "Promotion", "Reference"}) {
    INFO(what << " of " << counts);
    CHECK(seen[what] > 0);
  }
}

}  // namespace tidelock::testing
