// SPDX-License-Identifier: Apache-2.0
// Which pairs a budget or a window speaks of. Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "controller/planner/facts.h"

namespace tidelock::planner {

// What a selector looks at. Points into the facts and the strings that it was made of.
struct SelectedPair {
  const std::string* project = nullptr;
  const std::string* environment = nullptr;
  const std::map<std::string, std::string>* tenant_labels = nullptr;
  const std::map<std::string, std::string>* target_labels = nullptr;
};
// A tenant or target that is missing (or untenanted: an empty name) has no labels.
SelectedPair selected_pair(const Facts& facts, const std::string& project,
                           const std::string& environment, const std::string& tenant,
                           const std::string& target);

bool selects(const api::PairSelector& selector, const SelectedPair& pair);

// Names of selectors by one thing that each asks for, so that a pair finds those that may select it.
class SelectorIndex {
 public:
  void add(const std::string& name, const api::PairSelector& selector);
  void remove(const std::string& name, const api::PairSelector& selector);
  std::set<std::string> candidates(const SelectedPair& pair) const;

 private:
  enum class Kind { Anything, Project, Environment, Tenant, Target };
  using Key = std::tuple<Kind, std::string, std::string>;  // of a label: key and value
  static std::vector<Key> keys_of(const api::PairSelector& selector);
  std::map<Key, std::set<std::string>> names_;
};

}  // namespace tidelock::planner
