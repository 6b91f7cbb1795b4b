// SPDX-License-Identifier: Apache-2.0
// Schema::prune, apply_defaults and normalize_numbers: a document into the form that is stored.
#include <algorithm>
#include <cmath>
#include <set>

#include "controller/apiserver/schema.h"
#include "controller/apiserver/schema_program.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

bool is_meta_field(const std::string& name) {
  return name == "metadata" || name == "kind" || name == "apiVersion";
}

const std::set<std::string, std::less<>>& object_meta_fields() {
  static const std::set<std::string, std::less<>> fields = {"annotations",
                                                            "creationTimestamp",
                                                            "deletionGracePeriodSeconds",
                                                            "deletionTimestamp",
                                                            "finalizers",
                                                            "generateName",
                                                            "generation",
                                                            "labels",
                                                            "managedFields",
                                                            "name",
                                                            "namespace",
                                                            "ownerReferences",
                                                            "resourceVersion",
                                                            "selfLink",
                                                            "uid"};
  return fields;
}

class Pruner {
 public:
  Pruner(const SchemaProgram& program, std::vector<std::string>* unknown)
      : program_(program), unknown_(unknown) {}

  void root(json& object) { prune(object, program_.nodes[0], true); }

 private:
  // Keeps path_ in step with the recursion.
  class Step {
   public:
    Step(std::string& path, const std::string& key) : path_(path), size_(path.size()) {
      if (!path.empty()) path += '.';
      path += key;
    }
    Step(std::string& path, std::size_t index) : path_(path), size_(path.size()) {
      path += '[';
      path += std::to_string(index);
      path += ']';
    }
    ~Step() { path_.resize(size_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    std::string& path_;
    std::size_t size_;
  };

  void report(const std::string& key) {
    if (unknown_ == nullptr) return;
    const Step step(path_, key);
    unknown_->push_back(path_);
  }

  void prune(json& value, const SchemaNode& node, bool is_root = false) {
    const bool embedded = node.embedded || is_root;
    if (node.embedded && !is_root && value.is_object()) prune_metadata(value);
    if (node.preserve_unknown) {
      keep_unknown(value, node, embedded);
    } else if (value.is_array()) {
      prune_items(value, node);
    } else if (value.is_object()) {
      prune_members(value, node, embedded);
    }
  }

  void prune_items(json& value, const SchemaNode& node) {
    const SchemaNode* items = program_.node(node.items);
    std::size_t index = 0;
    for (json& item : value) {
      const Step step(path_, index++);
      if (items == nullptr) {
        remove_all(item);
      } else {
        prune(item, *items);
      }
    }
  }

  // Below x-kubernetes-preserve-unknown-fields: only what is declared is looked into.
  void keep_unknown(json& value, const SchemaNode& node, bool embedded) {
    if (value.is_object()) return prune_declared(value, node, embedded);
    const SchemaNode* items = program_.node(node.items);
    if (!value.is_array() || items == nullptr) return;
    std::size_t index = 0;
    for (json& item : value) {
      const Step step(path_, index++);
      keep_unknown(item, *items, items->embedded);
    }
  }

  void prune_declared(json& value, const SchemaNode& node, bool embedded) {
    for (auto it = value.begin(); it != value.end(); ++it) {
      if (embedded && is_meta_field(it.key())) continue;
      const int property = node.property(it.key());
      if (property == kNoNode && !node.has_additional) continue;
      const Step step(path_, it.key());
      const int below = property == kNoNode ? node.additional : property;
      if (below == kNoNode) {
        remove_all(*it);
      } else {
        prune(*it, program_.nodes[static_cast<std::size_t>(below)]);
      }
    }
  }

  void prune_members(json& value, const SchemaNode& node, bool embedded) {
    auto property = node.properties.begin();
    for (auto it = value.begin(); it != value.end();) {
      const std::string& key = it.key();
      if (embedded && is_meta_field(key)) {
        ++it;
        continue;
      }
      while (property != node.properties.end() && property->name < key) ++property;
      const bool declared = property != node.properties.end() && property->name == key;
      if (!declared && !node.has_additional) {
        report(key);
        it = value.erase(it);
        continue;
      }
      if (it->is_structured()) {
        const Step step(path_, key);
        const int below = declared ? property->node : node.additional;
        if (below == kNoNode) {
          remove_all(*it);
        } else {
          prune(*it, program_.nodes[static_cast<std::size_t>(below)]);
        }
      }
      ++it;
    }
  }

  // Where no schema is left: objects are emptied, lists keep their shape.
  void remove_all(json& value) {
    if (value.is_object()) {
      for (const auto& [key, member] : value.items()) report(key);
      value.clear();
    } else if (value.is_array()) {
      std::size_t index = 0;
      for (json& item : value) {
        const Step step(path_, index++);
        remove_all(item);
      }
    }
  }

  void prune_metadata(json& value) {
    const auto metadata = value.find("metadata");
    if (metadata == value.end() || !metadata->is_object()) return;
    const Step step(path_, "metadata");
    for (auto it = metadata->begin(); it != metadata->end();) {
      const bool known = object_meta_fields().contains(it.key());
      if (!known) report(it.key());
      it = known ? std::next(it) : metadata->erase(it);
    }
  }

  const SchemaProgram& program_;
  std::vector<std::string>* unknown_;
  std::string path_;
};

class Defaulter {
 public:
  explicit Defaulter(const SchemaProgram& program) : program_(program) {}

