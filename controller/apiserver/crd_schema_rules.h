// SPDX-License-Identifier: Apache-2.0
// Rules for the schema inside a CRD beside being structural: list and map types, defaults, CEL
// rules.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/base/error.h"

namespace tidelock::apiserver {

std::vector<Cause> check_schema_rules(const nlohmann::json& schema, const std::string& path);

// Every default must itself be valid and free of unknown fields. The schema must be structural.
std::vector<Cause> check_schema_defaults(const nlohmann::json& schema, const std::string& path);

}  // namespace tidelock::apiserver
