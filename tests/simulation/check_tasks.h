// SPDX-License-Identifier: Apache-2.0
// What must hold of tasks in every state of the API: one started per pair, locks and budgets kept by the
// grants, fences that rise, statuses that go forward.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/kernel.h"
#include "tests/simulation/truth.h"

namespace tidelock::simulation {

using TaskPtr = std::shared_ptr<const api::DeploymentTask>;

// A lock as somebody holds it.
struct HeldLock {
  std::string task;
  api::TaskLock lock;
};

// The greatest capacity and budgets that ever were in force: shrinking never evicts.
class Capacities {
 public:
  void changed(const std::shared_ptr<const api::LockGroup>& group);
  void changed(const std::shared_ptr<const api::ConcurrencyBudget>& budget);
  void changed(const std::shared_ptr<const api::Target>& target);
  // Nullopt: no bound, or not known.
  std::optional<int> of_lock(const std::string& instance) const;
  std::optional<int> of_budget(const std::string& name) const;

 private:
  std::map<std::string, std::optional<int>> groups_;
  std::map<std::string, int> budgets_;
  std::map<std::string, int> slots_;
};

// Tasks that were granted by a planner whose lease was over when its request arrived, in a run where clocks
// jump: it may not know, and goes on from what it reads. Else a new planner takes the tasks over before its
// first grant, so that a late one is refused.
using LateGrants = std::set<std::string>;  // uids

// Empty = fine; else what is wrong.
std::string conflict_of(const std::vector<HeldLock>& held, const Capacities& capacities);

class TaskChecker {
 public:
  TaskChecker(Kernel& kernel, const Truth& truth, const Capacities& capacities, bool clocks_jump)
      : kernel_(kernel), truth_(truth), capacities_(capacities), clocks_jump_(clocks_jump) {}
  void changed(const TaskPtr& before, const TaskPtr& after);
  const LateGrants& late_grants() const { return late_; }

 private:
  void check_fence(const TaskPtr& before, const api::DeploymentTask& task);
  void check_forward(const api::DeploymentTask& before, const api::DeploymentTask& after);
  void check_all();

  Kernel& kernel_;
  const Truth& truth_;
  const Capacities& capacities_;
  const bool clocks_jump_;
  std::map<api::Fence, std::string> fences_;
  std::int64_t newest_epoch_ = 0;  // of a grant
  LateGrants late_;
  // Orphans have no slot (semantics.md §3). One that turns out alive goes on, whoever has its slot by then.
  std::set<std::string> returned_;  // uids
};

// A step of the task is under way, as far as the API knows.
bool runs_a_step(const api::DeploymentTask& task);

}  // namespace tidelock::simulation
