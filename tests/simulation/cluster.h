// SPDX-License-Identifier: Apache-2.0
// The whole product on one thread: an API server over its store, controllers, and an agent on each target,
// joined by the network. Knows how to start and to break each part; when is decided elsewhere.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/apiserver/apiserver.h"
#include "controller/client/api_client.h"
#include "tests/simulation/check_leader.h"
#include "tests/simulation/check_processes.h"
#include "tests/simulation/check_status.h"
#include "tests/simulation/check_wire.h"
#include "tests/simulation/machine.h"
#include "tests/simulation/network.h"
#include "tests/simulation/sim_store.h"
#include "tests/simulation/swarm.h"

namespace tidelock::simulation {

class ServerClock final : public Clock {
 public:
  explicit ServerClock(Kernel& kernel) : kernel_(kernel) {}
  Duration offset{0};
  TimePoint now() override { return kernel_.now() + offset; }

 private:
  Kernel& kernel_;
};

// One agent and the machine that it runs on.
struct AgentHost {
  AgentHost(Kernel& kernel, std::string target_name, testing::FakeProcessRunner::Decide decide)
      : target(std::move(target_name)),
        machine(kernel, std::move(decide)),
        node(kernel, target.empty() ? "agent" : "agent-" + target) {}
  std::string target;  // empty: all that are Local
  Machine machine;
  Node node;
  KillerDisk* disk = nullptr;  // of the present life
};

class Cluster {
 public:
  Cluster(Kernel& kernel, const Swarm& swarm);
  ~Cluster();

  // --- parts ---
  void start();
  std::size_t controllers() const { return controllers_.size(); }
  std::size_t agents() const { return agents_.size(); }
  Node& controller(std::size_t index) { return *controllers_[index]; }
  AgentHost& agent(std::size_t index) { return *agents_[index]; }
  Network& network() { return network_; }
  SimStore& store() { return store_; }
  bool server_up() const { return server_ != nullptr; }

  void crash_server();
  void start_server();
  void crash_controller(std::size_t index);
  void crash_agent(std::size_t index);
  void lose_power(std::size_t index);
  void jump_server_clock(Duration by) { server_clock_.offset += by; }
  // Everything that is down starts, all clocks are right, all disks work.
  void heal();

  // A call of a person, without a network. Fails while the server is down.
  Result<http::Response> call(const std::string& method, const std::string& path,
                              const std::string& body, const std::string& content_type);

  // --- what is true ---
  const Truth& truth() const { return truth_; }
  const Capacities& capacities() const { return capacities_; }
  // After each event.
  void observe() { truth_.poll(); }
  const ProcessChecker& processes() const { return process_checker_; }
  const WireChecker& wire() const { return wire_checker_; }
  void check_disks();

  // What a process will do; set before start().
  testing::FakeProcessRunner::Decide decide;
  bool healed = false;

  // Truth's listener.
  template <class T>
  void changed(const std::shared_ptr<const T>& before, const std::shared_ptr<const T>& after) {
    status_checker_.changed(before, after);
    if constexpr (requires { capacities_.changed(after); }) capacities_.changed(after);
    if constexpr (std::is_same_v<T, api::DeploymentTask>) task_checker_.changed(before, after);
  }

 private:
  class QuietLogs;
  void start_controller(std::size_t index);
  void start_agent(std::size_t index);
  void plan_server_step(TimePoint at);
  Duration restart_delay();

  Kernel& kernel_;
  const Swarm& swarm_;
  SimStore store_;
  ServerClock server_clock_;
  SeededRandom server_random_;
  std::unique_ptr<http::Handler> logs_;
  Network network_;
  Truth truth_;
  Capacities capacities_;
  TaskChecker task_checker_;
  StatusChecker status_checker_;
  ProcessChecker process_checker_;
  WireChecker wire_checker_;
  LeaderChecker leader_checker_;
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<http::Transport> person_;
  std::uint64_t server_life_ = 0;
  TimePoint server_step_at_ = kNever;
  std::vector<std::unique_ptr<Node>> controllers_;
  std::vector<std::unique_ptr<AgentHost>> agents_;
};

}  // namespace tidelock::simulation
