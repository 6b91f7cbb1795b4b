// SPDX-License-Identifier: Apache-2.0
// The texts of crd/*.yaml as they were when the program was built, so that one binary is enough.
#pragma once

#include <string>
#include <vector>

namespace tidelock {
std::vector<std::string> embedded_crds();
}  // namespace tidelock
