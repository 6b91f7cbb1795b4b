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

void NamesBy::add(const std::string& by, const std::string& installation) {
  names_[by].push_back(&installation);
}

void NamesBy::remove(const std::string& by, const std::string& installation) {
  const auto place = names_.find(by);
  INVARIANT(place != names_.end());
  std::erase(place->second, &installation);
  if (place->second.empty()) names_.erase(place);
}

const std::vector<const std::string*>& NamesBy::of(const std::string& by) const {
  static const std::vector<const std::string*> kNone;
  const auto place = names_.find(by);
  return place == names_.end() ? kNone : place->second;
}

void FactIndex::add(const std::string& name, const api::InstallationSpec& spec) {
  if (spec.tenant_ref) by_tenant_.add(spec.tenant_ref->name, name);
  by_target_.add(spec.target_ref.name, name);
}

void FactIndex::remove(const std::string& name, const api::InstallationSpec& spec) {
  if (spec.tenant_ref) by_tenant_.remove(spec.tenant_ref->name, name);
  by_target_.remove(spec.target_ref.name, name);
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
