// SPDX-License-Identifier: Apache-2.0
// A namespace in virtual time: objects with versions, a planner whose effects are applied, and an
// agent that runs granted steps as long as their script body says (in seconds).
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "controller/planner/planner.h"

namespace tidelock::testing {

TimePoint at_second(double second);  // of the world's time, which begins at 2026-01-01T00:00:00Z
double second_of(TimePoint time);

struct Interval {
  std::string task;
  std::string step;
  int attempt = 1;
  double begin = 0;
  double end = 0;
};

class PlannerWorld {
 public:
  explicit PlannerWorld(planner::Options options = {});

  // ---- objects; an existing one is replaced with a new version and generation.
  void project(const std::string& name, std::vector<api::Step> steps,
               std::vector<api::LockRequest> locks = {}, std::optional<api::HealthCheck> check = {},
               const std::string& drift = "Report");
  void release(const std::string& project, const std::string& version);
  void environment(const std::string& name);
  void tenant(const std::string& name, std::map<std::string, std::string> labels = {});
  void target(const std::string& name, int max_concurrent, bool ready = true);
  void lock_group(const std::string& name, api::LockGroupSpec spec);
  void budget(const std::string& name, int max, api::PairSelector selector = {});
  void deployment(const std::string& name, api::TenantDeploymentSpec spec);
  template <class T>
  void put(T object);
  void remove(const std::string& kind, const std::string& name);
  void heartbeat(const std::string& target);
  api::Project project_object(const std::string& name) const { return *projects_.at(name); }
  api::Target target_object(const std::string& name) const { return *targets_.at(name); }
  // Calls tell(map of name → object) for every kind.
  template <class Tell>
  void tell_all(Tell tell, bool reverse) const {
    if (reverse) {
      tell(tasks_), tell(installations_), tell(rollouts_), tell(deployments_), tell(budgets_),
          tell(lock_groups_), tell(holds_), tell(approvals_), tell(windows_);
      tell(targets_), tell(tenants_), tell(environments_), tell(releases_), tell(projects_);
    } else {
      tell(projects_), tell(releases_), tell(environments_), tell(tenants_), tell(targets_),
          tell(lock_groups_);
      tell(windows_), tell(approvals_), tell(holds_), tell(budgets_), tell(deployments_);
      tell(rollouts_), tell(installations_), tell(tasks_);
    }
  }

  // ---- time
  void settle();  // plan and apply until nothing is left to do now
  void run_until(double second);
  void run(double second_max = 1e6);  // until nothing happens any more
  double now() const { return second_of(now_); }
  TimePoint time() const { return now_; }

  // ---- the agent. Unless told, every step succeeds.
  enum class Outcome { Succeed, Fail, Retry };
  std::function<Outcome(const api::DeploymentTask&, const std::string& step, int attempt)> outcome;
  std::string report_digest;  // what the agent reports instead of the truth; empty = the truth
  bool half_removals = false;  // true: removals fail once the receipt is gone
  bool agent_works = true;    // false: granted steps do not run
  void drift(const std::string& installation);  // the newest success is no longer what is there
  void annotate(const std::string& deployment, const std::string& key, const std::string& value);
  void crash_planner();       // a new planner that is told the facts
  void interrupt(const std::string& task);  // the agent died, its processes are proven dead
  void orphan(const std::string& task);
  std::set<std::string> silent;  // tasks of which the executor never says anything
  void prove_dead(const std::string& task);  // … until it does: they timed out
  void health(const std::string& installation, bool healthy);  // a report on the newest success
  void put_task(api::DeploymentTask task) { store(std::move(task)); }  // any other word of the agent

  // ---- what is
  planner::Planner& planner() { return *planner_; }
  const std::map<std::string, planner::Ptr<api::DeploymentTask>>& tasks() const { return tasks_; }
  const std::map<std::string, planner::Ptr<api::Installation>>& installations() const {
    return installations_;
  }
  const std::map<std::string, planner::Ptr<api::TenantDeployment>>& deployments() const {
    return deployments_;
  }
  const std::map<std::string, planner::Ptr<api::Rollout>>& rollouts() const { return rollouts_; }
  const std::map<std::string, planner::Ptr<api::LockGroup>>& lock_groups() const {
    return lock_groups_;
  }
  const std::map<std::string, planner::Ptr<api::ConcurrencyBudget>>& budgets() const {
    return budgets_;
  }
  const std::map<std::string, planner::Ptr<api::ReleaseHold>>& holds() const { return holds_; }
  const std::map<std::string, planner::Ptr<api::DeploymentWindow>>& windows() const { return windows_; }
  const std::vector<Interval>& intervals() const { return intervals_; }
  const std::map<std::string, int>& writes() const { return writes_; }  // "Installation/x" → count
  int plans() const { return plans_; }
  // Called after every change of the world, for checkers.
  std::function<void()> after_step;
  // Called with what the planner wants, before any of it is applied.
  std::function<void(const planner::Effects&)> after_plan;
  // Whether to lose this effect (as a failed write would).
  std::function<bool(const planner::Effect&)> lose;

 private:
  const api::DeploymentTask& newest_success(const std::string& installation) const;
  template <class T>
  std::map<std::string, planner::Ptr<T>>& all();
  template <class T>
  void store(T object);
  void apply(const planner::Effect& effect);
  template <class T, class Change>
  void change_status(const Change& change);
  void agent_sees(const api::DeploymentTask& task);
  void finish_group(const std::string& task, std::int64_t fence);
  void finish_task(api::DeploymentTask task);
  std::string next_version() { return std::to_string(++version_); }

  planner::Options options_;
  std::unique_ptr<planner::Planner> planner_;
  TimePoint now_;
  TimePoint next_plan_ = kNever;
  std::int64_t version_ = 0;
  std::int64_t uid_ = 0;
  int plans_ = 0;
  std::map<std::string, planner::Ptr<api::Project>> projects_;
  std::map<std::string, planner::Ptr<api::Release>> releases_;
  std::map<std::string, planner::Ptr<api::Environment>> environments_;
  std::map<std::string, planner::Ptr<api::Tenant>> tenants_;
  std::map<std::string, planner::Ptr<api::Target>> targets_;
  std::map<std::string, planner::Ptr<api::LockGroup>> lock_groups_;
  std::map<std::string, planner::Ptr<api::ConcurrencyBudget>> budgets_;
  std::map<std::string, planner::Ptr<api::TenantDeployment>> deployments_;
  std::map<std::string, planner::Ptr<api::DeploymentWindow>> windows_;
  std::map<std::string, planner::Ptr<api::Approval>> approvals_;
  std::map<std::string, planner::Ptr<api::ReleaseHold>> holds_;
  std::map<std::string, planner::Ptr<api::Rollout>> rollouts_;
  std::map<std::string, planner::Ptr<api::Installation>> installations_;
  std::map<std::string, planner::Ptr<api::DeploymentTask>> tasks_;
  std::map<std::string, std::int64_t> seen_fence_;  // by task
  // What the agent will report: time → (task, fence).
  std::multimap<TimePoint, std::pair<std::string, std::int64_t>> running_;
  std::vector<Interval> intervals_;
  std::map<std::string, int> writes_;
};

api::Step step(const std::string& name, double seconds, std::vector<api::LockRequest> locks = {});
api::LockRequest exclusive(const std::string& group);
api::LockRequest shared(const std::string& group);
api::LockRequest units(const std::string& group, int count);

}  // namespace tidelock::testing
