// SPDX-License-Identifier: Apache-2.0
// Waiting tasks in the order of candidates, of which one part changes with every slot that is taken
// or given back: who stands behind because his rollout has its fair share.
//
// Tasks that are put back together form a group; inside of it nothing ever moves. A line keeps its
// groups apart and asks them when it is asked, so that a change of shares costs it nothing.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "controller/planner/fair_share.h"

namespace tidelock::planner {

struct Counter;
struct Entry;
// The order without shares.
struct ByOrder {
  bool operator()(const Entry* a, const Entry* b) const;
};
using Queue = std::set<Entry*, ByOrder>;

// Tasks of one rollout that ask the same budgets at one effective priority, all started or none.
struct GroupKey {
  std::string rollout;
  int priority = 0;
  bool started = false;
  std::vector<Counter*> budgets;
  auto operator<=>(const GroupKey&) const = default;
};
struct Group {
  struct Part {
    const Stake* stake = nullptr;
    const Contest* contest = nullptr;
  };
  std::vector<Part> parts;  // one for each budget
  int entries = 0;
  // In any of its budgets that others wait for.
  bool has_its_share() const;
};

// Whether a stands before b now.
bool before(const Entry& a, const Entry& b);

class Line {
 public:
  bool empty() const { return buckets_.empty(); }
  std::size_t size() const;
  std::size_t groups() const { return buckets_.size(); }
  void insert(Entry& entry);
  bool erase(Entry& entry);  // whether it was in it
  // Null = nobody.
  Entry* first() const;
  Entry* after(const Entry& entry) const;  // which need not be in it
  Entry* last() const;
  // What people are shown is in the order without shares, which moves less.
  std::vector<const Entry*> front(std::size_t most) const;
  std::size_t place(const Entry& entry, std::size_t most) const;  // 1 = first; past `most` it need not be true
  // The first before `candidate` for whom `holds` says true.
  template <class Holds>
  Entry* first_before(const Entry& candidate, const Holds& holds) const {
    Entry* found = nullptr;
    const Entry* end = &candidate;
    for (const auto& bucket : buckets_) {
      for (auto* entry : bucket.entries) {
        if (!before(*entry, *end)) break;
        if (!holds(*entry)) continue;
        end = found = entry;
        break;
      }
    }
    return found;
  }

 private:
  struct Bucket {
    const Group* group = nullptr;
    Queue entries;
  };
  using Place = std::vector<Bucket>::iterator;
  Place place_of(const Group* group);
  void settle(Place place);

  std::vector<Bucket> buckets_;  // by their first entry, in the order without shares
};

}  // namespace tidelock::planner
