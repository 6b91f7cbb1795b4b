// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/swarm.h"

namespace tidelock::simulation {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// 0 half of the time, else up to `max`, small values more often.
double rate(Random& random, double max) {
  if (random.below(2) == 0) return 0;
  const double share = static_cast<double>(random.below(1000)) / 1000.0;
  return max * share * share;
}

}  // namespace

Swarm Swarm::draw(Random& random) {
  Swarm swarm;
  const auto on = [&random] { return random.below(2) == 0; };
  swarm.controllers = static_cast<int>(random.between(1, 3));
  swarm.targets = static_cast<int>(random.between(1, 3));
  swarm.tenants = static_cast<int>(random.between(1, 3));
  swarm.projects = static_cast<int>(random.between(1, 2));
  swarm.local_agent = random.below(5) == 0;
  swarm.stable_identity = random.below(3) == 0;
  swarm.chaos = seconds(random.between(60, 420));
  swarm.lease = seconds(random.between(5, 15));
  swarm.history = seconds(random.below(2) == 0 ? 300 : random.between(10, 60));
  swarm.step_max = seconds(random.between(1, 20));
  swarm.gremlin_mean = seconds(random.between(4, 40));
  swarm.user_mean = seconds(random.between(15, 90));
  swarm.step_fails = rate(random, 0.3);
  swarm.final_release = on();
  swarm.network.lose = rate(random, 0.15);
  swarm.network.duplicate = rate(random, 0.15);
  swarm.network.stall = rate(random, 0.05);
  swarm.network.cut = rate(random, 0.1);
  swarm.network.slow_reader = rate(random, 0.2);
  swarm.network.conflict = rate(random, 0.1);
  swarm.network.delay_max = milliseconds(random.between(1, on() ? 5 : 60));
  swarm.network.stall_max = seconds(random.between(1, 40));
  swarm.request_timeout = seconds(random.between(2, 30));
  swarm.sync_max = milliseconds(random.between(1, 20));
  for (bool* fault :
       {&swarm.crash_server, &swarm.crash_controller, &swarm.crash_agent, &swarm.kill_at_disk,
        &swarm.lose_power, &swarm.freeze, &swarm.freeze_long, &swarm.jump_clock, &swarm.partition,
        &swarm.disk_full, &swarm.disk_error, &swarm.store_full, &swarm.compact, &swarm.unprobeable,
        &swarm.waves, &swarm.cancels, &swarm.pauses, &swarm.removals, &swarm.resizes}) {
    *fault = random.below(5) < 2;
  }
  swarm.encore = swarm.final_release && random.below(3) == 0;
  return swarm;
}

std::string Swarm::text() const {
  std::string text = std::to_string(controllers) + " controllers, " + std::to_string(targets) +
                     " targets, " + std::to_string(tenants) + " tenants, " +
                     std::to_string(projects) + " projects";
  const auto add = [&text](bool on, const char* name) {
    if (on) text += std::string(", ") + name;
  };
  add(local_agent, "local-agent");
  add(stable_identity, "stable-identity");
  add(final_release, "final-release");
  add(encore, "encore");
  add(network.lose > 0, "lose");
  add(network.duplicate > 0, "duplicate");
  add(network.stall > 0, "stall");
  add(network.cut > 0, "cut");
  add(network.slow_reader > 0, "slow-reader");
  add(network.conflict > 0, "conflict");
  add(step_fails > 0, "step-fails");
  add(crash_server, "crash-server");
  add(crash_controller, "crash-controller");
  add(crash_agent, "crash-agent");
  add(kill_at_disk, "kill-at-disk");
  add(lose_power, "lose-power");
  add(freeze, "freeze");
  add(freeze_long, "freeze-long");
  add(jump_clock, "jump-clock");
  add(partition, "partition");
  add(disk_full, "disk-full");
  add(disk_error, "disk-error");
  add(store_full, "store-full");
  add(compact, "compact");
  add(unprobeable, "unprobeable");
  add(waves, "waves");
  add(cancels, "cancels");
  add(pauses, "pauses");
  add(removals, "removals");
  add(resizes, "resizes");
  return text;
}

}  // namespace tidelock::simulation
