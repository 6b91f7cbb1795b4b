// SPDX-License-Identifier: Apache-2.0
// The command line of the simulator: many seeds over all processors, one seed with its trace, planted bugs.
#pragma once

namespace tidelock::simulation {

int run_campaign(int argc, char** argv);

}  // namespace tidelock::simulation
