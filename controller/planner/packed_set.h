// SPDX-License-Identifier: Apache-2.0
// An ordered set of small values in rows of neighbours: like std::set, but with next to no room beside the
// values, which is what makes a large namespace fit. Any change invalidates iterators and references.
#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

namespace tidelock::planner {

// `Less` is transparent.
template <class T, class Less>
class PackedSet {
  using Row = std::vector<T>;  // never empty, sorted
  static constexpr std::size_t kRowMax = 64;

 public:
  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = const T&;

    Iterator() = default;
    const T& operator*() const { return (*rows_)[row_][place_]; }
    const T* operator->() const { return &**this; }
    Iterator& operator++() {
      if (++place_ == (*rows_)[row_].size()) {
        ++row_;
        place_ = 0;
      }
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return row_ == other.row_ && place_ == other.place_; }

   private:
    friend class PackedSet;
    Iterator(const std::vector<Row>& rows, std::size_t row, std::size_t place)
        : rows_(&rows), row_(row), place_(place) {}
    const std::vector<Row>* rows_ = nullptr;
    std::size_t row_ = 0, place_ = 0;
  };

  bool empty() const { return rows_.empty(); }
  std::size_t size() const { return size_; }
  Iterator begin() const { return {rows_, 0, 0}; }
  Iterator end() const { return {rows_, rows_.size(), 0}; }
  void clear() {
    rows_.clear();
    size_ = 0;
  }

  template <class Key>
  Iterator lower_bound(const Key& key) const {
    const std::size_t row = row_of(key);
    if (row == rows_.size()) return end();
    const Row& all = rows_[row];
    const auto at = std::lower_bound(all.begin(), all.end(), key, Less{});
    if (at == all.end()) return {rows_, row + 1, 0};
    return {rows_, row, static_cast<std::size_t>(at - all.begin())};
  }
  template <class Key>
  Iterator find(const Key& key) const {
    const Iterator at = lower_bound(key);
    return at != end() && !Less{}(key, *at) ? at : end();
  }
  template <class Key>
  bool contains(const Key& key) const {
    return find(key) != end();
  }

  // False: an equal one is there and stays.
  bool insert(T value) {
    const Iterator at = lower_bound(value);
    if (at != end() && !Less{}(value, *at)) return false;
    insert(at, std::move(value));
    return true;
  }
  // Right before `at`, where it belongs.
  void insert(Iterator at, T value) {
    ++size_;
    if (at.place_ == 0 && at.row_ > 0) at = {rows_, at.row_ - 1, rows_[at.row_ - 1].size()};
    if (rows_.empty()) rows_.emplace_back();
    if (rows_[at.row_].size() == kRowMax) at = split(at);
    Row& row = rows_[at.row_];
    row.insert(row.begin() + static_cast<std::ptrdiff_t>(at.place_), std::move(value));
  }
  // The caller keeps its place in the order.
  T& mutable_at(Iterator at) { return rows_[at.row_][at.place_]; }

  T take(Iterator at) {
    --size_;
    Row& row = rows_[at.row_];
    T value = std::move(row[at.place_]);
    row.erase(row.begin() + static_cast<std::ptrdiff_t>(at.place_));
    if (row.empty()) {
      rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(at.row_));
    } else {
      join(at.row_ - (at.row_ > 0 ? 1 : 0));
    }
    return value;
  }
  void erase(Iterator at) { take(at); }
  template <class Key>
  std::size_t erase_key(const Key& key) {
    const Iterator at = find(key);
    if (at == end()) return 0;
    erase(at);
    return 1;
  }

 private:
  // The last one that begins before `key`, else the first: a key may stand for several values, in several rows.
  template <class Key>
  std::size_t row_of(const Key& key) const {
    const auto after = std::partition_point(rows_.begin(), rows_.end(),
                                            [&](const Row& row) { return Less{}(row.front(), key); });
    return static_cast<std::size_t>(after - rows_.begin()) - (after == rows_.begin() ? 0 : 1);
  }

  // Makes room in a full row; what comes in order fills each to the end.
  Iterator split(Iterator at) {
    const std::size_t kept = at.place_ == kRowMax ? kRowMax : kRowMax / 2;
    Row& row = rows_[at.row_];
    Row rest;
    const auto from = row.begin() + static_cast<std::ptrdiff_t>(kept);
    rest.assign(std::make_move_iterator(from), std::make_move_iterator(row.end()));
    row.erase(from, row.end());
    rows_.insert(rows_.begin() + static_cast<std::ptrdiff_t>(at.row_) + 1, std::move(rest));
    if (at.place_ > kept || kept == kRowMax) return {rows_, at.row_ + 1, at.place_ - kept};
    return at;
  }

  // A row with the next one, where that leaves room.
  void join(std::size_t first) {
    if (first + 1 >= rows_.size()) return;
    Row& row = rows_[first];
    Row& next = rows_[first + 1];
    if (row.size() + next.size() > kRowMax / 2) return;
    row.insert(row.end(), std::make_move_iterator(next.begin()), std::make_move_iterator(next.end()));
    rows_.erase(rows_.begin() + static_cast<std::ptrdiff_t>(first) + 1);
  }

  std::vector<Row> rows_;
  std::size_t size_ = 0;
};

}  // namespace tidelock::planner
