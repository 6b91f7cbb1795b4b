// SPDX-License-Identifier: Apache-2.0
// The columns of Tables: what each shows of an object. Internal to table*.cc.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/resource_type.h"
#include "controller/base/time.h"

namespace tidelock::apiserver {

struct TableColumn {
  std::string name;
  std::string type;    // string, integer, number, boolean, date
  std::string format;  // "name" for the name column
  std::string description;
  int priority = 0;  // 0 = always shown, 1 = with -o wide
  std::function<nlohmann::json(const nlohmann::json& object, TimePoint now)> cell;
};

std::vector<TableColumn> columns_of_crd_version(const nlohmann::json& version);
std::vector<TableColumn> columns_of_builtin(Builtin kind);

}  // namespace tidelock::apiserver
