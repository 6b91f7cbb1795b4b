// SPDX-License-Identifier: Apache-2.0
// One run: a cluster and its people live through a time of faults, then the faults end and everything has
// to come to rest within a bound of virtual time. The same seed is the same run, to the byte.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "tests/simulation/kernel.h"

namespace tidelock::simulation {

struct RunOptions {
  std::uint64_t seed = 1;
  bool trace = false;   // printed
  bool canary = false;  // breaks an invariant on purpose at the end
};

struct RunResult {
  std::optional<Violation> violation;
  std::uint64_t trace_hash = 0;
  std::uint64_t events = 0;       // of the kernel
  std::uint64_t processes = 0;    // started on targets
  std::uint64_t watch_events = 0;
  std::uint64_t writes = 0;       // acknowledged
  Duration virtual_time{0};
  std::map<std::string, std::uint64_t> probes;
  std::string swarm;
};

RunResult run_simulation(const RunOptions& options);

// Every probe that a campaign must reach.
const std::vector<std::string>& expected_probes();

}  // namespace tidelock::simulation
