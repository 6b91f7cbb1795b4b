// SPDX-License-Identifier: Apache-2.0
// A parsed JSONPath template. Internal to jsonpath*.cc.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/jsonpath.h"
#include "controller/base/result.h"

namespace tidelock::api {
namespace jsonpath {

enum class Kind { Literal, Field, Array, Filter, Wildcard, Recursive, Union, Word };

struct Comparison;

struct Node {
  Kind kind = Kind::Literal;
  std::string text;      // Field: the key; Word: "range", "end"
  nlohmann::json value;  // Literal
  // Array: [from:to:by]; `single` for [from].
  std::optional<std::int64_t> from;
  std::optional<std::int64_t> to;
  std::optional<std::int64_t> by;
  bool single = false;
  std::vector<std::vector<Node>> branches;     // Union
  std::vector<std::vector<Comparison>> terms;  // Filter: any of all of
};

struct Comparison {
  std::vector<Node> left;
  std::string op;  // "exists" for a bare path
  std::vector<Node> right;
};

// One list of nodes for each text outside of braces and each {expression}.
Result<std::vector<std::vector<Node>>> parse(std::string_view text);

}  // namespace jsonpath

struct JsonPath::Template {
  std::vector<std::vector<jsonpath::Node>> parts;
};

}  // namespace tidelock::api
