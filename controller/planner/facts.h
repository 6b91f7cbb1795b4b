// SPDX-License-Identifier: Apache-2.0
// What the API holds of one namespace, by kind and name, and the tasks of each installation.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "controller/planner/by_name.h"
#include "controller/planner/planner.h"

namespace tidelock::planner {

template <class T>
const T* find(const ByName<T>& objects, const std::string& name) {
  const auto place = objects.find(name);
  return place == objects.end() ? nullptr : place->second.get();
}

// The tasks of one installation by attempt.
class Attempts {
 public:
  using Item = std::pair<int, const api::DeploymentTask*>;
  void push_back(const api::DeploymentTask& task) { items_.emplace_back(task.spec.attempt, &task); }
  bool empty() const { return items_.empty(); }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  auto rbegin() const { return items_.rbegin(); }
  auto rend() const { return items_.rend(); }
  // Null = there is none.
  const api::DeploymentTask* find(int attempt) const {
    for (const auto& [number, task] : items_) {
      if (number == attempt) return task;
    }
    return nullptr;
  }

 private:
  std::vector<Item> items_;
};

struct ByAttempt {
  using is_transparent = void;
  bool operator()(const api::DeploymentTask* a, const api::DeploymentTask* b) const {
    return std::tie(a->spec.installation, a->spec.attempt) < std::tie(b->spec.installation, b->spec.attempt);
  }
  bool operator()(const api::DeploymentTask* a, const std::string& installation) const {
    return a->spec.installation < installation;
  }
  bool operator()(const std::string& installation, const api::DeploymentTask* a) const {
    return installation < a->spec.installation;
  }
};

struct Facts {
  ByName<api::Project> projects;
  ByName<api::Release> releases;
  ByName<api::Environment> environments;
  ByName<api::Tenant> tenants;
  ByName<api::Target> targets;
  ByName<api::LockGroup> lock_groups;
  ByName<api::ConcurrencyBudget> budgets;
  ByName<api::TenantDeployment> deployments;
  ByName<api::Rollout> rollouts;
  ByName<api::Installation> installations;
  ByName<api::DeploymentTask> tasks;
  ByName<api::DeploymentWindow> windows;
  ByName<api::Approval> approvals;
  ByName<api::ReleaseHold> holds;
  Attempts attempts_of(const std::string& installation) const;

  PackedSet<const api::DeploymentTask*, ByAttempt> attempts;  // by installation, then attempt
};

inline Attempts Facts::attempts_of(const std::string& installation) const {
  Attempts found;
  for (auto at = attempts.lower_bound(installation); at != attempts.end(); ++at) {
    if ((*at)->spec.installation != installation) break;
    found.push_back(**at);
  }
  return found;
}

// What keeps a pair from being planned at all.
struct Problem {
  std::string kind;  // Reference: something is missing. Invalid: something is wrong.
  std::string name;  // "Release storefront-1.0.0"
  std::string message;
  bool operator==(const Problem&) const = default;
};

}  // namespace tidelock::planner
