// SPDX-License-Identifier: Apache-2.0
// YAML manifests to JSON documents, read as kubectl reads them (YAML 1.1 booleans, octal, 1e3).
//
// On yaml-cpp's event API with a guard: size, nodes, depth, aliases (base/limits.h), duplicate keys,
// undefined anchors and recursive aliases are refused with line and column. yaml-cpp stays in yaml.cc.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace tidelock::api {

struct YamlDocument {
  int line = 1;  // where it starts, 1-based
  std::shared_ptr<nlohmann::json> json;  // null documents are left out of the list
};

// Every document of a stream. Error: Reason::BadRequest, "line 7, column 3: duplicate key "name"".
Result<std::vector<YamlDocument>> parse_yaml(std::string_view text);
// Block style, as `kubectl get -o yaml` prints: keys sorted, "---" is the caller's.
std::string to_yaml(const nlohmann::json& document);

}  // namespace tidelock::api
