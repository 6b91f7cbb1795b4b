// SPDX-License-Identifier: Apache-2.0
// What must hold when faults have ended and nothing moves any more: everything is Ready, or says why it
// cannot be; nothing is held or waited for; a planner that starts from the API alone finds nothing to do,
// so every status is true and every cache was right; targets have what the API says they have.
#pragma once

#include <string>

#include "tests/simulation/cluster.h"

namespace tidelock::simulation {

// Empty = at rest; else what is still under way.
std::string unsettled(const Truth& truth);

struct RestOptions {
  bool all_ready = false;  // there is no excuse
};
void check_rest(Kernel& kernel, Cluster& cluster, const RestOptions& options);

}  // namespace tidelock::simulation
