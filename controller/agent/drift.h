// SPDX-License-Identifier: Apache-2.0
// Whether an install directory still holds what a task brought. Pure.
#pragma once

#include <optional>

#include "controller/agent/install_directory.h"
#include "controller/api/kinds.h"

namespace tidelock::agent {

// Held by one pair at a time, unless the project opted out.
bool installs_alone(const api::DeploymentTaskSpec& task);

// The difference, without `since`; nullopt: receipt, `current` and release folder are those of the
// task's release. In a directory that pairs share, the receipt of another pair is no difference.
std::optional<api::DriftReport> drift_of(const api::DeploymentTaskSpec& task,
                                         const InstalledState& found);

}  // namespace tidelock::agent
