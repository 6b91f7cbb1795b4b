// SPDX-License-Identifier: Apache-2.0
// Short forms for tests of schemas.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/schema.h"

namespace tidelock::apiserver {

using nlohmann::json;

inline Schema compiled(const char* text) {
  auto schema = Schema::compile(json::parse(text));
  INFO((schema ? "" : schema.error().message));
  REQUIRE(schema.has_value());
  return *schema;
}

// A schema whose spec has these properties (JSON text of the map).
inline Schema with_spec(const std::string& properties, const std::string& more = "") {
  return compiled((R"({"type":"object","properties":{"spec":{"type":"object")" + more +
                   R"(,"properties":)" + properties + "}}}")
                      .c_str());
}

// "field: message (reason)" of each cause, sorted.
inline std::vector<std::string> lines(const std::vector<Cause>& causes) {
  std::vector<std::string> out;
  for (const Cause& cause : causes) {
    out.push_back(cause.field + ": " + cause.message + " (" + cause.reason + ")");
  }
  std::sort(out.begin(), out.end());
  return out;
}

inline std::vector<std::string> faults(const Schema& schema, const char* object) {
  return lines(schema.validate(json::parse(object)));
}

using Lines = std::vector<std::string>;

}  // namespace tidelock::apiserver
