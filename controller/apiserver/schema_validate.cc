// SPDX-License-Identifier: Apache-2.0
// Schema::validate: the value validations, as kube-openapi's validator reports them.
#include <algorithm>
#include <cmath>
#include <limits>

#include "controller/apiserver/field_causes.h"
#include "controller/apiserver/schema.h"
#include "controller/apiserver/schema_invariants.h"
#include "controller/apiserver/schema_path.h"
#include "controller/apiserver/schema_program.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

// Errors that kube-openapi reports without a place.
constexpr const char* kNoField = "<nil>";

// Go's JSON decoder keeps what does not fit into an int64 as a float64.
bool is_go_integer(const json& value) {
  return value.is_number_integer() &&
         (!value.is_number_unsigned() ||
          value.get<std::uint64_t>() <=
              static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

bool is_integral(const json& value) {
  constexpr double kExact = 9007199254740991.0;  // 2^53 - 1, the last that JSON readers agree on
  const double number = value.get<double>();
  return std::fabs(number) <= kExact && std::trunc(number) == number;
}

const char* json_type(const json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return "boolean";
  if (value.is_string()) return "string";
  if (value.is_array()) return "array";
  if (value.is_object()) return "object";
  return is_go_integer(value) ? "integer" : "number";
}

std::int64_t characters(const std::string& text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

class Validator {
 public:
  explicit Validator(const SchemaProgram& program) : program_(program) {}

  std::vector<Cause> causes;

  // Validates and, where the value is what it was, forgets what it found.
  void ratcheted(const json& value, const json* old, const SchemaNode& node,
                 const FieldPath& path) {
    const std::size_t before = causes.size();
    validate(value, old, node, path);
    if (causes.size() > before && old != nullptr && *old == value) causes.resize(before);
  }

 private:
  std::string in_body(const FieldPath& path) const { return path.dotted() + " in body "; }

  void invalid(const FieldPath& path, const json& value, const std::string& text) {
    causes.push_back(invalid_cause(path.field(), value, in_body(path) + text));
  }

  void invalid_somewhere(const std::string& text) {
    causes.push_back(invalid_cause(kNoField, "", text));
  }

  void validate(const json& value, const json* old, const SchemaNode& node, const FieldPath& path) {
    // matches_ counts checks as kube-openapi does: it picks the branch that anyOf and oneOf report.
    if (value.is_null()) {
      check_null(node, path);
      check_enum(value, node, path);
      return;
    }
    if (node.type != SchemaType::Any || node.format != Format::None) check_type(value, node, path);
    junctors(value, node, path);
    if (value.is_string()) check_string(value.get_ref<const std::string&>(), node, path);
    if (value.is_number()) check_number(value, node, path);
    if (value.is_array()) check_array(value, old, node, path);
    check_enum(value, node, path);
    if (value.is_object()) check_object(value, old, node, path);
    matches_ += 2;
  }

  void check_null(const SchemaNode& node, const FieldPath& path) {
    if (node.type == SchemaType::Any || node.nullable) {
      ++matches_;
      return;
    }
    wrong_type(path, type_name(node.type), "null");
  }

  void wrong_type(const FieldPath& path, const std::string& wanted, const std::string& found) {
    causes.push_back(type_invalid_cause(
        path.field(), found, in_body(path) + "must be of type " + wanted + ": " + go_quote(found)));
  }

  void check_type(const json& value, const SchemaNode& node, const FieldPath& path) {
    ++matches_;
    const bool fits = has_type(value, node);
    if (fits) {
      ++matches_;
      return;
    }
    const bool formatted = node.format != Format::None && !value.is_string() && !value.is_array();
    if (!formatted) return wrong_type(path, type_name(node.type), json_type(value));
    const char* found = !value.is_number() ? "" : is_go_integer(value) ? "int64" : "float64";
    wrong_type(path, node.format_name, found);
  }

  static bool has_type(const json& value, const SchemaNode& node) {
    switch (node.type) {
      case SchemaType::Any:
        return true;
      case SchemaType::Object:
        return value.is_object();
      case SchemaType::Array:
        return value.is_array();
      case SchemaType::String:
        return value.is_string();
      case SchemaType::Boolean:
        return value.is_boolean();
      case SchemaType::Number:
        return value.is_number();
      case SchemaType::Integer:
        return value.is_number() && (is_go_integer(value) || is_integral(value));
      case SchemaType::IntOrString:
        return value.is_string() ||
               (value.is_number() && (is_go_integer(value) || is_integral(value)));
    }
    return true;
  }

  void check_enum(const json& value, const SchemaNode& node, const FieldPath& path) {
    if (node.choices.empty()) return;
    if (!value.is_null() &&
        std::find(node.choices.begin(), node.choices.end(), value) != node.choices.end()) {
      return;
    }
    std::vector<std::string> supported;
    for (const json& choice : node.choices) {
      supported.push_back(choice.is_string() ? choice.get<std::string>() : choice.dump());
    }
    causes.push_back(unsupported_cause(path.field(), value, supported));
  }

  // Only the first of the three is reported.
  void check_string(const std::string& text, const SchemaNode& node, const FieldPath& path) {
    ++matches_;
    if (node.max_length && characters(text) > *node.max_length) {
      causes.push_back(too_long_cause(path.field(), *node.max_length));
    } else if (node.min_length && characters(text) < *node.min_length) {
      invalid(path, text, "should be at least " + std::to_string(*node.min_length) + " chars long");
    } else if (node.pattern != nullptr && !RE2::PartialMatch(text, *node.pattern)) {
      invalid(path, text, "should match '" + node.pattern_text + "'");
    }
    if (node.format == Format::None) return;
    ++matches_;
    if (matches_format(node.format, text)) return;
    causes.push_back(type_invalid_cause(
        path.field(), text,
        in_body(path) + "must be of type " + node.format_name + ": " + go_quote(text)));
  }

  void check_number(const json& value, const SchemaNode& node, const FieldPath& path) {
    matches_ += 2;
    check_number_format(value, node, path);
    const double number = value.get<double>();
    if (node.multiple_of) check_multiple(value, *node.multiple_of, path);
    const auto bound = [&](double limit) {
      return is_go_integer(value) ? std::to_string(static_cast<std::int64_t>(limit))
                                  : go_number(limit);
    };
    if (node.maximum &&
        (node.exclusive_maximum ? number >= *node.maximum : number > *node.maximum)) {
      invalid(
          path, value,
          (node.exclusive_maximum ? "should be less than " : "should be less than or equal to ") +
              bound(*node.maximum));
    }
    if (node.minimum &&
        (node.exclusive_minimum ? number <= *node.minimum : number < *node.minimum)) {
      invalid(path, value,
              (node.exclusive_minimum ? "should be greater than "
                                      : "should be greater than or equal to ") +
                  bound(*node.minimum));
    }
  }

  void check_number_format(const json& value, const SchemaNode& node, const FieldPath& path) {
    const double number = value.get<double>();
    const bool too_wide_int = node.format == Format::Int32 &&
                              std::fabs(number + 0.5) > 2147483648.0 - 0.5;  // -2^31 … 2^31-1
    const bool too_wide_float =
        node.format == Format::Float &&
        std::fabs(number) > static_cast<double>(std::numeric_limits<float>::max());
    if (!too_wide_int && !too_wide_float) return;
    invalid_somewhere(std::string("Checked value must be of type ") + type_name(node.type) +
                      " with format " + node.format_name + " in " + path.dotted());
  }

  void check_multiple(const json& value, double factor, const FieldPath& path) {
    if (factor <= 0) {
      invalid(path, factor, "must be positive");
      return;
    }
    const bool fits = is_go_integer(value) && std::trunc(factor) == factor
                          ? value.get<std::int64_t>() % static_cast<std::int64_t>(factor) == 0
                          : is_integral(json(value.get<double>() / factor));
    if (!fits) invalid(path, value, "should be a multiple of " + go_number(factor));
  }

  void check_array(const json& value, const json* old, const SchemaNode& node,
                   const FieldPath& path) {
    matches_ += 2;
    if (const SchemaNode* items = program_.node(node.items)) {
      for (std::size_t i = 0; i < value.size(); ++i) {
        ratcheted(value[i], old_item(value[i], old, node), *items, FieldPath(path, i));
      }
    }
    const auto size = static_cast<std::int64_t>(value.size());
    if (node.min_items && size < *node.min_items) {
      invalid(path, size, "should have at least " + std::to_string(*node.min_items) + " items");
    }
    if (node.max_items && size > *node.max_items) {
      causes.push_back(too_many_cause(path.field(), size, *node.max_items));
    }
    if (node.unique_items && has_duplicates(value))
      invalid(path, "", "shouldn't contain duplicates");
  }

  static bool has_duplicates(const json& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (list[i] == list[j]) return true;
      }
    }
    return false;
  }

  // Items can be told apart over time only in map lists.
  static const json* old_item(const json& item, const json* old, const SchemaNode& node) {
    if (old == nullptr || node.list_type != ListType::Map || !old->is_array()) return nullptr;
    for (const json& candidate : *old) {
      if (list_key(candidate, node.map_keys) == list_key(item, node.map_keys)) return &candidate;
    }
    return nullptr;
  }

  static const json* old_member(const std::string& key, const json* old, const SchemaNode& node,
                                const FieldPath& path) {
    if (old == nullptr || node.atomic_map || !old->is_object()) return nullptr;
    if (path.is_root() && (key == "kind" || key == "apiVersion")) return nullptr;
    const auto found = old->find(key);
    return found == old->end() ? nullptr : &*found;
  }

  void check_object(const json& value, const json* old, const SchemaNode& node,
                    const FieldPath& path) {
    ++matches_;
    const auto size = static_cast<std::int64_t>(value.size());
    if (node.min_properties && size < *node.min_properties) {
      invalid(path, size,
              "should have at least " + std::to_string(*node.min_properties) + " properties");
    }
    if (node.max_properties && size > *node.max_properties) {
      causes.push_back(too_many_cause(path.field(), size, *node.max_properties));
    }
    check_members(value, old, node, path);
    for (const std::string& name : node.required) {
      if (value.contains(name)) continue;
      causes.push_back(required_cause(FieldPath(path, name, FieldPath::Kind::Property).field()));
    }
  }

  void check_members(const json& value, const json* old, const SchemaNode& node,
                     const FieldPath& path) {
    if (node.properties.empty() && node.additional == kNoNode && !node.additional_forbidden) return;
    auto property = node.properties.begin();
    for (auto it = value.begin(); it != value.end(); ++it) {
      const std::string& key = it.key();
      while (property != node.properties.end() && property->name < key) ++property;
      const bool declared = property != node.properties.end() && property->name == key;
      if (!declared && node.additional_forbidden) {
        causes.push_back(invalid_cause(
            path.field(), key, path.dotted() + "." + key + " in body is a forbidden property"));
      }
      const SchemaNode* below = program_.node(declared ? property->node : node.additional);
      if (below == nullptr) continue;
      const auto kind = declared ? FieldPath::Kind::Property : FieldPath::Kind::MapKey;
      ratcheted(*it, old_member(key, old, node, path), *below, FieldPath(path, key, kind));
    }
  }

  // One branch of a junctor, on its own.
  struct Branch {
    std::vector<Cause> causes;
    int matches = 0;
  };
  Branch branch(const json& value, int index, const FieldPath& path) {
    const std::size_t before = causes.size();
    const int matches_before = std::exchange(matches_, 0);
    validate(value, nullptr, program_.nodes[static_cast<std::size_t>(index)], path);
    Branch result;
    result.causes.assign(
        std::make_move_iterator(causes.begin() + static_cast<std::ptrdiff_t>(before)),
        std::make_move_iterator(causes.end()));
    causes.resize(before);
    result.matches = std::exchange(matches_, matches_before);
    return result;
  }

  void take(Branch branch) {
    matches_ += branch.matches;
    causes.insert(causes.end(), std::make_move_iterator(branch.causes.begin()),
                  std::make_move_iterator(branch.causes.end()));
  }

  void junctors(const json& value, const SchemaNode& node, const FieldPath& path) {
    matches_ += 2;
    if (!node.any_of.empty()) any_of(value, node, path);
    if (!node.one_of.empty()) one_of(value, node, path);
    if (!node.all_of.empty()) all_of(value, node, path);
    if (node.negated == kNoNode) return;
    if (branch(value, node.negated, path).causes.empty()) {
      invalid_somewhere(go_quote(path.dotted()) + " must not validate the schema (not)");
    }
  }

  void any_of(const json& value, const SchemaNode& node, const FieldPath& path) {
    std::optional<Branch> best;
    for (const int index : node.any_of) {
      Branch result = branch(value, index, path);
      if (result.causes.empty()) {
        matches_ += result.matches;
        return;
      }
      if (!best || result.matches > best->matches) best = std::move(result);
    }
    invalid_somewhere(go_quote(path.dotted()) + " must validate at least one schema (anyOf)");
    if (best) take(std::move(*best));
  }

  void one_of(const json& value, const SchemaNode& node, const FieldPath& path) {
    std::optional<Branch> best;
    int valid = 0;
    int first_matches = 0;
    for (const int index : node.one_of) {
      Branch result = branch(value, index, path);
      if (result.causes.empty()) {
        if (valid++ == 0) first_matches = result.matches;
        best.reset();
      } else if (valid == 0 && (!best || result.matches > best->matches)) {
        best = std::move(result);
      }
    }
    if (valid == 1) {
      matches_ += first_matches;
      return;
    }
    const std::string found =
        valid == 0 ? "Found none valid" : "Found " + std::to_string(valid) + " valid alternatives";
    invalid_somewhere(go_quote(path.dotted()) + " must validate one and only one schema (oneOf). " +
                      found);
    if (best) take(std::move(*best));
  }

  void all_of(const json& value, const SchemaNode& node, const FieldPath& path) {
    std::size_t valid = 0;
    for (const int index : node.all_of) {
      Branch result = branch(value, index, path);
      valid += result.causes.empty() ? 1 : 0;
      take(std::move(result));
    }
    if (valid == node.all_of.size()) return;
    invalid_somewhere(go_quote(path.dotted()) + " must validate all the schemas (allOf)" +
                      (valid == 0 ? ". None validated" : ""));
  }

  const SchemaProgram& program_;
  int matches_ = 0;
};

}  // namespace

std::vector<Cause> Schema::validate(const json& object, const json* old) const {
  Validator validator(*program_);
  validator.ratcheted(object, old, program_->nodes[0], FieldPath());
  std::vector<Cause> causes = std::move(validator.causes);
  check_embedded(*program_, object, causes);
  std::vector<Cause> duplicates;
  check_list_keys(*program_, object, duplicates);
  if (!duplicates.empty() && old != nullptr) {
    // Duplicates that were there before do not block other changes.
    std::vector<Cause> before;
    check_list_keys(*program_, *old, before);
    if (!before.empty()) duplicates.clear();
  }
  causes.insert(causes.end(), std::make_move_iterator(duplicates.begin()),
                std::make_move_iterator(duplicates.end()));
  return causes;
}

}  // namespace tidelock::apiserver
