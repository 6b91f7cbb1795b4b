// SPDX-License-Identifier: Apache-2.0
// L14: random systems of locks, budgets, steps, failures and crashes. TIDELOCK_SYSTEMS=n runs more;
// a failure names its seed. The checker reads task statuses only and shares no code with the
// planner.
#include "controller/base/random.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <sstream>

#include "tests/support/effort.h"
#include "tests/support/planner_world.h"

namespace tidelock::testing {
namespace {

using api::DeploymentTask;
using api::StepPhase;

class System {
 public:
  explicit System(std::uint64_t seed) : random_(seed) {
    world_.after_step = [this] { check_always(); };
    world_.outcome = [this](const DeploymentTask&, const std::string&, int) {
      const auto dice = random_.below(20);
      return dice == 0 && faults_  ? PlannerWorld::Outcome::Fail
             : dice < 3 && faults_ ? PlannerWorld::Outcome::Retry
                                   : PlannerWorld::Outcome::Succeed;
    };
    world_.lose = [this](const planner::Effect& effect) {
      const auto* grant = std::get_if<planner::GrantTask>(&effect);
      if (grant != nullptr) check_fence(*grant);
      return faults_ && random_.chance(0.05);
    };
    build();
  }

  void run() {
    for (int i = 0; i < 12; ++i) {
      world_.run_until(world_.now() + static_cast<double>(random_.below(25)));
      check_rest();
      fault();
    }
    faults_ = false;
    settle_orphans();
    world_.run(1e6);
    check_rest();
    for (const auto& [name, task] : world_.tasks()) {
      INFO(name);
      CHECK(api::is_terminal(task->status.phase));
    }
    for (const auto& [name, installation] : world_.installations()) {
      INFO(name);
      bool settled = false;
      for (const auto& condition : installation->status.conditions) {
        settled = settled ||
                  (condition.status && (condition.type == "Ready" || condition.type == "Stalled"));
      }
      CHECK(settled);
    }
  }

 private:
  void build() {
    world_.environment("production");
    const auto targets = random_.between(1, 3);
    for (int i = 0; i < targets; ++i) {
      const std::string name = "w" + std::to_string(i);
      world_.target(name, slots_[name] = static_cast<int>(random_.between(1, 3)));
    }
    for (int i = 0; i < 4; ++i) {
      api::LockGroupSpec spec;
      spec.granularity = i < 2 ? api::LockGranularity::Deployment : api::LockGranularity::Step;
      spec.scope = random_.chance(0.5) ? api::LockScope::Global : api::LockScope::Target;
      if (random_.chance(0.8)) {
        capacity_[i] = static_cast<int>(random_.between(1, 3));
        spec.capacity = capacity_[i];
      }
      if (random_.chance(0.2)) spec.max_bypass = 2;
      world_.lock_group("g" + std::to_string(i), spec);
    }
    if (random_.chance(0.8)) {
      budget_ = static_cast<int>(random_.between(1, 4));
      world_.budget("all", *budget_);
    }
    if (random_.chance(0.3)) {
      inner_ = static_cast<int>(random_.between(1, 2));
      api::PairSelector selector;
      selector.targets.match_labels["name"] = "w0";
      world_.budget("inner", *inner_, selector);
    }
    const auto tenants = random_.between(1, 4);
    for (int i = 0; i < tenants; ++i) world_.tenant("t" + std::to_string(i));
    const auto projects = random_.between(1, 3);
    for (int i = 0; i < projects; ++i) add_project("p" + std::to_string(i));
  }

  std::vector<api::LockRequest> requests(int from, int to) {
    std::vector<api::LockRequest> locks;
    for (int i = from; i <= to; ++i) {
      if (!random_.chance(0.4)) continue;
      const std::string group = "g" + std::to_string(i);
      const int most = capacity_.count(i) != 0 ? capacity_[i] : 3;
      if (random_.chance(0.4))
        locks.push_back(exclusive(group));
      else if (random_.chance(0.5))
        locks.push_back(shared(group));
      else
        locks.push_back(units(group, static_cast<int>(random_.between(1, most))));
    }
    return locks;
  }

