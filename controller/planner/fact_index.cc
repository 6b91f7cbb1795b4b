// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/fact_index.h"

#include <algorithm>
#include <set>

#include "controller/base/invariant.h"
#include "controller/planner/expansion.h"

namespace tidelock::planner {
namespace {

using Labels = std::map<std::string, std::string>;

std::set<std::string> keys_of(const api::LabelSelector& selector) {
  std::set<std::string> keys;
  for (const auto& [key, value] : selector.match_labels) keys.insert(key);
  for (const auto& each : selector.match_expressions) keys.insert(each.key);
  return keys;
}

// Keys whose label is not the same in both.
std::vector<std::string> changed_keys(const Labels& a, const Labels& b) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : a) {
    const auto other = b.find(key);
    if (other == b.end() || other->second != value) keys.push_back(key);
  }
  for (const auto& [key, value] : b) {
    if (a.count(key) == 0) keys.push_back(key);
  }
  return keys;
}

bool places_by(const api::RolloutStrategy& strategy, const std::string& key) {
  const auto& order = strategy.order;
  if (order.spread_by == key || std::find(order.by.begin(), order.by.end(), key) != order.by.end()) return true;
  return std::any_of(strategy.waves.begin(), strategy.waves.end(), [&](const api::WaveSpec& wave) {
    return wave.tenants && keys_of(*wave.tenants).count(key) != 0;
  });
}

std::string tenant_of(const api::InstallationSpec& spec) { return spec.tenant_ref ? spec.tenant_ref->name : ""; }

// How installation_name() begins, unless it had to shorten.
std::string prefix_of(const std::string& project, const std::string& environment, const std::string& tenant) {
  return project + "." + environment + "." + (tenant.empty() ? "" : tenant + ".");
}
std::string prefix_of(const api::InstallationSpec& spec) {
  return prefix_of(spec.project_ref.name, spec.environment_ref.name, tenant_of(spec));
}

// The label that a selector asks for first; null = none.
const Labels::value_type* first_label(const api::LabelSelector& selector) {
  return selector.match_labels.empty() ? nullptr : &*selector.match_labels.begin();
}

}  // namespace

void FactIndex::add(const std::string& name, const api::InstallationSpec& spec) {
  ++places_[{spec.project_ref.name, spec.environment_ref.name}];
  if (!name.starts_with(prefix_of(spec))) odd_names_.insert(name);
  by_target_[spec.target_ref.name].push_back(&name);
}

void FactIndex::remove(const std::string& name, const api::InstallationSpec& spec) {
  const auto place = places_.find({spec.project_ref.name, spec.environment_ref.name});
  INVARIANT(place != places_.end());
  if (--place->second == 0) places_.erase(place);
  odd_names_.erase(name);
  const auto target = by_target_.find(spec.target_ref.name);
  INVARIANT(target != by_target_.end());
  std::erase(target->second, &name);
  if (target->second.empty()) by_target_.erase(target);
}

FactIndex::Names FactIndex::of_target(const std::string& target) const {
  Names names;
  const auto place = by_target_.find(target);
  if (place == by_target_.end()) return names;
  for (const auto* name : place->second) names.push_back(*name);
  return names;
}

FactIndex::Names FactIndex::of_tenant(const Facts& facts, const std::string& tenant) const {
  Names names;
  for (const auto& [place, count] : places_) {
    for (auto& name : of_place(facts, place.first, place.second, &tenant)) names.push_back(std::move(name));
  }
  return names;
}

FactIndex::Names FactIndex::of_project(const Facts& facts, const std::string& project) const {
  Names names;
  for (auto at = places_.lower_bound({project, ""}); at != places_.end() && at->first.first == project; ++at) {
    for (auto& name : of_place(facts, project, at->first.second, nullptr)) names.push_back(std::move(name));
  }
  return names;
}

FactIndex::Names FactIndex::of_environment(const Facts& facts, const std::string& environment) const {
  Names names;
  for (const auto& [place, count] : places_) {
    if (place.second != environment) continue;
    for (auto& name : of_place(facts, place.first, environment, nullptr)) names.push_back(std::move(name));
  }
  return names;
}

FactIndex::Names FactIndex::of_place(const Facts& facts, const std::string& project, const std::string& environment,
                                     const std::string* tenant) const {
  Names names;
  const auto take = [&](const std::string& name, const api::InstallationSpec& spec) {
    const bool there = spec.project_ref.name == project && spec.environment_ref.name == environment;
    if (there && (tenant == nullptr || tenant_of(spec) == *tenant)) names.push_back(name);
  };
  const std::string prefix = prefix_of(project, environment, tenant == nullptr ? "" : *tenant);
  for (auto at = facts.installations.lower_bound(prefix); at != facts.installations.end(); ++at) {
    if (!at->first.starts_with(prefix)) break;
    if (odd_names_.count(at->first) == 0) take(at->first, at->second->spec);
  }
  for (const auto& name : odd_names_) {
    if (const auto* installation = find(facts.installations, name)) take(name, installation->spec);
  }
  return names;
}

