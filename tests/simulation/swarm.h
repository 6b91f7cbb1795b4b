// SPDX-License-Identifier: Apache-2.0
// What a seed draws before a run: sizes, rates, and which faults there are at all. Each run has a random
// subset of the faults, since a fault that is everywhere hides others (swarm testing).
#pragma once

#include <string>

#include "controller/base/random.h"
#include "tests/simulation/network.h"

namespace tidelock::simulation {

struct Swarm {
  // Sizes.
  int controllers = 1;
  int targets = 1;
  int tenants = 1;
  int projects = 1;
  bool local_agent = false;  // one agent serves all targets, as in `tidelock server`
  bool stable_identity = false;  // a controller keeps its name over restarts
  Duration chaos = std::chrono::minutes(5);
  Duration lease = std::chrono::seconds(15);
  Duration history = std::chrono::minutes(5);
  Duration step_max = std::chrono::seconds(10);
  Duration gremlin_mean = std::chrono::seconds(20);
  Duration user_mean = std::chrono::seconds(60);
  double step_fails = 0;
  bool final_release = false;  // at the end of the chaos everybody gets a new release
  bool encore = false;         // and another when nothing is left of the faults

  NetworkFaults network;
  Duration request_timeout = std::chrono::seconds(30);
  Duration sync_max = std::chrono::milliseconds(2);

  // Faults that the gremlin may choose.
  bool crash_server = false;
  bool crash_controller = false;
  bool crash_agent = false;
  bool kill_at_disk = false;
  bool lose_power = false;
  bool freeze = false;
  bool freeze_long = false;
  bool jump_clock = false;
  bool partition = false;
  bool disk_full = false;
  bool disk_error = false;
  bool store_full = false;
  bool compact = false;
  bool unprobeable = false;

  // What the users do.
  bool waves = false;
  bool cancels = false;
  bool pauses = false;
  bool removals = false;
  bool resizes = false;

  static Swarm draw(Random& random);
  std::string text() const;
};

}  // namespace tidelock::simulation
