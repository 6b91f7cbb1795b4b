// SPDX-License-Identifier: Apache-2.0
// What really runs on the targets, whatever anybody believes: nothing beside an exclusive lock, nothing
// beyond a capacity or a budget, no attempt of a step twice, no fence below one that was seen.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/check_tasks.h"
#include "tests/simulation/machine.h"

namespace tidelock::simulation {

class ProcessChecker {
 public:
  ProcessChecker(Kernel& kernel, const Truth& truth, const Capacities& capacities,
                 const LateGrants& late)
      : kernel_(kernel), truth_(truth), capacities_(capacities), late_(late) {}
  // Before the process is among the machine's.
  void starting(Machine& machine, const std::string& target, const ProcessSpec& spec);
  std::uint64_t started() const { return started_; }

 private:
  struct Run {
    Machine* machine = nullptr;
    std::size_t interval = 0;  // of the machine's
    std::string task;  // name
    std::string uid;
    std::vector<api::TaskLock> locks;
    std::vector<std::string> budgets;
  };
  static bool alive(const Run& run);
  void check_fence(const api::DeploymentTask& task, const Run& run, const ProcessSpec& spec);
  void check_beside(const Run& run);
  void check_machine(const Run& run);

  Kernel& kernel_;
  const Truth& truth_;
  const Capacities& capacities_;
  const LateGrants& late_;
  std::vector<Run> live_;
  std::set<std::pair<std::string, std::string>> lock_files_;  // target and file
  std::map<std::string, std::pair<std::int64_t, std::string>> fences_;  // by lock: fence and uid
  std::map<std::pair<std::string, int>, std::string> attempts_;  // installation uid, attempt → task uid
  std::uint64_t started_ = 0;
};

}  // namespace tidelock::simulation
