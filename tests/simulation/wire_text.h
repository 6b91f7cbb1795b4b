// SPDX-License-Identifier: Apache-2.0
// Small readings of what goes over the wire.
#pragma once

#include <string>
#include <string_view>

#include "controller/http/message.h"

namespace tidelock::simulation {

inline std::string path_of(std::string_view target) {
  return std::string(target.substr(0, target.find('?')));
}

inline std::string query_value(const std::string& target, const std::string& name) {
  const auto parsed = http::parse_target(target);
  if (!parsed) return {};
  const auto found = parsed->query.find(name);
  return found == parsed->query.end() ? std::string{} : found->second;
}

}  // namespace tidelock::simulation
