// SPDX-License-Identifier: Apache-2.0
// The people: they declare projects, locks, budgets, targets, tenants and deployments, and change their
// minds. Each action is one or a few calls; one that finds the server down is done later.
#pragma once

#include <deque>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/cluster.h"

namespace tidelock::simulation {

class Workload {
 public:
  Workload(Kernel& kernel, const Swarm& swarm, Cluster& cluster);

  // Everything that is there at the beginning.
  void build();
  // One change of mind.
  void act();
  // A release that nothing speaks against, for everybody, and nothing paused.
  void calm_down();
  // Another release for everybody, with steps long enough that some wait.
  void encore();
  // The wish of the pair as the people see it; empty = it should not be there.
  bool everything_sent() const { return outbox_.empty(); }
  // What a process of a step does.
  testing::ProcessScript script_of(const ProcessSpec& spec);
  std::size_t actions() const { return actions_; }

 private:
  void release_everything();
  using Json = nlohmann::json;
  struct Call {
    std::string method, path, body, type;
  };
  struct Deployment {
    std::string version;
    std::vector<std::string> versions;
    bool present = true;
  };

  void send(Call call);
  void flush();
  template <class T>
  void create(T object);
  void merge(const std::string& plural, const std::string& name, const Json& patch,
             const std::string& subresource = {});
  void remove(const std::string& plural, const std::string& name);

  void add_tenant(const std::string& name);
  void add_target(const std::string& name);
  void add_project(const std::string& name);
  std::string add_release(const std::string& project);
  void add_deployment(const std::string& project);
  void draw_strategy(api::RolloutStrategy& strategy);
  std::vector<api::LockRequest> locks(int from, int to);
  api::Step script_step(const std::string& name);

  void change_release();
  void cancel_task();
  void pause_something();
  void resize_something();
  void remove_something();
  void free_orphans(bool all);
  std::string any(const std::vector<std::string>& names);

  Kernel& kernel_;
  const Swarm& swarm_;
  Cluster& cluster_;
  SeededRandom random_;
  std::deque<Call> outbox_;
  bool flushing_ = false;
  std::vector<std::string> targets_, projects_;
  std::set<std::string> tenants_;
  std::map<std::string, Deployment> deployments_;  // by project
  std::map<int, int> capacity_;                    // of lock groups, at the beginning
  std::set<std::pair<std::string, std::string>> paused_;
  int next_version_ = 0;
  int next_tenant_ = 0;
  bool calm_ = false;
  bool encore_ = false;
  Duration shortest_timeout_ = std::chrono::hours(1);  // of a step
  std::size_t actions_ = 0;
};

}  // namespace tidelock::simulation
