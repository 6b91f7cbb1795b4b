// SPDX-License-Identifier: Apache-2.0
// The planted bugs of controller/base/plant.h by name: one at a time is on, or none.
#pragma once

#include <string>
#include <vector>

namespace tidelock::simulation {

// "" = none. False: no plant has this name.
bool set_plant(const std::string& name);
// Those that a campaign has to find.
const std::vector<std::string>& plant_names();

}  // namespace tidelock::simulation
