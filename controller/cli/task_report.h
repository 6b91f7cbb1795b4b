// SPDX-License-Identifier: Apache-2.0
// A deployment task for people.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/api/kinds.h"

namespace tidelock::cli {

// The rows of status.steps.
void print_steps(const nlohmann::json& steps, TimePoint now, std::ostream& out);
// Its phase, message and steps, as a part of the description of its installation.
void print_task(const api::DeploymentTask& task, TimePoint now, std::ostream& out);
// "step 3 (configure)", "parked before step 3 (configure)", "ready to start": where it is.
std::string task_position(const api::DeploymentTask& task);

}  // namespace tidelock::cli
