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

std::vector<SelectorIndex::Key> SelectorIndex::keys_of(const api::PairSelector& selector) {
  const auto label = [](Kind kind, const api::LabelSelector& labels) {
    const auto& [key, value] = *labels.match_labels.begin();
    return std::vector<Key>{{kind, key, value}};
  };
  if (!selector.tenants.match_labels.empty()) return label(Kind::Tenant, selector.tenants);
  if (!selector.targets.match_labels.empty()) return label(Kind::Target, selector.targets);
  const bool by_project = !selector.projects.empty();
  std::vector<Key> keys;
  for (const auto& name : by_project ? selector.projects : selector.environments) {
    keys.emplace_back(by_project ? Kind::Project : Kind::Environment, name, "");
  }
  if (keys.empty()) keys.emplace_back(Kind::Anything, "", "");
  return keys;
}

void SelectorIndex::add(const std::string& name, const api::PairSelector& selector) {
  for (const auto& key : keys_of(selector)) names_[key].insert(name);
}

void SelectorIndex::remove(const std::string& name, const api::PairSelector& selector) {
  for (const auto& key : keys_of(selector)) {
    const auto place = names_.find(key);
    if (place == names_.end()) continue;
    place->second.erase(name);
    if (place->second.empty()) names_.erase(place);
  }
}

std::set<std::string> SelectorIndex::candidates(const SelectedPair& pair) const {
  std::set<std::string> found;
  const auto take = [&](Kind kind, const std::string& key, const std::string& value) {
    const auto place = names_.find({kind, key, value});
    if (place != names_.end()) found.insert(place->second.begin(), place->second.end());
  };
  take(Kind::Anything, "", "");
  take(Kind::Project, *pair.project, "");
  take(Kind::Environment, *pair.environment, "");
  for (const auto& [key, value] : *pair.tenant_labels) take(Kind::Tenant, key, value);
  for (const auto& [key, value] : *pair.target_labels) take(Kind::Target, key, value);
  return found;
}

}  // namespace tidelock::planner
