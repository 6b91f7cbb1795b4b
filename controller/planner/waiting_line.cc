// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/waiting_line.h"

#include <algorithm>

#include "controller/planner/admission_state.h"

namespace tidelock::planner {
namespace {

struct ByKey {
  bool operator()(const Entry* a, const Entry* b) const { return a->key < b->key; }
};

bool same_level(const Entry& a, const Entry& b) {
  return a.key.priority == b.key.priority && a.key.started == b.key.started;
}

}  // namespace

bool ByOrder::operator()(const Entry* a, const Entry* b) const { return a->key < b->key; }

bool Group::has_its_share() const {
  return std::any_of(parts.begin(), parts.end(),
                     [](const Part& part) { return part.stake->used >= part.contest->share; });
}

bool before(const Entry& a, const Entry& b) {
  if (a.group != b.group && same_level(a, b)) {
    const bool last = a.group->has_its_share();
    if (last != b.group->has_its_share()) return !last;
  }
  return a.key < b.key;
}

std::size_t Line::size() const {
  std::size_t all = 0;
  for (const auto& bucket : buckets_) all += bucket.entries.size();
  return all;
}

Line::Place Line::place_of(const Group* group) {
  return std::find_if(buckets_.begin(), buckets_.end(),
                      [group](const Bucket& bucket) { return bucket.group == group; });
}

// Puts a bucket whose first entry changed where it belongs; the others are in order.
void Line::settle(Place place) {
  const auto earlier = [](const Bucket& a, const Bucket& b) {
    return (*a.entries.begin())->key < (*b.entries.begin())->key;
  };
  const auto up = std::upper_bound(buckets_.begin(), place, *place, earlier);
  std::rotate(up, place, place + 1);
  if (up != place) return;
  const auto down = std::lower_bound(place + 1, buckets_.end(), *place, earlier);
  std::rotate(place, place + 1, down);
}

void Line::insert(Entry& entry) {
  auto place = place_of(entry.group);
  if (place == buckets_.end()) {
    buckets_.push_back({entry.group, {&entry}});
    settle(buckets_.end() - 1);
  } else {
    place->entries.insert(&entry);
    if (*place->entries.begin() == &entry) settle(place);
  }
}

bool Line::erase(Entry& entry) {
  const auto place = place_of(entry.group);
  if (place == buckets_.end()) return false;
  const bool was_first = *place->entries.begin() == &entry;
  if (place->entries.erase(&entry) == 0) return false;
  if (place->entries.empty()) {
    buckets_.erase(place);
  } else if (was_first) {
    settle(place);
  }
  return true;
}

// Looks past those only who have their share: at most as many groups as there are slots.
Entry* Line::first() const {
  Entry* put_back = nullptr;
  for (const auto& bucket : buckets_) {
    Entry* entry = *bucket.entries.begin();
    if (put_back != nullptr && !same_level(*put_back, *entry)) break;
    if (!bucket.group->has_its_share()) return entry;
    if (put_back == nullptr) put_back = entry;
  }
  return put_back;
}

Entry* Line::after(const Entry& entry) const {
  Entry* found = nullptr;
  for (const auto& bucket : buckets_) {
    auto next = bucket.entries.begin();
    if (!before(entry, **next)) {
      // Either all of the group stand before it, or it stands among them.
      if (!before(entry, **bucket.entries.rbegin())) continue;
      next = bucket.entries.upper_bound(const_cast<Entry*>(&entry));
    }
    if (found == nullptr || before(**next, *found)) found = *next;
  }
  return found;
}

std::vector<const Entry*> Line::front(std::size_t most) const {
  std::vector<const Entry*> entries;
  for (const auto& bucket : buckets_) {
    std::size_t count = 0;
    for (const auto* entry : bucket.entries) {
      if (count++ == most) break;
      entries.push_back(entry);
    }
  }
  if (buckets_.size() > 1) std::sort(entries.begin(), entries.end(), ByKey());
  if (entries.size() > most) entries.resize(most);
  return entries;
}

std::size_t Line::place(const Entry& entry, std::size_t most) const {
  std::size_t place = 1;
  for (const auto& bucket : buckets_) {
    for (const auto* other : bucket.entries) {
      if (!(other->key < entry.key) || place > most) break;
      ++place;
    }
  }
  return place;
}

Entry* Line::last() const {
  Entry* found = nullptr;
  for (const auto& bucket : buckets_) {
    Entry* entry = *bucket.entries.rbegin();
    if (found == nullptr || before(*found, *entry)) found = entry;
  }
  return found;
}

}  // namespace tidelock::planner
