// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/fact_index.h"

#include <algorithm>
#include <set>

#include "controller/base/invariant.h"

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

template <class T>
bool stays(const T* object) {
  return object != nullptr && !object->metadata.deletion_timestamp;
}

bool takes(const api::TenantDeployment& deployment, const api::Tenant* tenant) {
  const auto& tenants = deployment.spec.tenants;
  return !deployment.spec.untenanted && tenants && stays(tenant) &&
         api::matches(*tenants, tenant->metadata.labels);
}

bool takes(const api::TenantDeployment& deployment, const api::Target* target) {
  if (!stays(target) || !api::matches(deployment.spec.targets, target->metadata.labels)) return false;
  const auto& environments = target->spec.environments;
  return std::find(environments.begin(), environments.end(), deployment.spec.environment_ref.name) !=
         environments.end();
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

void FactIndex::target_changed(const api::Target* old, const api::Target* now) {
  if (now != nullptr) {
    for (const auto& key : keys_of(now->spec.tenants)) ++host_keys_[key];
  }
  if (old == nullptr) return;
  for (const auto& key : keys_of(old->spec.tenants)) {
    if (--host_keys_[key] == 0) host_keys_.erase(key);
  }
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

bool FactIndex::concerns(const api::TenantDeployment& deployment, const api::Target* old, const api::Target* now) {
  return takes(deployment, old) || takes(deployment, now);
}

}  // namespace tidelock::planner
