// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/schema_invariants.h"

#include <map>

#include "controller/api/selector.h"
#include "controller/apiserver/field_causes.h"
#include "controller/apiserver/schema_path.h"
#include "controller/apiserver/schema_program.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

// Calls visit(value, node, path) for the children of a value that the schema knows, where `wanted`
// says of the child's node that it is worth it.
template <class Wanted, class Visit>
void for_children(const SchemaProgram& program, const json& value, const SchemaNode& node,
                  const FieldPath& path, Wanted wanted, Visit visit) {
  if (value.is_array()) {
    const SchemaNode* items = program.node(node.items);
    if (items == nullptr || !wanted(*items)) return;
    for (std::size_t i = 0; i < value.size(); ++i) visit(value[i], *items, FieldPath(path, i));
  }
  if (!value.is_object()) return;
  for (auto it = value.begin(); it != value.end(); ++it) {
    const int property = node.property(it.key());
    const bool declared = property != kNoNode;
    const SchemaNode* below = program.node(declared ? property : node.additional);
    if (below == nullptr || !wanted(*below)) continue;
    const auto kind = declared ? FieldPath::Kind::Property : FieldPath::Kind::MapKey;
    visit(*it, *below, FieldPath(path, it.key(), kind));
  }
}

// Positions whose value was there once before; a third and later one is not named again.
std::vector<std::size_t> second_appearances(const std::vector<json>& values) {
  std::map<json, int> seen;
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (++seen[values[i]] == 2) found.push_back(i);
  }
  return found;
}

void check_list(const json& list, const SchemaNode& node, const FieldPath& path,
                std::vector<Cause>& causes) {
  std::vector<json> keys;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const json& item = list[i];
    if (node.list_type == ListType::Set) {
      keys.push_back(item);
      continue;
    }
    if (!item.is_object() && !item.is_null()) {
      causes.push_back(invalid_cause(FieldPath(path, i).bracketed(), item,
                                     "must be an object for an array of list-type map"));
      return;
    }
    keys.push_back(list_key(item, node.map_keys));
  }
  for (const std::size_t i : second_appearances(keys)) {
    causes.push_back(duplicate_cause(FieldPath(path, i).bracketed(), keys[i]));
  }
}

void list_keys_below(const SchemaProgram& program, const json& value, const SchemaNode& node,
                     const FieldPath& path, std::vector<Cause>& causes) {
  if (value.is_array() && node.list_type != ListType::Atomic) check_list(value, node, path, causes);
  for_children(
      program, value, node, path, [](const SchemaNode& below) { return below.lists_below; },
      [&](const json& child, const SchemaNode& below, const FieldPath& where) {
        list_keys_below(program, child, below, where, causes);
      });
}

void check_identity(const json& object, const char* name, const FieldPath& path,
                    std::vector<Cause>& causes) {
  const std::string field = FieldPath(path, name, FieldPath::Kind::Property).bracketed();
  const auto found = object.find(name);
  if (found == object.end()) {
    causes.push_back(required_cause(field));
  } else if (!found->is_string()) {
    causes.push_back(invalid_cause(field, *found, "must be a string"));
  } else if (found->get_ref<const std::string&>().empty()) {
    causes.push_back(invalid_cause(field, *found, "must not be empty"));
  }
}

void embedded_below(const SchemaProgram& program, const json& value, const SchemaNode& node,
                    const FieldPath& path, std::vector<Cause>& causes) {
  if (node.embedded && value.is_object()) {
    check_identity(value, "apiVersion", path, causes);
    check_identity(value, "kind", path, causes);
    const auto metadata = value.find("metadata");
    if (metadata != value.end() && !metadata->is_object() && !metadata->is_null()) {
      causes.push_back(
          invalid_cause(FieldPath(path, "metadata", FieldPath::Kind::Property).bracketed(),
                        *metadata, "must be an object"));
    }
  }
  for_children(
      program, value, node, path, [](const SchemaNode& below) { return below.embedded_below; },
      [&](const json& child, const SchemaNode& below, const FieldPath& where) {
        embedded_below(program, child, below, where, causes);
      });
}

}  // namespace

json list_key(const json& item, const std::vector<std::string>& keys) {
  json key = json::object();
  if (!item.is_object()) return key;
  for (const std::string& name : keys) {
    if (const auto found = item.find(name); found != item.end()) key[name] = *found;
  }
  return key;
}

void check_list_keys(const SchemaProgram& program, const json& object, std::vector<Cause>& causes) {
  if (!program.nodes[0].lists_below) return;
  list_keys_below(program, object, program.nodes[0], FieldPath(), causes);
}

void check_embedded(const SchemaProgram& program, const json& object, std::vector<Cause>& causes) {
  if (!program.nodes[0].embedded_below) return;
  embedded_below(program, object, program.nodes[0], FieldPath(), causes);
}

std::string FieldPath::text(bool bracket_keys) const {
  std::string out = parent_ == nullptr ? std::string() : parent_->text(bracket_keys);
  switch (kind_) {
    case Kind::Root:
      break;
    case Kind::Index:
      out.append("[").append(std::to_string(index_)).append("]");
      break;
    case Kind::MapKey:
      if (bracket_keys) {
        out.append("[").append(key_).append("]");
        break;
      }
      [[fallthrough]];
    case Kind::Property:
      if (!out.empty()) out += '.';
      out.append(key_);
      break;
  }
  return out;
}

}  // namespace tidelock::apiserver