  void add_project(const std::string& name) {
    std::vector<api::Step> steps;
    const auto count = random_.between(1, 4);
    for (int i = 0; i < count; ++i) {
      auto made = step("s" + std::to_string(i), static_cast<double>(random_.between(0, 10)),
                       requests(2, 3));
      if (i > 0 && random_.chance(0.2)) made.start = api::StepStart::WithPrevious;
      if (random_.chance(0.1)) made.isolation = api::StepIsolation::Exclusive;
      made.retry.limit = static_cast<int>(random_.between(0, 2));
      steps.push_back(made);
    }
    world_.project(name, steps, requests(0, 1));
    deploy(name, "1.0.0");
  }

  void deploy(const std::string& name, const std::string& version) {
    world_.release(name, version);
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = name;
    spec.release.version = version;
    spec.priority = static_cast<int>(random_.chance(0.7) ? 0 : random_.between(1, 2));
    spec.rollout.retry.limit = static_cast<int>(random_.between(0, 1));
    if (random_.chance(0.3)) spec.rollout.supersede = api::Supersede::StopAtStepBoundary;
    if (random_.chance(0.3)) spec.rollout.max_in_flight = static_cast<int>(random_.between(1, 3));
    world_.deployment(name, spec);
  }

  std::vector<std::string> started() const {
    std::vector<std::string> names;
    for (const auto& [name, task] : world_.tasks()) {
      if (task->status.grant && task->status.phase == api::TaskPhase::Running)
        names.push_back(name);
    }
    return names;
  }

  void fault() {
    const auto names = started();
    switch (random_.below(6)) {
      case 0:
        world_.crash_planner();
        fence_ = 0;
        break;
      case 1:
        if (!names.empty()) world_.interrupt(names[random_.below(names.size())]);
        break;
      case 2:
        if (!names.empty()) world_.orphan(names[random_.below(names.size())]);
        break;
      case 3:
        deploy("p0", "1." + std::to_string(++version_) + ".0");
        break;
      case 4:
        settle_orphans();
        break;
      default:
        break;
    }
    world_.settle();
  }
  void settle_orphans() {
    const auto tasks = world_.tasks();
    for (const auto& [name, task] : tasks) {
      if (task->status.phase == api::TaskPhase::Orphaned) world_.interrupt(name);
    }
  }

  void check_fence(const planner::GrantTask& grant) {
    const auto fence = grant.grant.fence.epoch * 1'000'000'000 + grant.grant.fence.sequence;
    // A grant that is asked for again keeps its fence.
    if (fences_.count({grant.name, fence}) != 0) return;
    fences_.insert({grant.name, fence});
    CHECK(fence > fence_);
    fence_ = fence;
  }

  static bool runs(const DeploymentTask& task) {
    if (!task.status.grant || api::is_terminal(task.status.phase)) return false;
    const auto& grant = *task.status.grant;
    for (int i = grant.step; i < grant.step + grant.step_count; ++i) {
      const auto index = static_cast<std::size_t>(i);
      if (index >= task.status.steps.size()) return true;
      const auto& status = task.status.steps[index];
      if (status.phase == StepPhase::Running) return true;
      if (status.phase == StepPhase::Pending && status.attempt < grant.step_attempt &&
          !status.retry_at)
        return true;
    }
    return false;
  }

  struct Held {
    std::string task;
    api::TaskLock lock;
  };

  // Exclusion, capacity, one started task per pair, budgets: in every state of the world.
  void check_always() {
    std::map<std::string, std::vector<Held>> held;
    std::map<std::string, int> pairs;
    int running = 0;
    int running_inside = 0;
    for (const auto& [name, task] : world_.tasks()) {
      if (!task->status.grant || api::is_terminal(task->status.phase)) continue;
      ++pairs[task->spec.installation];
      for (const auto& lock : task->status.grant->locks)
        held[lock.instance].push_back({name, lock});
      if (!runs(*task)) continue;
      if (task->status.phase == api::TaskPhase::Running) ++running;
      if (task->status.phase == api::TaskPhase::Running && task->spec.target == "w0")
        ++running_inside;
      for (const auto& lock : task->status.grant->step_locks)
        held[lock.instance].push_back({name, lock});
    }
    for (const auto& [pair, count] : pairs) REQUIRE(count == 1);
    if (budget_) REQUIRE(running <= *budget_);
    if (inner_) REQUIRE(running_inside <= *inner_);
    for (const auto& [instance, holders] : held) check_lock(instance, holders);
    check_paths(held);
  }

