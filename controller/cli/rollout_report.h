// SPDX-License-Identifier: Apache-2.0
// A rollout's waves and gates for people: in `describe`, and as a column of `get -o wide`.
#pragma once

#include <iosfwd>
#include <nlohmann/json.hpp>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/cli/gate_list.h"

namespace tidelock::cli {

// Phase, counts and the numbers that the strategy's shares came to when the wave began.
void print_waves(const api::Rollout& rollout, std::ostream& out);
void print_gates(const std::vector<Gate>& gates, std::ostream& out);

// Adds "WAVES" ("canary:Succeeded 1/1, rest:Running 2/9") to a Table of rollouts with whole
// objects.
void add_wave_column(nlohmann::json& table);

}  // namespace tidelock::cli
