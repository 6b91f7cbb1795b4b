// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/plants.h"

#include "controller/base/plant.h"

namespace tidelock {

Plant planted = Plant::None;

}  // namespace tidelock

namespace tidelock::simulation {
namespace {

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
    for (const Named& one : kPlants) all.emplace_back(one.name);
    return all;
  }();
  return names;
}

}  // namespace tidelock::simulation
