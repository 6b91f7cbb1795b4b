// SPDX-License-Identifier: Apache-2.0
#include "controller/api/meta.h"

#include <algorithm>


namespace tidelock::api {
namespace {

bool matches(const LabelSelectorRequirement& requirement,
             const std::map<std::string, std::string>& labels) {
  using Operator = LabelSelectorRequirement::Operator;
  const auto found = labels.find(requirement.key);
  const bool present = found != labels.end();
  const bool listed = present && std::find(requirement.values.begin(), requirement.values.end(),
                                           found->second) != requirement.values.end();
  switch (requirement.op) {
    case Operator::In: return listed;
    case Operator::NotIn: return !listed;
    case Operator::Exists: return present;
    case Operator::DoesNotExist: return !present;
  }
  return false;
}

}  // namespace

// Times of conditions have whole seconds in JSON, so a condition keeps its value over the wire.
void set_condition(std::vector<Condition>& conditions, Condition condition) {
  condition.last_transition_time =
      std::chrono::floor<std::chrono::seconds>(condition.last_transition_time);
  for (Condition& known : conditions) {
    if (known.type != condition.type) continue;
    if (known.status == condition.status && known.unknown == condition.unknown) {
      condition.last_transition_time = known.last_transition_time;
    }
    known = std::move(condition);
    return;
  }
  conditions.push_back(std::move(condition));
}

const Condition* find_condition(const std::vector<Condition>& conditions, const std::string& type) {
  for (const Condition& condition : conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

bool matches(const LabelSelector& selector, const std::map<std::string, std::string>& labels) {
  for (const auto& [key, value] : selector.match_labels) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return std::all_of(selector.match_expressions.begin(), selector.match_expressions.end(),
                     [&](const auto& requirement) { return matches(requirement, labels); });
}

}  // namespace tidelock::api
