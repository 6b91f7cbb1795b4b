// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/lock_table.h"

#include <algorithm>

#include "controller/base/invariant.h"
#include "controller/base/plant.h"

namespace tidelock::planner {
namespace {

using api::LockMode;

constexpr std::string_view kTarget = "target/";
constexpr std::string_view kPath = "/path";

bool is_exclusive(const LockDemand& demand) { return demand.mode == LockMode::Exclusive; }

// A request above the capacity (it shrank) takes all of it: it must neither pass nor wait for ever.
int units_within(const LockRules& rules, const LockDemand& demand) {
  return rules.capacity ? std::min(demand.units, std::max(*rules.capacity, 1)) : demand.units;
}

}  // namespace

LockName parse_lock_name(std::string_view instance) {
  LockName name;
  const auto last = instance.rfind('/');
  name.group = std::string(last == std::string_view::npos ? instance : instance.substr(last + 1));
  if (instance.substr(0, 5) == "pair/") {
    name.kind = LockName::Kind::Pair;
    return name;
  }
  if (instance.substr(0, kTarget.size()) != kTarget) return name;
  const auto end = instance.find('/', kTarget.size());
  if (end == std::string_view::npos) return name;
  name.owner = std::string(instance.substr(kTarget.size(), end - kTarget.size()));
  const auto rest = instance.substr(end);
  if (rest == "/slots") name.kind = LockName::Kind::Slots;
  if (rest == "/isolation") name.kind = LockName::Kind::Isolation;
  if (rest.substr(0, kPath.size() + 1) == "/path/") name.kind = LockName::Kind::Path;
  return name;
}

std::string pair_lock(const api::DeploymentTaskSpec& task) {
  return "pair/" + task.project + "/" + task.environment + "/" + task.tenant + "/" + task.target;
}
std::string slots_lock(const std::string& target) { return "target/" + target + "/slots"; }
std::string isolation_lock(const std::string& target) { return "target/" + target + "/isolation"; }
std::string path_lock(const std::string& target, const std::string& directory) {
  return "target/" + target + std::string(kPath) + directory;
}

Result<std::string> group_lock(const api::LockGroup& group, const api::DeploymentTaskSpec& task) {
  const std::string& name = group.metadata.name;
  switch (group.spec.scope) {
    case api::LockScope::Global:
      return "global/" + name;
    case api::LockScope::Environment:
      return "environment/" + task.environment + "/" + name;
    case api::LockScope::Tenant:
      return "tenant/" + task.tenant + "/" + name;
    case api::LockScope::Target:
      break;
  }
  if (name == "slots" || name == "isolation") {
    return fail(Reason::Invalid,
                "LockGroup " + name + " has the name of a lock that every target has");
  }
  return "target/" + task.target + "/" + name;
}

bool fit_together(const LockRules& rules, int held_units, const LockDemand& a,
                  const LockDemand& b) {
  if (is_exclusive(a) || is_exclusive(b)) return false;
  if (!rules.capacity) return true;
  return held_units + units_within(rules, a) + units_within(rules, b) <= *rules.capacity;
}

void LockHolders::add(const std::string& task, const LockHold& hold) {
  const bool added = holders_.emplace(task, hold).second;
  INVARIANT(added);
  if (is_exclusive(hold.demand)) {
    ++exclusive_;
  } else {
    units_ += hold.demand.units;
  }
}

void LockHolders::remove(const std::string& task) {
  const auto place = holders_.find(task);
  INVARIANT(place != holders_.end());
  if (is_exclusive(place->second.demand)) {
    --exclusive_;
  } else {
    units_ -= place->second.demand.units;
  }
  holders_.erase(place);
}

bool LockHolders::fits(const LockRules& rules, const std::string& task,
                       const LockDemand& demand) const {
  const auto own = holders_.find(task);
  const bool holds = own != holders_.end();
  if (TIDELOCK_PLANT(SkipLockCheck)) return true;
  if (is_exclusive(demand)) return holders_.size() == (holds ? 1U : 0U);
  if (exclusive_ > 0) return holds && is_exclusive(own->second.demand);
  if (!rules.capacity) return true;
  const int others = units_ - (holds ? own->second.demand.units : 0);
  if (TIDELOCK_PLANT(CapacityPlusOne)) return others + units_within(rules, demand) <= *rules.capacity + 1;
  return others + units_within(rules, demand) <= *rules.capacity;
}

std::vector<LockPart> parts_of(const api::TaskLock& lock) {
  std::vector<LockPart> parts{{lock.instance, {lock.mode, lock.units}}};
  const LockName name = parse_lock_name(lock.instance);
  if (name.kind != LockName::Kind::Path) return parts;
  const std::string root = path_lock(name.owner, "");
  std::string above = lock.instance;
  while (above.size() > root.size() + 1) {
    const auto slash = above.rfind('/');
    above = slash == root.size() ? root + "/" : above.substr(0, slash);
    parts.push_back({above, {LockMode::Shared, 1, true}});
  }
  return parts;
}

}  // namespace tidelock::planner
