// SPDX-License-Identifier: Apache-2.0
// Where in a document a check is: a chain on the stack that costs nothing until it is printed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tidelock::apiserver {

// A child refers to its parent and to the key, which must both outlive it.
class FieldPath {
 public:
  enum class Kind { Root, Property, MapKey, Index };

  FieldPath() = default;
  FieldPath(const FieldPath& parent, std::string_view key, Kind kind)
      : parent_(&parent), key_(key), kind_(kind) {}
  FieldPath(const FieldPath& parent, std::size_t index)
      : parent_(&parent), index_(index), kind_(Kind::Index) {}

  bool is_root() const { return kind_ == Kind::Root; }

  // "spec.labels.x", as kube-openapi names places; empty at the root.
  std::string dotted() const { return text(false); }
  // The same as the field of a cause; "<nil>" at the root.
  std::string field() const { return is_root() ? "<nil>" : text(false); }
  // "spec.labels[x]", as field.Path names map keys.
  std::string bracketed() const { return text(true); }

 private:
  std::string text(bool bracket_keys) const;

  const FieldPath* parent_ = nullptr;
  std::string_view key_;
  std::size_t index_ = 0;
  Kind kind_ = Kind::Root;
};

}  // namespace tidelock::apiserver
