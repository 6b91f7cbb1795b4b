// SPDX-License-Identifier: Apache-2.0
// What holds beside the value validations: keys of map lists and items of sets are unique, embedded
// resources say what they are. Internal to schema*.cc.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/base/error.h"

namespace tidelock::apiserver {

struct SchemaProgram;

void check_list_keys(const SchemaProgram& program, const nlohmann::json& object,
                     std::vector<Cause>& causes);
void check_embedded(const SchemaProgram& program, const nlohmann::json& object,
                    std::vector<Cause>& causes);

// The members of an item that make up its key in a map list; absent ones are left out.
nlohmann::json list_key(const nlohmann::json& item, const std::vector<std::string>& keys);

}  // namespace tidelock::apiserver
