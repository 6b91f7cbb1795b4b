// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/pair_selector.h"

#include <algorithm>

namespace tidelock::planner {
namespace {

bool listed(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

SelectedPair selected_pair(const Facts& facts, const std::string& project,
                           const std::string& environment, const std::string& tenant,
                           const std::string& target) {
  static const std::map<std::string, std::string> kNoLabels;
  const auto* tenant_object = find(facts.tenants, tenant);
  const auto* target_object = find(facts.targets, target);
  return {&project, &environment,
          tenant_object != nullptr ? &tenant_object->metadata.labels : &kNoLabels,
          target_object != nullptr ? &target_object->metadata.labels : &kNoLabels};
}

bool selects(const api::PairSelector& selector, const SelectedPair& pair) {
  return listed(selector.projects, *pair.project) &&
         listed(selector.environments, *pair.environment) &&
         api::matches(selector.tenants, *pair.tenant_labels) &&
         api::matches(selector.targets, *pair.target_labels);
}

}  // namespace tidelock::planner
