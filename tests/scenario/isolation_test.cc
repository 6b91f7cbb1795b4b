// SPDX-License-Identifier: Apache-2.0
// What happens to one tenant changes nothing for another, unless they share a lock or a budget.
#include <catch2/catch.hpp>
#include <map>

#include "controller/base/random.h"
#include "tests/support/effort.h"
#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

// One tenant is disturbed, or not; everything else is the same for the same seed.
class Neighbours {
 public:
  Neighbours(std::uint64_t seed, bool disturbed) : random_(seed), disturbed_(disturbed) {
    const int tenants = static_cast<int>(random_.between(3, 6));
    const auto victim = random_.below(static_cast<std::uint64_t>(tenants));
    victim_ = "t" + std::to_string(victim);
    world_.environment("production");
    for (int i = 0; i < tenants; ++i) {
      const std::string name = "t" + std::to_string(i);
      world_.tenant(name, {{"name", name}});
      world_.target("w" + std::to_string(i), 1);
      api::Target object = world_.target_object("w" + std::to_string(i));
      object.spec.tenants.match_labels["name"] = name;
      world_.put(object);
    }
    world_.project("shop", {step("a", 10), step("b", 5)});
    world_.outcome = [this](const api::DeploymentTask& task, const std::string&, int) {
      const bool fails = disturbed_ && task.spec.tenant == victim_;
      return fails ? PlannerWorld::Outcome::Fail : PlannerWorld::Outcome::Succeed;
    };
  }

  // Runs of the others: task, step → begin and end.
  std::map<std::string, std::pair<double, double>> run() {
    for (int i = 1; i <= 3; ++i) {
      const std::string version = "1.0." + std::to_string(i);
      world_.release("shop", version);
      api::TenantDeploymentSpec spec;
      spec.project_ref.name = "shop";
      spec.release.version = version;
      spec.rollout.retry.limit = 1;
      spec.rollout.retry.backoff_initial = std::chrono::seconds(7);
      world_.deployment("shop", spec);
      const double pause = static_cast<double>(random_.between(5, 40));
      const auto what = random_.below(4);
      world_.run_until(world_.now() + pause);
      if (disturbed_) disturb(static_cast<int>(what));
      world_.run_until(100.0 * i);
    }
    std::map<std::string, std::pair<double, double>> runs;
    for (const auto& interval : world_.intervals()) {
      if (interval.task.find("." + victim_ + ".") != std::string::npos) continue;
      if (interval.task.find(".guest.") != std::string::npos) continue;
      runs[interval.task + "/" + interval.step] = {interval.begin, interval.end};
    }
    return runs;
  }

 private:
  void disturb(int what) {
    if (what == 0) world_.remove("Tenant", victim_);
    if (what == 1) world_.tenant("guest", {{"name", victim_}});
    if (what == 2) world_.target("w" + victim_.substr(1), 1, false);
    if (what == 3) {
      for (const auto& [name, task] : std::map(world_.tasks())) {
        if (task->spec.tenant == victim_ && !api::is_terminal(task->status.phase)) world_.orphan(name);
      }
    }
  }

  SeededRandom random_;
  const bool disturbed_;
  std::string victim_;
  PlannerWorld world_;
};

}  // namespace

TEST_CASE("what happens to one tenant changes nothing for another", "[scenario][isolation]") {
  const int worlds = effort("TIDELOCK_NEIGHBOURS", 200);
  for (int seed = 1; seed <= worlds; ++seed) {
    INFO("seed " << seed);
    const auto calm = Neighbours(static_cast<std::uint64_t>(seed), false).run();
    const auto disturbed = Neighbours(static_cast<std::uint64_t>(seed), true).run();
    REQUIRE(calm.size() > 6);
    REQUIRE(calm == disturbed);
  }
}

}  // namespace tidelock::testing
