// SPDX-License-Identifier: Apache-2.0
// Schema::compile: the JSON of a structural schema into nodes.
#include "controller/apiserver/schema.h"

#include <algorithm>

#include "controller/apiserver/field_causes.h"
#include "controller/apiserver/schema_program.h"
#include "controller/base/limits.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

class Compiler {
 public:
  explicit Compiler(SchemaProgram& program) : program_(program) {}

  // Depth is bounded by that of the JSON text; a deeper one is refused like a wrong keyword.
  int add(const json& schema, const std::string& path, std::size_t depth = 0) {
    const int index = static_cast<int>(program_.nodes.size());
    program_.nodes.emplace_back();
    if (depth > limits::kJsonDepthMax) {
      causes.push_back(forbidden_cause(path, "the schema is nested too deeply"));
      return index;
    }
    if (!schema.is_object()) {
      causes.push_back(invalid_cause(path, schema, "must be a schema"));
      return index;
    }
    SchemaNode node;
    read_scalars(node, schema, path);
    read_lists(node, schema, path);
    read_children(node, schema, path, depth);
    note_what_is_below(node);
    program_.nodes[static_cast<std::size_t>(index)] = std::move(node);
    return index;
  }

  std::vector<Cause> causes;

 private:
  const json* keyword(const json& schema, const char* name) {
    const auto found = schema.find(name);
    return found == schema.end() || found->is_null() ? nullptr : &*found;
  }

  void wrong(const std::string& path, const char* name, const json& value, const char* wanted) {
    causes.push_back(
        type_invalid_cause(path + "." + name, value, std::string("must be ") + wanted));
  }

  std::string text(const json& schema, const char* name, const std::string& path) {
    const json* value = keyword(schema, name);
    if (value == nullptr) return {};
    if (value->is_string()) return value->get<std::string>();
    wrong(path, name, *value, "a string");
    return {};
  }

  bool flag(const json& schema, const char* name, const std::string& path) {
    const json* value = keyword(schema, name);
    if (value == nullptr) return false;
    if (value->is_boolean()) return value->get<bool>();
    wrong(path, name, *value, "a boolean");
    return false;
  }

  std::optional<double> number(const json& schema, const char* name, const std::string& path) {
    const json* value = keyword(schema, name);
    if (value == nullptr) return std::nullopt;
    if (value->is_number()) return value->get<double>();
    wrong(path, name, *value, "a number");
    return std::nullopt;
  }

  std::optional<std::int64_t> count(const json& schema, const char* name, const std::string& path) {
    const json* value = keyword(schema, name);
    if (value == nullptr) return std::nullopt;
    if (value->is_number_integer()) return value->get<std::int64_t>();
    wrong(path, name, *value, "an integer");
    return std::nullopt;
  }

  std::vector<std::string> texts(const json& schema, const char* name, const std::string& path) {
    const json* value = keyword(schema, name);
    std::vector<std::string> out;
    if (value == nullptr) return out;
    if (!value->is_array()) wrong(path, name, *value, "a list of strings");
    if (!value->is_array()) return out;
    for (const json& item : *value) {
      if (item.is_string()) {
        out.push_back(item.get<std::string>());
      } else {
        wrong(path, name, item, "a list of strings");
      }
    }
    return out;
  }

  void read_type(SchemaNode& node, const json& schema, const std::string& path) {
    const std::string type = text(schema, "type", path);
    if (type == "object") node.type = SchemaType::Object;
    if (type == "array") node.type = SchemaType::Array;
    if (type == "string") node.type = SchemaType::String;
    if (type == "integer") node.type = SchemaType::Integer;
    if (type == "number") node.type = SchemaType::Number;
    if (type == "boolean") node.type = SchemaType::Boolean;
    if (!type.empty() && node.type == SchemaType::Any) {
      causes.push_back(unsupported_cause(
          path + ".type", type, {"array", "boolean", "integer", "number", "object", "string"}));
    }
    if (flag(schema, "x-kubernetes-int-or-string", path)) node.type = SchemaType::IntOrString;
  }

  // Formats that do not go with the type are passed over, as kube-apiserver does.
  void read_format(SchemaNode& node, const json& schema, const std::string& path) {
    node.format_name = text(schema, "format", path);
    const Format format = parse_format(node.format_name);
    const bool is_int = format == Format::Int32 || format == Format::Int64;
    const bool is_float = format == Format::Float || format == Format::Double;
    const bool fits = node.type == SchemaType::Integer  ? is_int
                      : node.type == SchemaType::Number ? is_float
                      : node.type == SchemaType::String || node.type == SchemaType::Any
                          ? !is_int && !is_float
                          : false;
    if (fits) node.format = format;
  }

  void read_pattern(SchemaNode& node, const json& schema, const std::string& path) {
    node.pattern_text = text(schema, "pattern", path);
    if (node.pattern_text.empty()) return;
    RE2::Options options;
    options.set_log_errors(false);
    auto pattern = std::make_shared<RE2>(node.pattern_text, options);
    if (pattern->ok()) node.pattern = std::move(pattern);  // a bad one: check_structural() tells
  }

