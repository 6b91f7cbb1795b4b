// SPDX-License-Identifier: Apache-2.0
// Objects of one kind by name. The name is read from the object itself: no second copy of it is kept,
// which is what makes a large namespace fit. Otherwise like a std::map from names to objects that are
// replaced whole.
#pragma once

#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "controller/planner/packed_set.h"

namespace tidelock::planner {

template <class T>
class ByName {
  using Object = std::shared_ptr<const T>;
  struct Less {
    using is_transparent = void;
    bool operator()(const Object& a, const Object& b) const { return a->metadata.name < b->metadata.name; }
    bool operator()(const Object& a, const std::string& b) const { return a->metadata.name < b; }
    bool operator()(const std::string& a, const Object& b) const { return a < b->metadata.name; }
  };
  using Objects = PackedSet<Object, Less>;

 public:
  struct Item {
    const std::string& first;  // of the object: gone when that is
    const Object& second;
  };
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = Item;
    struct Arrow {
      Item item;
      const Item* operator->() const { return &item; }
    };

    Iterator() = default;
    explicit Iterator(typename Objects::Iterator at) : at_(at) {}
    Item operator*() const { return {(*at_)->metadata.name, *at_}; }
    Arrow operator->() const { return {**this}; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    Iterator operator++(int) { return Iterator(at_++); }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    friend class ByName;
    typename Objects::Iterator at_;
  };
  using mapped_type = Object;
  using value_type = Item;
  using const_iterator = Iterator;
  using iterator = Iterator;

  ByName() = default;
  ByName(const std::map<std::string, Object>& objects) {  // NOLINT: each under its own name
    for (const auto& [name, object] : objects) put(object);
  }

  // Puts the object in; returns the one of that name before.
  Object put(Object object) {
    const auto at = objects_.lower_bound(object->metadata.name);
    if (at == objects_.end() || (*at)->metadata.name != object->metadata.name) {
      objects_.insert(at, std::move(object));
      return nullptr;
    }
    return std::exchange(objects_.mutable_at(at), std::move(object));
  }
  // Takes the object out; null = it was not there.
  Object take(const std::string& name) {
    const auto at = objects_.find(name);
    return at == objects_.end() ? nullptr : objects_.take(at);
  }
  std::size_t erase(const std::string& name) { return take(name) == nullptr ? 0 : 1; }
  void erase(Iterator at) { objects_.erase(at.at_); }
  void clear() { objects_.clear(); }

  Iterator find(const std::string& name) const { return Iterator(objects_.find(name)); }
  Iterator lower_bound(const std::string& name) const { return Iterator(objects_.lower_bound(name)); }
  const Object& at(const std::string& name) const { return *objects_.find(name); }  // INVARIANT: is there
  std::size_t count(const std::string& name) const { return objects_.contains(name) ? 1 : 0; }
  bool contains(const std::string& name) const { return count(name) != 0; }
  std::size_t size() const { return objects_.size(); }
  bool empty() const { return objects_.empty(); }
  Iterator begin() const { return Iterator(objects_.begin()); }
  Iterator end() const { return Iterator(objects_.end()); }

 private:
  Objects objects_;
};

}  // namespace tidelock::planner
