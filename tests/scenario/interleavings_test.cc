// SPDX-License-Identifier: Apache-2.0
// R1 and R16 in a thousand interleavings: reports of the release before come late and at any time, writes
// are lost on their way, and in no state does a wave end or a deployment get Ready by them.
#include <catch2/catch.hpp>

#include "controller/base/random.h"
#include "tests/support/effort.h"
#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

class Interleaving {
 public:
  explicit Interleaving(std::uint64_t seed) : random_(seed) {
    world_.environment("production");
    world_.target("w", 10);
    for (int i = 0; i < 4; ++i) world_.tenant("t" + std::to_string(i), {{"ring", i == 0 ? "canary" : "rest"}});
    api::HealthCheck check;
    check.script = api::ScriptStep{"sh", "true"};
    world_.project("shop", {step("a", 10)}, {}, check);
    wish("1.0.0");
    run_for(40);
    settle_health();
    REQUIRE(is_ready());
  }

  void run() {
    world_.lose = [this](const planner::Effect&) { return random_.chance(0.3); };
    world_.after_step = [this] { check_always(); };
    wish("2.0.0");
    check_always();
    for (int i = 0; i < 12; ++i) {
      report_late();
      run_for(static_cast<double>(random_.between(0, 8)));
      if (random_.chance(0.3)) report_new(random_.below(4));
    }
    world_.lose = nullptr;
    for (int i = 0; i < 4; ++i) settle_health();
    CHECK(is_ready());
    for (const auto& [name, installation] : world_.installations())
      CHECK(installation->status.actual_release == "2.0.0");
  }

 private:
  static std::string pair(std::size_t i) { return "shop.production.t" + std::to_string(i) + ".w"; }

  void wish(const std::string& version) {
    world_.release("shop", version);
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = "shop";
    spec.release.version = version;
    spec.rollout.min_healthy = std::chrono::seconds(5);
    for (const char* ring : {"canary", "rest"}) {
      auto& wave = spec.rollout.waves.emplace_back();
      wave.name = ring;
      wave.tenants.emplace().match_labels["ring"] = ring;
    }
    world_.deployment("shop", spec);
  }
  void run_for(double seconds) { world_.run_until(world_.now() + seconds); }

  const api::DeploymentTask* newest(std::size_t i, const std::string& version) const {
    const api::DeploymentTask* found = nullptr;
    for (const auto& [name, task] : world_.tasks()) {
      const bool ours = task->spec.installation == pair(i) && task->spec.version == version;
      if (ours && task->status.phase == api::TaskPhase::Succeeded) found = task.get();
    }
    return found;
  }
  // Until every pair is healthy for long enough, wave after wave.
  void settle_health() {
    for (int round = 0; round < 3; ++round) {
      for (std::size_t i = 0; i < 4; ++i) report_new(i);
      run_for(30);
    }
  }
  void report_new(std::size_t i) {
    for (const char* version : {"2.0.0", "1.0.0"}) {
      if (newest(i, version) == nullptr) continue;
      world_.health(pair(i), true);
      return;
    }
  }
  // The release before was healthy: true, and of no account.
  void report_late() {
    const auto* old = newest(random_.below(4), "1.0.0");
    if (old == nullptr) return;
    api::DeploymentTask task = *old;
    task.status.health = api::HealthReport{true, world_.time(), ""};
    world_.put_task(task);
  }

  bool is_ready() const {
    const auto& deployment = *world_.deployments().at("shop");
    const auto* ready = api::find_condition(deployment.status.conditions, "Ready");
    return ready != nullptr && ready->status && ready->observed_generation == deployment.metadata.generation;
  }
  // What is installed and has said itself that it is healthy.
  bool healthy(std::size_t i) const {
    const auto* task = newest(i, "2.0.0");
    return task != nullptr && task->status.health && task->status.health->healthy;
  }
  void check_always() const {
    for (const auto& [name, task] : world_.tasks()) {
      const bool early =
          task->spec.version == "2.0.0" && task->spec.tenant != "t0" && task->status.grant && !healthy(0);
      if (early) FAIL(name << " started before the canary was healthy");
    }
    if (!is_ready()) return;
    for (std::size_t i = 0; i < 4; ++i) {
      if (!healthy(i)) FAIL("Ready at " << world_.now() << " although " << pair(i) << " is not");
    }
  }

  SeededRandom random_;
  PlannerWorld world_;
};

}  // namespace

TEST_CASE("R1, R16: no late report and no lost write makes anything ready", "[scenario][interleavings]") {
  const int count = effort("TIDELOCK_INTERLEAVINGS", 1000);
  for (int seed = 1; seed <= count; ++seed) {
    INFO("seed " << seed);
    Interleaving(static_cast<std::uint64_t>(seed)).run();
  }
}

}  // namespace tidelock::testing
