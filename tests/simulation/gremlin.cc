// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/gremlin.h"

namespace tidelock::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

}  // namespace

Gremlin::Gremlin(Kernel& kernel, const Swarm& swarm, Cluster& cluster)
    : kernel_(kernel), swarm_(swarm), cluster_(cluster) {
  const auto add = [this](bool on, std::function<void()> fault) {
    if (on) faults_.push_back(std::move(fault));
  };
  add(swarm.crash_server, [this] {
    if (kernel_.random().below(2) == 0) return crash_server();
    // While writes wait for the disk.
    cluster_.store().on_waiting = [this] {
      kernel_.after(kernel_.between(Duration{1}, milliseconds(1)), [this] { crash_server(); });
    };
  });
  add(swarm.crash_controller,
      [this] { cluster_.crash_controller(kernel_.random().below(cluster_.controllers())); });
  add(swarm.crash_agent, [this] { cluster_.crash_agent(agent_index()); });
  add(swarm.kill_at_disk, [this] {
    AgentHost& host = any_agent();
    if (host.disk == nullptr) return;
    kernel_.probe("an agent dies inside a disk operation");
    host.disk->kill_at(1 + kernel_.random().below(12));
  });
  add(swarm.lose_power, [this] { cluster_.lose_power(agent_index()); });
  add(swarm.freeze, [this] { freeze(milliseconds(100), seconds(5)); });
  add(swarm.freeze_long, [this] { freeze(seconds(5), seconds(60)); });
  add(swarm.jump_clock, [this] { jump_clock(); });
  add(swarm.partition, [this] {
    cluster_.network().partition(any_node().name(), kernel_.between(seconds(1), seconds(40)));
  });
  add(swarm.disk_full, [this] { fill_disk(); });
  add(swarm.disk_error, [this] {
    AgentHost& host = any_agent();
    const bool torn = kernel_.random().below(2) == 0;
    host.machine.disk.fail_at(1 + kernel_.random().below(10),
                              torn ? testing::MemoryDisk::Fault::Torn
                                   : testing::MemoryDisk::Fault::Error);
  });
  add(swarm.store_full, [this] {
    cluster_.store().faults.full = true;
    kernel_.after(kernel_.between(milliseconds(100), seconds(10)),
                  [this] { cluster_.store().faults.full = false; });
  });
  add(swarm.compact, [this] {
    (void)cluster_.store().durable().compact_step(cluster_.store().revision());
  });
  add(swarm.unprobeable, [this] { hide_processes(); });
}

void Gremlin::crash_server() {
  if (!cluster_.server_up() || kernel_.now() >= end_) return;
  cluster_.crash_server();
  kernel_.after(kernel_.between(milliseconds(10), seconds(20)), [this] { cluster_.start_server(); });
}

void Gremlin::start(TimePoint end) {
  end_ = end;
  if (!faults_.empty()) plan();
}

void Gremlin::plan() {
  const Duration wait = kernel_.between(Duration{1}, swarm_.gremlin_mean * 2);
  if (kernel_.now() + wait >= end_) return;
  kernel_.after(wait, [this] {
    faults_[kernel_.random().below(faults_.size())]();
    plan();
  });
}

Node& Gremlin::any_node() {
  const std::size_t index =
      kernel_.random().below(cluster_.controllers() + cluster_.agents());
  if (index < cluster_.controllers()) return cluster_.controller(index);
  return cluster_.agent(index - cluster_.controllers()).node;
}
AgentHost& Gremlin::any_agent() { return cluster_.agent(agent_index()); }

void Gremlin::freeze(Duration low, Duration high) {
  any_node().freeze(kernel_.between(low, high));
}

void Gremlin::jump_clock() {
  const Duration by = kernel_.between(-seconds(20), seconds(20));
  if (kernel_.random().below(4) == 0) return cluster_.jump_server_clock(by);
  any_node().jump_clock(by);
}

void Gremlin::fill_disk() {
  testing::MemoryDisk& disk = any_agent().machine.disk;
  kernel_.probe("the disk of a target is full");
  disk.set_quota(disk.bytes_used() + kernel_.random().below(200));
  kernel_.after(kernel_.between(seconds(1), seconds(30)), [&disk] { disk.set_quota(UINT64_MAX); });
}

// Nobody can tell whether what runs now is alive.
void Gremlin::hide_processes() {
  const std::size_t index = agent_index();
  Machine& machine = cluster_.agent(index).machine;
  for (const auto& interval : machine.processes.intervals()) {
    const std::string file = interval.spec.lock_file;
    if (!machine.processes.alive(file)) continue;
    machine.processes.set_unprobeable(file, true);
    kernel_.after(kernel_.between(seconds(5), seconds(120)),
                  [&machine, file] { machine.processes.set_unprobeable(file, false); });
  }
  // The next agent has to ask.
  if (kernel_.random().below(2) == 0) cluster_.crash_agent(index);
}

}  // namespace tidelock::simulation
