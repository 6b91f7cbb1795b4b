// SPDX-License-Identifier: Apache-2.0
// Whom a change of a tenant or a target concerns, without a look at all pairs.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/planner/facts.h"

namespace tidelock::planner {

// Names of objects by the name of what they speak of.
class Grouped {
 public:
  // Of an object that came, went or was replaced; null = it is not there.
  void move(const std::string& name, const std::string* before, const std::string* now) {
    if (before != nullptr && now != nullptr && *before == *now) return;
    if (before != nullptr) {
      const auto group = groups_.find(*before);
      if (group != groups_.end()) {
        group->second.erase(name);
        if (group->second.empty()) groups_.erase(group);
      }
    }
    if (now != nullptr) groups_[*now].insert(name);
  }
  template <class Visit>
  void each(Visit visit) const {
    for (const auto& [group, names] : groups_) {
      for (const auto& name : names) visit(name);
    }
  }
  const std::set<std::string>& of(const std::string& group) const {
    static const std::set<std::string> kNone;
    const auto found = groups_.find(group);
    return found == groups_.end() ? kNone : found->second;
  }

 private:
  std::map<std::string, std::set<std::string>> groups_;
};

// Names of which each is in one group at most.
class Groups {
 public:
  // The group it was in before; null = none.
  const std::string* group_of(const std::string& name) const {
    const auto found = group_.find(name);
    return found == group_.end() ? nullptr : &found->second;
  }
  // Null = in none.
  void put(const std::string& name, const std::string* group) {
    const auto found = group_.find(name);
    const bool known = found != group_.end();
    if (!known && group == nullptr) return;
    grouped_.move(name, known ? &found->second : nullptr, group);
    if (group == nullptr) {
      group_.erase(found);
    } else if (known) {
      found->second = *group;
    } else {
      group_.emplace(name, *group);
    }
  }
  const std::set<std::string>& of(const std::string& group) const { return grouped_.of(group); }

 private:
  Grouped grouped_;
  std::map<std::string, std::string> group_;
};

// Where no name says it, an index does; names of pairs do say their project, environment and tenant.
class FactIndex {
 public:
  // `name` stays where it is until it is removed.
  void add(const std::string& name, const api::InstallationSpec& spec);
  void remove(const std::string& name, const api::InstallationSpec& spec);

  using Names = std::vector<std::string>;
  Names of_target(const std::string& target) const;
  // In every project and environment.
  Names of_tenant(const Facts& facts, const std::string& tenant) const;
  Names of_project(const Facts& facts, const std::string& project) const;
  Names of_environment(const Facts& facts, const std::string& environment) const;
  // All of a project in an environment, or those of one tenant there (empty: untenanted).
  Names of_place(const Facts& facts, const std::string& project, const std::string& environment,
                 const std::string* tenant) const;

  // Told after the facts. Null: not there before, not there any more; `old` still exists.
  void tenant_changed(const api::Tenant* old, const api::Tenant* now);
  void target_changed(const Facts& facts, const api::Target* old, const api::Target* now);
  void deployment_changed(const Facts& facts, const api::TenantDeployment* old, const api::TenantDeployment* now);

  // Whether a tenant's change from `old` to `now`, null for not there, may change the pairs of the
  // deployment, their waves or their order under `strategy`.
  bool concerns(const api::TenantDeployment& deployment, const api::RolloutStrategy& strategy,
                const api::Tenant* old, const api::Tenant* now) const;

  using Labels = std::map<std::string, std::string>;
  // All that match, by name.
  std::vector<const api::Tenant*> tenants_like(const Facts& facts, const api::LabelSelector& selector) const;
  // All targets, tenanted deployments, untenanted deployments whose selector of tenants (tenants, targets)
  // may match, and few others.
  std::vector<std::string> targets_for(const Labels& tenant) const { return targets_.candidates(tenant); }
  std::vector<std::string> deployments_for(const Labels& tenant) const { return deployments_.candidates(tenant); }
  std::vector<std::string> untenanted_for(const Labels& target) const { return untenanted_.candidates(target); }

 private:
  // Names by the first label that their selectors ask for.
  class BySelector {
   public:
    void add(const api::LabelSelector& selector, const std::string& name);
    void remove(const api::LabelSelector& selector, const std::string& name);
    std::vector<std::string> candidates(const Labels& labels) const;

   private:
    std::map<std::pair<std::string, std::string>, std::set<std::string>> by_label_;
    std::set<std::string> others_;  // those that ask for no value
  };
  struct ByTenantName {
    bool operator()(const api::Tenant* a, const api::Tenant* b) const { return a->metadata.name < b->metadata.name; }
  };
  using Tenants = PackedSet<const api::Tenant*, ByTenantName>;
  struct LabelKey {
    int selectors = 0;  // that ask for it first
    std::map<std::string, Tenants> tenants;  // by value
  };
  void use_key(const Facts& facts, const api::LabelSelector& selector, int sign);

  std::map<std::pair<std::string, std::string>, int> places_;  // project and environment → pairs
  std::set<std::string> odd_names_;  // those that do not say what they are of
  std::map<std::string, std::vector<const std::string*>> by_target_;
  std::map<std::string, int> host_keys_;  // label keys by which targets choose tenants → how many do
  std::map<std::string, LabelKey> keys_;  // by which targets and deployments choose tenants first
  BySelector targets_, deployments_, untenanted_;
};

}  // namespace tidelock::planner