  // Nulls that the schema does not allow, where no default takes their place.
  void drop_nulls(json& value, const SchemaNode* node) const {
    if (value.is_array()) {
      const SchemaNode* items = node == nullptr ? nullptr : program_.node(node->items);
      if (items == nullptr) return;
      for (json& item : value) drop_nulls(item, items);
    }
    if (!value.is_object() || node == nullptr) return;
    for (auto it = value.begin(); it != value.end();) {
      const SchemaNode* below = member(*node, it.key());
      if (it->is_null() && below != nullptr && !below->nullable && !below->default_value) {
        it = value.erase(it);
        continue;
      }
      if (it->is_structured()) drop_nulls(*it, below);
      ++it;
    }
  }

  void fill(json& value, const SchemaNode& node) const {
    if (!node.defaults_below) return;
    if (value.is_array()) {
      const SchemaNode* items = program_.node(node.items);
      if (items == nullptr) return;
      for (json& item : value) fill_value(item, *items);
    }
    if (!value.is_object()) return;
    for (const SchemaProperty& property : node.properties) {
      const SchemaNode& below = program_.nodes[static_cast<std::size_t>(property.node)];
      if (!below.default_value && !below.defaults_below) continue;
      const auto found = value.find(property.name);
      if (found != value.end()) {
        fill_value(*found, below);
      } else if (below.default_value) {
        fill(value[property.name] = *below.default_value, below);
      }
    }
    const SchemaNode* additional = program_.node(node.additional);
    if (additional == nullptr) return;
    for (auto it = value.begin(); it != value.end(); ++it) {
      if (node.property(it.key()) == kNoNode) fill_value(*it, *additional);
    }
  }

 private:
  const SchemaNode* member(const SchemaNode& node, const std::string& key) const {
    const int property = node.property(key);
    return program_.node(property == kNoNode ? node.additional : property);
  }

  void fill_value(json& value, const SchemaNode& node) const {
    if (value.is_null() && !node.nullable && node.default_value) value = *node.default_value;
    fill(value, node);
  }

  const SchemaProgram& program_;
};

// Go writes a float64 without a fraction as an integer, whatever the schema says.
void integral_to_integer(json& value) {
  if (value.is_structured()) {
    for (json& item : value) integral_to_integer(item);
  } else if (value.is_number_float()) {
    constexpr double kExact = 9007199254740992.0;  // 2^53
    const double number = value.get<double>();
    if (std::fabs(number) <= kExact && std::trunc(number) == number) {
      value = static_cast<std::int64_t>(number);
    }
  }
}

}  // namespace

void Schema::prune(json& object, std::vector<std::string>* unknown) const {
  std::vector<std::string> found;
  Pruner(*program_, unknown == nullptr ? nullptr : &found).root(object);
  if (unknown == nullptr) return;
  std::sort(found.begin(), found.end());
  unknown->insert(unknown->end(), std::make_move_iterator(found.begin()),
                  std::make_move_iterator(found.end()));
}

void Schema::apply_defaults(json& object) const {
  const Defaulter defaulter(*program_);
  defaulter.drop_nulls(object, &program_->nodes[0]);
  defaulter.fill(object, program_->nodes[0]);
}

void Schema::normalize_numbers(json& object) const { integral_to_integer(object); }

}  // namespace tidelock::apiserver
