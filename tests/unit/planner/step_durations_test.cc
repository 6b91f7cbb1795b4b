// SPDX-License-Identifier: Apache-2.0
// What steps took, and the order that is learned from it.
#include "controller/planner/step_durations.h"

#include <catch2/catch.hpp>

#include "controller/base/limits.h"
#include "controller/planner/admission.h"
#include "tests/support/planner_world.h"

namespace tidelock::planner {
namespace {

using std::chrono::microseconds;
using std::chrono::seconds;
using testing::exclusive;
using testing::PlannerWorld;
using testing::step;

api::DeploymentTask finished(const std::vector<std::pair<std::string, Duration>>& steps) {
  api::DeploymentTask task;
  task.spec.project = "shop";
  task.status.phase = api::TaskPhase::Succeeded;
  const TimePoint begin = testing::at_second(0);
  for (const auto& [name, duration] : steps) {
    task.spec.steps.push_back({step(name, 0), {}});
    api::StepStatus status;
    status.name = name;
    status.phase = api::StepPhase::Succeeded;
    status.started_at = begin;
    status.finished_at = begin + duration;
    task.status.steps.push_back(status);
  }
  return task;
}

// The order in which the tasks of a version got the lock, by tenant.
std::vector<std::string> order_of(const PlannerWorld& world, const std::string& step_name, double after) {
  std::vector<std::string> order;
  for (const auto& interval : world.intervals()) {
    if (interval.step == step_name && interval.begin >= after) order.push_back(interval.task.substr(0, 1));
  }
  return order;
}

// Three projects a, b, c of one tenant each that all want one lock in their first step; what follows
// it is longest in c.
class ThreeProjects {
 public:
  ThreeProjects() {
    world.environment("production");
    world.target("web-01", 10);
    world.tenant("t");
    api::LockGroupSpec group;
    group.capacity = 1;
    world.lock_group("config", group);
    const std::map<std::string, double> rest{{"a", 10}, {"b", 40}, {"c", 100}};
    for (const auto& [name, duration] : rest) {
      world.project(name, {step("first", 0), step("locked", 5, {exclusive("config")}), step("rest", duration)});
      world.release(name, "1.0.0");
      world.release(name, "2.0.0");
    }
  }
  void deploy(const std::string& project, const std::string& version, std::vector<std::string> order,
              int priority = 0) {
    api::TenantDeploymentSpec spec;
    spec.project_ref.name = project;
    spec.release.version = version;
    spec.rollout.order.by = std::move(order);
    spec.priority = priority;
    world.deployment(project, spec);
  }
  void learn() {
    for (const char* name : {"a", "b", "c"}) deploy(name, "1.0.0", {});
    world.run();
    begin = world.now();
  }
  PlannerWorld world;
  double begin = 0;
};

const std::vector<std::string> kLearned{kRemainingWork};
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("the duration of a step is the median over the tasks that are there", "[planner][order]") {
  StepDurations durations;
  CHECK(durations.median("shop", "a") == Duration{});
  durations.count(finished({{"a", microseconds(10)}}), 1);
  durations.count(finished({{"a", microseconds(12)}}), 1);
  durations.count(finished({{"a", microseconds(15)}}), 1);
  CHECK(durations.median("shop", "a") == microseconds(12));
  CHECK(durations.median("shop", "b") == Duration{});
  CHECK(durations.median("other", "a") == Duration{});
  CHECK(durations.take_changed() == std::set<std::string>{"shop"});
  durations.count(finished({{"a", microseconds(10)}}), -1);
  durations.count(finished({{"a", microseconds(12)}}), -1);
  CHECK(durations.median("shop", "a") == microseconds(15));
  durations.count(finished({{"a", microseconds(15)}}), -1);
  CHECK(durations.median("shop", "a") == Duration{});
}

TEST_CASE("only steps that succeeded teach, and small changes change nothing", "[planner][order]") {
  StepDurations durations;
  auto task = finished({{"a", seconds(10)}});
  task.status.steps[0].phase = api::StepPhase::Failed;
  durations.count(task, 1);
  CHECK(durations.median("shop", "a") == Duration{});
  task = finished({{"a", seconds(10)}});
  task.status.phase = api::TaskPhase::Running;
  durations.count(task, 1);
  CHECK(durations.median("shop", "a") == Duration{});
  durations.count(finished({{"a", seconds(10)}}), 1);
  durations.take_changed();
  durations.count(finished({{"a", seconds(10) + microseconds(1000)}}), 1);
  durations.count(finished({{"a", seconds(10) - microseconds(1000)}}), 1);
  CHECK(durations.take_changed().empty());
  const auto error = durations.median("shop", "a") - Duration(seconds(10));
  CHECK(std::abs(error.count()) <= Duration(seconds(10)).count() / 16);
}

TEST_CASE("short steps of tasks with much work left stand first", "[planner][order]") {
  StepDurations durations;
  auto task = finished({{"a", seconds(8)}, {"b", seconds(8)}, {"c", seconds(48)}});
  StepGroup next;
  CHECK(durations.work(task, next) == 0);
  durations.count(task, 1);
  const double at_first = durations.work(task, next);
  CHECK(at_first > 0);
  next.step = 1;
  CHECK(durations.work(task, next) > at_first);  // less work is left
  next.step = 2;
  CHECK(durations.work(task, next) > at_first);
  // Steps that run together count as the longest of them.
  task.spec.steps[1].step.start = api::StepStart::WithPrevious;
  task.spec.steps[2].step.start = api::StepStart::WithPrevious;
  next.step = 0;
  const double together = durations.work(task, next);
  auto one = finished({{"c", seconds(48)}});
  CHECK(together == durations.work(one, next));
}

TEST_CASE("the learned order puts nobody back behind those that ask a period later", "[planner][order]") {
  const Duration period = limits::kLearnedOrderPeriod;
  const auto key = [](TimePoint at, double work, const std::string& task) {
    OrderKey made;
    made.requested_at = at;
    made.work = work;
    made.task = task;
    return made;
  };
  const TimePoint begin{100 * period};
  const auto early = key(begin, 9, "early");
  CHECK(key(begin + period - microseconds(1), 1, "b") < early);  // within one period: by work
  CHECK(early < key(begin + period, 1, "b"));                    // one past it: by time
  CHECK(key(begin + period - microseconds(1), 0, "b") < early);  // whoever does not ask for it goes first
  CHECK(key(begin, 0, "early") < key(begin + microseconds(1), 0, "b"));
}

TEST_CASE("order.by remaining-work lets the task with most work left go first", "[planner][order]") {
  ThreeProjects shop;
  shop.learn();
  CHECK(order_of(shop.world, "locked", 0) == Names{"a", "b", "c"});
  for (const char* name : {"a", "b", "c"}) shop.deploy(name, "2.0.0", kLearned);
  shop.world.run();
  CHECK(order_of(shop.world, "locked", shop.begin) == Names{"c", "b", "a"});
}

TEST_CASE("without order.by the order of requests stays, whatever was learned", "[planner][order]") {
  ThreeProjects shop;
  shop.learn();
  for (const char* name : {"a", "b", "c"}) shop.deploy(name, "2.0.0", {});
  shop.world.run();
  CHECK(order_of(shop.world, "locked", shop.begin) == Names{"a", "b", "c"});
}

TEST_CASE("who asks for remaining-work puts back nobody who does not", "[planner][order]") {
  ThreeProjects shop;
  shop.learn();
  shop.deploy("a", "2.0.0", kLearned);
  shop.deploy("b", "2.0.0", {});
  shop.deploy("c", "2.0.0", kLearned);
  shop.world.run();
  CHECK(order_of(shop.world, "locked", shop.begin) == Names{"b", "c", "a"});
}

TEST_CASE("priority stands above remaining-work", "[planner][order]") {
  ThreeProjects shop;
  shop.learn();
  shop.deploy("a", "2.0.0", kLearned, 1);
  shop.deploy("b", "2.0.0", kLearned);
  shop.deploy("c", "2.0.0", kLearned);
  shop.world.run();
  CHECK(order_of(shop.world, "locked", shop.begin) == Names{"a", "c", "b"});
}

TEST_CASE("a new planner learns the same from the facts", "[planner][order]") {
  ThreeProjects shop;
  shop.learn();
  for (const char* name : {"a", "b", "c"}) shop.deploy(name, "2.0.0", kLearned);
  shop.world.settle();
  shop.world.crash_planner();
  shop.world.run();
  CHECK(order_of(shop.world, "locked", shop.begin) == Names{"c", "b", "a"});
}

}  // namespace tidelock::planner
