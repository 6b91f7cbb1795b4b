// SPDX-License-Identifier: Apache-2.0
// The lock instances of a namespace: who holds them, and what fits beside that. Nothing in here is
// stored; the holders are the grants of unfinished tasks.
//
// A directory lock conflicts with the same directory, its ancestors and its descendants. It is
// taken as Exclusive on the directory and an intent (Shared) on each ancestor, so that one rule
// serves all.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/kinds.h"

namespace tidelock::planner {

struct LockRules {
  std::string group;            // empty = implicit
  std::optional<int> capacity;  // absent = unbounded
  int max_bypass = 0;
  std::optional<Duration> wait_timeout;
  bool operator==(const LockRules&) const = default;
};

// Splits "target/web-01/central-config" and its like.
struct LockName {
  enum class Kind { Pair, Slots, Isolation, Path, Group };
  Kind kind = Kind::Group;
  std::string owner;  // target of Slots, Isolation, Path
  std::string group;  // of Group
};
LockName parse_lock_name(std::string_view instance);

std::string pair_lock(const api::DeploymentTaskSpec& task);
std::string slots_lock(const std::string& target);
std::string isolation_lock(const std::string& target);
std::string path_lock(const std::string& target, const std::string& directory);
// The instance of a group for a task. A name that an implicit lock has is refused.
Result<std::string> group_lock(const api::LockGroup& group, const api::DeploymentTaskSpec& task);

struct LockDemand {
  api::LockMode mode = api::LockMode::Exclusive;
  int units = 1;
  bool intent = false;  // of a directory lock further down
};
struct LockHold {
  LockDemand demand;
  TimePoint since;
  int step = -1;  // index; -1 = deployment level
};

// Whether a and b may be held together, both beside `held_units` units of shared holders.
bool fit_together(const LockRules& rules, int held_units, const LockDemand& a, const LockDemand& b);

class LockHolders {
 public:
  void add(const std::string& task, const LockHold& hold);
  void remove(const std::string& task);
  // Whether `task` may take it; what it holds itself does not count.
  bool fits(const LockRules& rules, const std::string& task, const LockDemand& demand) const;
  int units() const { return units_; }
  bool exclusive() const { return exclusive_ > 0; }
  bool empty() const { return holders_.empty(); }
  const std::map<std::string, LockHold>& all() const { return holders_; }

 private:
  std::map<std::string, LockHold> holders_;  // by task
  int units_ = 0;                            // of shared holders
  int exclusive_ = 0;                        // holders
};

// A lock as it is taken: itself and the intents on the directories above it.
struct LockPart {
  std::string instance;
  LockDemand demand;
};
std::vector<LockPart> parts_of(const api::TaskLock& lock);

}  // namespace tidelock::planner
