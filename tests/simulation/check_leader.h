// SPDX-License-Identifier: Apache-2.0
// What planners may send, as the wire shows it: each acquisition of the lease raises its epoch, grants come
// only from the holder while its lease runs and when it has read all tasks, and none goes out while the fate
// of another is unknown.
#pragma once

#include <map>
#include <set>
#include <string>

#include "controller/http/message.h"
#include "tests/simulation/network.h"
#include "tests/simulation/truth.h"

namespace tidelock::simulation {

class LeaderChecker {
 public:
  // With clocks that jump nobody can know that a lease is over.
  LeaderChecker(Kernel& kernel, const Truth& truth, Duration lease, bool clocks_jump)
      : kernel_(kernel), truth_(truth), lease_(lease), clocks_jump_(clocks_jump) {}
  void submitted(const Node& node, const http::Request& request);
  // The sender hears of it.
  void answered(const Sender& sender, const http::Request& request, const Result<http::Response>& answer);

 private:
  struct Planner {
    std::uint64_t life = 0;
    TimePoint lease_until;            // by its own last acknowledged write
    TimePoint leads_since;
    bool has_read = false;            // all tasks, since it leads
    std::set<std::string> inherited;  // uids of tasks that it found unfinished
    std::set<std::string> unsettled;  // paths of grants that may have happened
  };
  Planner& planner_of(const std::string& node, std::uint64_t life);
  void check_takeover(const Node& node, Planner& planner);
  void check_grant(const Node& node, const http::Request& request, std::int64_t fence);
  void check_lease(const Sender& sender, Planner& planner, const http::Response& answer);

  Kernel& kernel_;
  const Truth& truth_;
  const Duration lease_;
  const bool clocks_jump_;
  std::map<std::string, Planner> planners_;
  // The lease as last acknowledged.
  std::pair<std::string, std::uint64_t> holder_;  // node and life
  std::int64_t epoch_ = 0;
  store::Revision revision_ = 0;
};

}  // namespace tidelock::simulation