void FactIndex::BySelector::add(const api::LabelSelector& selector, const std::string& name) {
  const auto* label = first_label(selector);
  (label == nullptr ? others_ : by_label_[*label]).insert(name);
}

void FactIndex::BySelector::remove(const api::LabelSelector& selector, const std::string& name) {
  const auto* label = first_label(selector);
  if (label == nullptr) {
    others_.erase(name);
    return;
  }
  const auto place = by_label_.find(*label);
  if (place == by_label_.end()) return;
  place->second.erase(name);
  if (place->second.empty()) by_label_.erase(place);
}

std::vector<std::string> FactIndex::BySelector::candidates(const Labels& labels) const {
  std::vector<std::string> names(others_.begin(), others_.end());
  for (const auto& label : labels) {
    const auto place = by_label_.find(label);
    if (place != by_label_.end()) names.insert(names.end(), place->second.begin(), place->second.end());
  }
  return names;
}

void FactIndex::use_key(const Facts& facts, const api::LabelSelector& selector, int sign) {
  const auto* label = first_label(selector);
  if (label == nullptr) return;
  LabelKey& key = keys_[label->first];
  key.selectors += sign;
  if (key.selectors == 0) {
    keys_.erase(label->first);
  } else if (key.selectors == 1 && sign > 0) {
    for (const auto& [name, tenant] : facts.tenants) {
      const auto found = tenant->metadata.labels.find(label->first);
      if (found != tenant->metadata.labels.end()) key.tenants[found->second].insert(tenant.get());
    }
  }
}

void FactIndex::tenant_changed(const api::Tenant* old, const api::Tenant* now) {
  for (auto& [name, key] : keys_) {
    if (old != nullptr) {
      const auto found = old->metadata.labels.find(name);
      const auto place = found == old->metadata.labels.end() ? key.tenants.end() : key.tenants.find(found->second);
      if (place != key.tenants.end()) {
        place->second.erase_key(old);
        if (place->second.empty()) key.tenants.erase(place);
      }
    }
    if (now == nullptr) continue;
    const auto found = now->metadata.labels.find(name);
    if (found != now->metadata.labels.end()) key.tenants[found->second].insert(now);
  }
}

void FactIndex::target_changed(const Facts& facts, const api::Target* old, const api::Target* now) {
  if (now != nullptr) {
    for (const auto& key : keys_of(now->spec.tenants)) ++host_keys_[key];
    use_key(facts, now->spec.tenants, 1);
  }
  if (old != nullptr) {
    for (const auto& key : keys_of(old->spec.tenants)) {
      if (--host_keys_[key] == 0) host_keys_.erase(key);
    }
    use_key(facts, old->spec.tenants, -1);
    targets_.remove(old->spec.tenants, old->metadata.name);
  }
  if (now != nullptr) targets_.add(now->spec.tenants, now->metadata.name);
}

void FactIndex::deployment_changed(const Facts& facts, const api::TenantDeployment* old,
                                   const api::TenantDeployment* now) {
  const auto by_tenants = [](const api::TenantDeployment* deployment) {
    return deployment != nullptr && !deployment->spec.untenanted && deployment->spec.tenants;
  };
  if (by_tenants(now)) use_key(facts, *now->spec.tenants, 1);
  if (by_tenants(old)) {
    use_key(facts, *old->spec.tenants, -1);
    deployments_.remove(*old->spec.tenants, old->metadata.name);
  }
  if (by_tenants(now)) deployments_.add(*now->spec.tenants, now->metadata.name);
  if (old != nullptr && old->spec.untenanted) untenanted_.remove(old->spec.targets, old->metadata.name);
  if (now != nullptr && now->spec.untenanted) untenanted_.add(now->spec.targets, now->metadata.name);
}

std::vector<const api::Tenant*> FactIndex::tenants_like(const Facts& facts,
                                                        const api::LabelSelector& selector) const {
  std::vector<const api::Tenant*> all;
  const auto take = [&](const api::Tenant& tenant) {
    if (api::matches(selector, tenant.metadata.labels)) all.push_back(&tenant);
  };
  const auto* label = first_label(selector);
  const auto key = label == nullptr ? keys_.end() : keys_.find(label->first);
  if (key == keys_.end()) {
    for (const auto& [name, tenant] : facts.tenants) take(*tenant);
    return all;
  }
  const auto value = key->second.tenants.find(label->second);
  if (value == key->second.tenants.end()) return all;
  for (const auto* tenant : value->second) take(*tenant);
  return all;
}

bool FactIndex::concerns(const api::TenantDeployment& deployment, const api::RolloutStrategy& strategy,
                         const api::Tenant* old, const api::Tenant* now) const {
  const bool before = takes(deployment, old);
  if (before != takes(deployment, now)) return true;
  if (!before) return false;
  const auto keys = changed_keys(old->metadata.labels, now->metadata.labels);
  return std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
    return host_keys_.count(key) != 0 || places_by(strategy, key);
  });
}

}  // namespace tidelock::planner
