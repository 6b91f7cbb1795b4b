// SPDX-License-Identifier: Apache-2.0
// A large namespace whose planner is told one fact at a time, and what each cost.
//
// Tenants on targets, ten each, every one at 1.0.0 with its last finished task. Two deployments take nearly
// all of them; one pair in a hundred has a deployment of its own with a rollout and an approval, and one in a
// thousand a window. One percent is moved to 1.1.0 under a budget of 50: one fact is told, plan() is timed with
// it, what plan() asks for is written and comes back as the next facts, and an agent runs three steps of each
// granted task.
//
// An event during which something else had the processor is not counted, but for its number. Memory is what
// malloc holds.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/planner_world.h"

namespace tidelock::bench {

template <class T>
using Ptr = planner::Ptr<T>;

double microseconds();

// Of one event.
struct Cost {
  std::size_t count = 0;
  double median = 0, p99 = 0;  // microseconds
};

class Fleet {
 public:
  explicit Fleet(int pairs);

  void load();
  void roll();      // events one by one
  void roll_all();  // a release for everybody, who stand before a gate then

  struct Memory {
    double facts = 0;     // the objects of the API, owned outside
    double at_rest = 0;   // all else that the planner keeps
    double rolling = 0;   // after the events of roll()
    double all_wait = 0;  // after roll_all(); zero = it did not happen
  };
  const Memory& bytes_per_pair() const { return bytes_; }
  double load_seconds() const { return load_seconds_; }
  int discarded() const { return discarded_; }  // events
  std::map<std::string, Cost> costs() const;
  double peer() const;  // microseconds of one lookup in a std::map of all installations and a copy

 private:
  struct Delivery {
    std::string event;
    std::function<void()> deliver;
  };

  int moved() const;
  int solos() const { return pairs_ / 100; }
  std::string deployment_of(int tenant) const;
  template <class T>
  void keep_common(const std::map<std::string, Ptr<T>>& objects);
  template <class T>
  Ptr<T> at_rest(const T& sample, int like) const;
  api::Tenant tenant(int number) const;
  void add_pair(int number, const testing::PlannerWorld& sample);
  void add_target(int number);
  void tell_planner();
  void come_to_rest();
  double planner_bytes();

  template <class T>
  Ptr<T>& slot(const std::string& name);
  template <class T>
  void tell(const std::string& event, T object);
  template <class T>
  void forget(const std::string& event, const std::string& kind, std::map<std::string, Ptr<T>>& all,
              const std::string& name);
  void settle();
  void settle_in_bulk(const std::string& what);
  void deliver_one();
  template <class T>
  bool fresh(const std::string& name, const std::string& based_on);
  template <class T, class Change>
  void change_status(const char* event, const Change& change);
  template <class T>
  void create(const char* event, T object, std::map<std::string, Ptr<T>>& all);
  void apply(const planner::Effect& effect);
  void one_round(int sample);
  void rare_events(int sample);
  void advance(const std::string& name);
  void wish(const std::string& deployment, const std::string& version, std::vector<api::WaveSpec> waves);

  int pairs_;
  TimePoint now_;
  std::int64_t version_ = 1'000'000;
  Ptr<api::Target> sample_target_;
  std::vector<std::function<void(planner::Planner&)>> facts_;
  std::map<std::string, Ptr<api::Tenant>> tenants_;
  std::map<std::string, Ptr<api::Target>> targets_;
  std::map<std::string, Ptr<api::TenantDeployment>> deployments_;
  std::map<std::string, Ptr<api::Rollout>> rollouts_;
  std::map<std::string, Ptr<api::Release>> releases_;
  std::map<std::string, Ptr<api::ConcurrencyBudget>> budgets_;
  std::map<std::string, Ptr<api::Approval>> approvals_;
  std::map<std::string, Ptr<api::DeploymentWindow>> windows_;
  std::map<std::string, Ptr<api::Installation>> installations_;
  std::map<std::string, Ptr<api::DeploymentTask>> tasks_;
  std::optional<planner::Planner> planner_;
  std::deque<Delivery> queue_;
  std::set<std::string> running_;
  bool recording_ = false;
  int discarded_ = 0;
  Memory bytes_;
  double load_seconds_ = 0;
  std::map<std::string, std::vector<double>> samples_;
  std::map<std::string, Cost> bulk_;  // per pair
};

}  // namespace tidelock::bench
