// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/fair_share.h"

#include <algorithm>

namespace tidelock::planner {

int share_of(std::optional<int> max, int rollouts) {
  return max && rollouts > 1 ? std::max(1, *max / rollouts) : kNoShare;
}

Stake& Shares::join(const std::string& rollout) {
  Stake& stake = stakes_[rollout];
  if (stake.members++ == 0) stake.rollout = rollout;
  return stake;
}

void Shares::leave(Stake& stake) {
  if (--stake.members == 0) stakes_.erase(std::string(stake.rollout));
}

bool Shares::divide(Contest& contest) const {
  const int before = contest.share;
  contest.share = share_of(max_, contest.rollouts);
  return contest.share != before;
}

bool Shares::set_max(std::optional<int> max) {
  max_ = max;
  bool changed = false;
  for (auto& [priority, contest] : contests_) changed = divide(contest) || changed;
  return changed;
}

bool Shares::use(Stake& stake, int by) {
  const int before = stake.used;
  stake.used += by;
  return std::any_of(contests_.begin(), contests_.end(), [&](const auto& contest) {
    const int share = contest.second.share;
    return (before >= share) != (stake.used >= share);
  });
}

bool Shares::wait(Stake& stake, int priority, int by) {
  int& count = stake.waiting[priority];
  const bool before = count > 0;
  count += by;
  const bool after = count > 0;
  if (!after) stake.waiting.erase(priority);
  if (before == after) return false;
  Contest& contest = contests_[priority];
  contest.rollouts += after ? 1 : -1;
  return divide(contest);
}

}  // namespace tidelock::planner