  std::optional<int> capacity_of(const std::string& instance) const {
    const auto slash = instance.rfind('/');
    const std::string last = instance.substr(slash + 1);
    if (last == "slots") {
      const auto begin = instance.find('/') + 1;
      for (const auto& [name, slots] : slots_) {
        if (instance.substr(begin, instance.find('/', begin) - begin) == name) return slots;
      }
      return std::nullopt;
    }
    const auto group = world_.lock_groups().find(last);
    return group == world_.lock_groups().end() ? std::nullopt : group->second->spec.capacity;
  }

  void check_lock(const std::string& instance, const std::vector<Held>& holders) {
    INFO(instance);
    int units = 0;
    bool alone = true;
    for (const auto& holder : holders) {
      if (holder.lock.mode == api::LockMode::Exclusive) alone = holders.size() == 1;
      if (holder.lock.mode == api::LockMode::Shared) units += holder.lock.units;
      if (!alone) FAIL(instance << " is held beside an exclusive holder");
    }
    const auto capacity = capacity_of(instance);
    if (capacity && units > *capacity) FAIL(instance << " is held beyond its capacity");
  }

  static void check_paths(const std::map<std::string, std::vector<Held>>& held) {
    std::string before;
    for (const auto& [instance, holders] : held) {
      if (instance.find("/path/") == std::string::npos) continue;
      if (!before.empty() && instance.rfind(before + "/", 0) == 0)
        FAIL(instance << " is below " << before);
      before = instance;
    }
  }

  // With nothing left to do now: who waits knows why, and whom it names is there.
  void check_rest() {
    world_.settle();
    for (const auto& [name, task] : world_.tasks()) {
      if (api::is_terminal(task->status.phase) || task->status.grant) continue;
      const auto blocked = world_.planner().why(task->spec.installation, world_.time());
      INFO(name << " at " << world_.now());
      REQUIRE(!blocked.empty());
      for (const auto& one : blocked) {
        if (one.holder.empty()) continue;
        const auto holder = world_.tasks().find(one.holder);
        REQUIRE(holder != world_.tasks().end());
        CHECK(!api::is_terminal(holder->second->status.phase));
      }
      check_not_idle(*task);
    }
  }

  // No task waits while everything it wants is held and wanted by nobody else.
  void check_not_idle(const DeploymentTask& task) {
    std::set<std::string> wanted;
    for (const auto& lock : task.spec.locks) wanted.insert(lock.instance);
    if (!task.spec.steps.empty()) {
      for (const auto& lock : task.spec.steps.front().needs) wanted.insert(lock.instance);
    }
    for (const auto& [name, other] : world_.tasks()) {
      if (name == task.metadata.name || api::is_terminal(other->status.phase)) continue;
      for (const auto& lock : other->spec.locks) {
        if (wanted.count(lock.instance) != 0) return;
      }
      if (other->status.grant || budget_ || inner_) return;
    }
    FAIL(task.metadata.name << " waits for nobody");
  }

  SeededRandom random_;
  PlannerWorld world_;
  std::map<int, int> capacity_;
  std::map<std::string, int> slots_;
  std::optional<int> budget_, inner_;
  std::set<std::pair<std::string, std::int64_t>> fences_;
  std::int64_t fence_ = 0;
  int version_ = 0;
  bool faults_ = true;
};

}  // namespace

TEST_CASE("L14: random systems finish and keep exclusion, capacity and budgets",
          "[scenario][random]") {
  const int systems = effort("TIDELOCK_SYSTEMS", 3000);
  const char* first = std::getenv("TIDELOCK_SEED");
  for (int i = 0; i < systems; ++i) {
    const int seed = (first == nullptr ? 1 : std::atoi(first)) + i;
    INFO("seed " << seed);
    System(static_cast<std::uint64_t>(seed)).run();
  }
}

}  // namespace tidelock::testing
