// SPDX-License-Identifier: Apache-2.0
// Fair shares of one budget (semantics.md §2). While tasks of several rollouts wait for a slot of
// it at one effective priority, the share of each of these is max ÷ rollouts, rounded down, at
// least one.
//
// A share is nothing that is kept free: it only puts whoever has it behind those who do not.
// Everything here follows from what holds a slot and what waits now, so a restarted planner divides
// alike.
#pragma once

#include <limits>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tidelock::planner {

inline constexpr int kNoShare = std::numeric_limits<int>::max();  // one rollout alone, or no limit
int share_of(std::optional<int> max, int rollouts);

// One rollout in one budget.
struct Stake {
  std::string rollout;
  int used = 0;                // slots, at any priority
  std::map<int, int> waiting;  // its tasks without a slot, by effective priority
  int members = 0;             // its tasks, whatever they do
};

// Those who wait for the budget at one effective priority.
struct Contest {
  int rollouts = 0;
  int share = kNoShare;
};

class Shares {
 public:
  // A stake stays where it is until as many left as joined.
  Stake& join(const std::string& rollout);
  void leave(Stake& stake);
  // Stays where it is.
  const Contest& contest(int priority) { return contests_[priority]; }

  // Each says whether somebody may have come to his share, or fallen below it.
  bool set_max(std::optional<int> max);
  bool use(Stake& stake, int by);
  bool wait(Stake& stake, int priority, int by);

 private:
  bool divide(Contest& contest) const;

  std::optional<int> max_;
  std::map<std::string, Stake> stakes_;
  std::map<int, Contest> contests_;
};

}  // namespace tidelock::planner
