// SPDX-License-Identifier: Apache-2.0
// The makespan of job shops under the real planner, in virtual time, against the best one known.
// Usage: jobshop [--all]   (default: a subset of a few seconds; --all: ft06, ft10, ta01 … ta80)
//
// A job is a tenant with a project of its own on one target for all; its operations are the steps; a
// machine is a lock group of capacity one that a step takes. The first release runs in strict order
// (time of request). The second one runs with `order.by: [remaining-work]`: what the planner learned
// from the first is all that it knows of durations.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "controller/planner/step_durations.h"
#include "tests/bench/jobshop_instances.h"
#include "tests/support/planner_world.h"

namespace {

using namespace tidelock;
using bench::JobShop;

std::string numbered(const char* prefix, std::size_t number) {
  const std::string digits = std::to_string(number);
  return prefix + std::string(3 - std::min<std::size_t>(3, digits.size()), '0') + digits;
}

class Shop {
 public:
  explicit Shop(const JobShop& shop) : jobs_(shop.jobs.size()) {
    world_.environment("production");
    world_.target("floor", static_cast<int>(jobs_));
    api::LockGroupSpec machine;
    machine.capacity = 1;
    for (int i = 0; i < shop.machines; ++i) {
      world_.lock_group(numbered("machine-", static_cast<std::size_t>(i)), machine);
    }
    for (std::size_t job = 0; job < jobs_; ++job) {
      const std::string name = numbered("job-", job);
      world_.tenant(name, {{"job", name}});
      std::vector<api::Step> steps;
      for (const auto& [number, duration] : shop.jobs[job]) {
        const auto lock = testing::exclusive(numbered("machine-", static_cast<std::size_t>(number)));
        steps.push_back(testing::step(numbered("operation-", steps.size()), duration, {lock}));
      }
      world_.project(name, steps);
    }
  }

  double makespan(const std::string& version, const std::vector<std::string>& order) {
    const double begin = world_.now();
    for (std::size_t job = 0; job < jobs_; ++job) {
      const std::string name = numbered("job-", job);
      world_.release(name, version);
      api::TenantDeploymentSpec spec;
      spec.project_ref.name = name;
      spec.release.version = version;
      spec.tenants = api::LabelSelector{{{"job", name}}, {}};
      spec.rollout.order.by = order;
      world_.deployment(name, spec);
    }
    world_.run();
    double end = begin;
    std::size_t succeeded = 0;
    for (const auto& interval : world_.intervals()) end = std::max(end, interval.end);
    for (const auto& [name, task] : world_.tasks()) {
      succeeded += task->spec.version == version && task->status.phase == api::TaskPhase::Succeeded;
    }
    INVARIANT(succeeded == jobs_);
    return end - begin;
  }

 private:
  std::size_t jobs_;
  testing::PlannerWorld world_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool all = argc > 1 && std::strcmp(argv[1], "--all") == 0;
  std::vector<JobShop> shops{bench::ft06(), bench::ft10()};
  for (int number = 1; number <= 80; ++number) {
    // Two of each size up to 50 jobs.
    if (all || (number <= 70 && number % 10 >= 1 && number % 10 <= 2)) shops.push_back(bench::taillard(number));
  }
  double strict_sum = 0, learned_sum = 0;
  for (const auto& instance : shops) {
    Shop shop(instance);
    const double strict = shop.makespan("1.0.0", {}) / instance.best;
    const double learned = shop.makespan("2.0.0", {planner::kRemainingWork}) / instance.best;
    strict_sum += strict;
    learned_sum += learned;
    if (all) {
      std::printf("%-5s best %5d  strict %.3f  learned %.3f\n", instance.name.c_str(), instance.best, strict,
                  learned);
    }
    std::fflush(stdout);
  }
  const double count = static_cast<double>(shops.size());
  std::printf("job shop, mean of makespan / best known over %zu instances: strict order %.3f, remaining-work %.3f\n",
              shops.size(), strict_sum / count, learned_sum / count);
  return 0;
}
