// SPDX-License-Identifier: Apache-2.0
// What a Schema consists of: flat nodes that refer to each other by index. Internal to schema*.cc.
#pragma once

#include <re2/re2.h>

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "controller/apiserver/schema_formats.h"

namespace tidelock::apiserver {

enum class SchemaType : std::uint8_t {
  Any,
  Object,
  Array,
  String,
  Integer,
  Number,
  Boolean,
  IntOrString,
};
enum class ListType : std::uint8_t { Atomic, Set, Map };

inline constexpr int kNoNode = -1;

struct SchemaProperty {
  std::string name;
  int node = kNoNode;
};

struct SchemaNode {
  SchemaType type = SchemaType::Any;
  ListType list_type = ListType::Atomic;
  Format format = Format::None;
  bool nullable = false;
  bool preserve_unknown = false;
  bool embedded = false;
  bool atomic_map = false;
  bool unique_items = false;
  bool exclusive_maximum = false;
  bool exclusive_minimum = false;
  bool has_additional = false;        // additionalProperties stands there and is not false
  bool additional_forbidden = false;  // additionalProperties: false
  bool defaults_below = false;  // a default in this node's properties, items or values, or deeper
  bool lists_below = false;     // a set or map list at this node or deeper
  bool embedded_below = false;  // an embedded resource at this node or deeper
  int items = kNoNode;
  int additional = kNoNode;
  int negated = kNoNode;                   // not
  std::vector<SchemaProperty> properties;  // sorted by name
  std::vector<std::string> required;
  std::vector<std::string> map_keys;
  std::vector<int> all_of;
  std::vector<int> any_of;
  std::vector<int> one_of;
  std::vector<nlohmann::json> choices;  // enum
  std::optional<nlohmann::json> default_value;
  std::optional<double> maximum;
  std::optional<double> minimum;
  std::optional<double> multiple_of;
  std::optional<std::int64_t> max_length;
  std::optional<std::int64_t> min_length;
  std::optional<std::int64_t> max_items;
  std::optional<std::int64_t> min_items;
  std::optional<std::int64_t> max_properties;
  std::optional<std::int64_t> min_properties;
  std::string pattern_text;
  std::shared_ptr<const RE2> pattern;
  std::string format_name;

  int property(std::string_view name) const;
};

struct SchemaProgram {
  nlohmann::json source;
  std::vector<SchemaNode> nodes;  // [0] is the root

  const SchemaNode* node(int index) const {
    return index == kNoNode ? nullptr : &nodes[static_cast<std::size_t>(index)];
  }
};

// The causes why a schema is not structural, sorted as text. Empty = it is.
std::vector<Cause> check_structural(const nlohmann::json& schema, const std::string& field_path);

// "integer,string" as messages name a type.
const char* type_name(SchemaType type);

}  // namespace tidelock::apiserver
