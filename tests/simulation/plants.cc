// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/plants.h"

#include <algorithm>
#include <iterator>

#include "controller/base/plant.h"

namespace tidelock {

Plant planted = Plant::None;

}  // namespace tidelock

namespace tidelock::simulation {
namespace {

// Planted as well, but other rules make up for them: no invariant breaks, so there is nothing to find. A
// result that is not in the journal is an Interrupted step, tried again; a conflict whose object is not read
// is settled by the watch; a parked task that counts against a budget only waits longer.
constexpr const char* kAbsorbed[] = {
    "ForgetResult", "IgnoreConflictAnswer", "CountParkedTask",
    // Not seen to break anything in the seeds of a usual campaign; --plant NAME looks for one of them.
    "KeepEpoch", "LoseLockWakeUp", "PlanOnUnknownGrant", "PlanWithoutLease", "SkipReadAtTakeover"};

struct Named {
  const char* name;
  Plant plant;
};
#define TIDELOCK_NAMED(name) {#name, Plant::name},
constexpr Named kPlants[] = {TIDELOCK_PLANTS(TIDELOCK_NAMED)};
#undef TIDELOCK_NAMED

}  // namespace

bool set_plant(const std::string& name) {
  planted = Plant::None;
  if (name.empty()) return true;
  for (const Named& one : kPlants) {
    if (name == one.name) planted = one.plant;
  }
  return planted != Plant::None;
}

const std::vector<std::string>& plant_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Named& one : kPlants) {
      const bool absorbed = std::find(std::begin(kAbsorbed), std::end(kAbsorbed),
                                      std::string(one.name)) != std::end(kAbsorbed);
      if (!absorbed) all.emplace_back(one.name);
    }
    return all;
  }();
  return names;
}

}  // namespace tidelock::simulation
