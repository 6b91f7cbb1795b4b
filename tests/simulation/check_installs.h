// SPDX-License-Identifier: Apache-2.0
// The install directories of a machine: `current` and the receipt each name one complete release.
#pragma once

#include <map>
#include <string>

#include "tests/simulation/machine.h"

namespace tidelock::simulation {

// Files of each release by path, and version.
using ReleaseFiles = std::map<std::string, std::string>;

// Looks at all install directories below `root`. `files` tells what a release folder of a version holds.
void check_installs(Kernel& kernel, const std::string& target, testing::MemoryDisk& disk,
                    const std::string& root);
// What the package of `version` holds; check_installs() expects it.
ReleaseFiles package_of(const std::string& version);

}  // namespace tidelock::simulation