  void read_scalars(SchemaNode& node, const json& schema, const std::string& path) {
    read_type(node, schema, path);
    read_format(node, schema, path);
    read_pattern(node, schema, path);
    node.nullable = flag(schema, "nullable", path);
    node.preserve_unknown = flag(schema, "x-kubernetes-preserve-unknown-fields", path);
    node.embedded = flag(schema, "x-kubernetes-embedded-resource", path);
    node.atomic_map = text(schema, "x-kubernetes-map-type", path) == "atomic";
    node.unique_items = flag(schema, "uniqueItems", path);
    node.exclusive_maximum = flag(schema, "exclusiveMaximum", path);
    node.exclusive_minimum = flag(schema, "exclusiveMinimum", path);
    node.maximum = number(schema, "maximum", path);
    node.minimum = number(schema, "minimum", path);
    node.multiple_of = number(schema, "multipleOf", path);
    node.max_length = count(schema, "maxLength", path);
    node.min_length = count(schema, "minLength", path);
    node.max_items = count(schema, "maxItems", path);
    node.min_items = count(schema, "minItems", path);
    node.max_properties = count(schema, "maxProperties", path);
    node.min_properties = count(schema, "minProperties", path);
    if (const json* value = keyword(schema, "default")) node.default_value = *value;
  }

  void read_lists(SchemaNode& node, const json& schema, const std::string& path) {
    node.required = texts(schema, "required", path);
    node.map_keys = texts(schema, "x-kubernetes-list-map-keys", path);
    const std::string list_type = text(schema, "x-kubernetes-list-type", path);
    if (list_type == "set") node.list_type = ListType::Set;
    if (list_type == "map") node.list_type = ListType::Map;
    const json* choices = keyword(schema, "enum");
    if (choices == nullptr) return;
    if (!choices->is_array()) return wrong(path, "enum", *choices, "a list");
    node.choices.assign(choices->begin(), choices->end());
  }

  std::vector<int> children(const json& schema, const char* name, const std::string& path,
                            std::size_t depth) {
    std::vector<int> out;
    const json* list = keyword(schema, name);
    if (list == nullptr) return out;
    if (!list->is_array()) wrong(path, name, *list, "a list of schemas");
    if (!list->is_array()) return out;
    for (std::size_t i = 0; i < list->size(); ++i) {
      out.push_back(add((*list)[i], path + "." + name + "[" + std::to_string(i) + "]", depth + 1));
    }
    return out;
  }

  void read_children(SchemaNode& node, const json& schema, const std::string& path,
                     std::size_t depth) {
    if (const json* properties = keyword(schema, "properties")) {
      if (!properties->is_object()) wrong(path, "properties", *properties, "a map of schemas");
      if (properties->is_object()) read_properties(node, *properties, path, depth);
    }
    if (const json* items = keyword(schema, "items")) {
      node.items = add(*items, path + ".items", depth + 1);
    }
    if (const json* additional = keyword(schema, "additionalProperties")) {
      const bool is_flag = additional->is_boolean();
      node.has_additional = !is_flag || additional->get<bool>();
      node.additional_forbidden = !node.has_additional;
      if (!is_flag) node.additional = add(*additional, path + ".additionalProperties", depth + 1);
    }
    node.all_of = children(schema, "allOf", path, depth);
    node.any_of = children(schema, "anyOf", path, depth);
    node.one_of = children(schema, "oneOf", path, depth);
    if (const json* negated = keyword(schema, "not")) {
      node.negated = add(*negated, path + ".not", depth + 1);
    }
  }

  void read_properties(SchemaNode& node, const json& properties, const std::string& path,
                       std::size_t depth) {
    for (const auto& [name, property] : properties.items()) {
      node.properties.push_back(
          {name, add(property, path + ".properties[" + name + "]", depth + 1)});
    }
  }

  void note_what_is_below(SchemaNode& node) {
    node.lists_below = node.list_type != ListType::Atomic;
    node.embedded_below = node.embedded;
    const auto note = [&](int child) {
      const SchemaNode* below = program_.node(child);
      if (below == nullptr) return;
      node.defaults_below |= below->default_value.has_value() || below->defaults_below;
      node.lists_below |= below->lists_below;
      node.embedded_below |= below->embedded_below;
    };
    for (const SchemaProperty& property : node.properties) note(property.node);
    note(node.items);
    note(node.additional);
  }

  SchemaProgram& program_;
};

}  // namespace

int SchemaNode::property(std::string_view name) const {
  const auto at = std::lower_bound(
      properties.begin(), properties.end(), name,
      [](const SchemaProperty& property, std::string_view key) { return property.name < key; });
  return at != properties.end() && at->name == name ? at->node : kNoNode;
}

const char* type_name(SchemaType type) {
  switch (type) {
    case SchemaType::Any:
      return "";
    case SchemaType::Object:
      return "object";
    case SchemaType::Array:
      return "array";
    case SchemaType::String:
      return "string";
    case SchemaType::Integer:
      return "integer";
    case SchemaType::Number:
      return "number";
    case SchemaType::Boolean:
      return "boolean";
    case SchemaType::IntOrString:
      return "integer,string";
  }
  return "";
}

Result<Schema> Schema::compile(const json& open_api_v3_schema, std::string_view field_path) {
  auto program = std::make_shared<SchemaProgram>();
  const std::string path(field_path);
  Compiler compiler(*program);
  compiler.add(open_api_v3_schema, path);
  std::vector<Cause> causes = std::move(compiler.causes);
  if (causes.empty()) causes = check_structural(open_api_v3_schema, path);
  for (Cause& cause : causes) {
    if (cause.field.starts_with('.')) cause.field.erase(0, 1);
  }
  if (!causes.empty()) {
    Error error = make_error(Reason::Invalid, causes[0].field + ": " + causes[0].message);
    error.causes = std::move(causes);
    return fail(std::move(error));
  }
  program->source = open_api_v3_schema;
  return Schema(std::move(program));
}

const json& Schema::source() const { return program_->source; }

}  // namespace tidelock::apiserver
