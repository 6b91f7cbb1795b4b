// SPDX-License-Identifier: Apache-2.0
// Breaks parts of the cluster at random times, in the ways that the swarm has.
#pragma once

#include <functional>
#include <vector>

#include "tests/simulation/cluster.h"

namespace tidelock::simulation {

class Gremlin {
 public:
  Gremlin(Kernel& kernel, const Swarm& swarm, Cluster& cluster);
  // Until `end`.
  void start(TimePoint end);

 private:
  void plan();
  void crash_server();
  Node& any_node();
  AgentHost& any_agent();
  std::size_t agent_index() { return kernel_.random().below(cluster_.agents()); }
  void freeze(Duration low, Duration high);
  void jump_clock();
  void fill_disk();
  void hide_processes();

  Kernel& kernel_;
  const Swarm& swarm_;
  Cluster& cluster_;
  std::vector<std::function<void()>> faults_;
  TimePoint end_;
};

}  // namespace tidelock::simulation
