// SPDX-License-Identifier: Apache-2.0
// What all kinds share: metadata, conditions, references, label selectors (meta/v1 of Kubernetes).
// Plain values; empty strings and containers are absent fields.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/time.h"

namespace tidelock::api {

// Namespace and name; the kind is known from the context. Empty ns = cluster-scoped.
struct ObjectKey {
  std::string ns;
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
};

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
  bool block_owner_deletion = false;
  bool operator==(const OwnerReference&) const = default;
};

struct ObjectMeta {
  std::string name;
  std::string ns;  // JSON: namespace
  std::string uid;
  std::string resource_version;  // opaque
  std::int64_t generation = 0;
  std::optional<TimePoint> creation_timestamp;
  std::optional<TimePoint> deletion_timestamp;
  std::map<std::string, std::string> labels;
  std::map<std::string, std::string> annotations;
  std::vector<std::string> finalizers;
  std::vector<OwnerReference> owner_references;
  // managedFields is the API server's business and not kept here; clients that use these structs
  // change objects by patches, never by whole replacement of metadata.
  ObjectKey key() const { return {ns, name}; }
  bool operator==(const ObjectMeta&) const = default;
};

struct Condition {
  std::string type;
  bool status = false;        // JSON: "True" | "False"
  bool unknown = false;       // JSON: "Unknown"; status is then false
  std::string reason;         // CamelCase
  std::string message;
  TimePoint last_transition_time;
  std::int64_t observed_generation = 0;
  bool operator==(const Condition&) const = default;
};
// Replaces or adds the condition of that type; keeps last_transition_time while the status stays.
void set_condition(std::vector<Condition>& conditions, Condition condition);
const Condition* find_condition(const std::vector<Condition>& conditions, const std::string& type);

// An object of the same namespace. JSON: {name: …}.
struct LocalReference {
  std::string name;
  auto operator<=>(const LocalReference&) const = default;
};

struct LabelSelectorRequirement {
  enum class Operator { In, NotIn, Exists, DoesNotExist };
  std::string key;
  Operator op = Operator::In;
  std::vector<std::string> values;
  bool operator==(const LabelSelectorRequirement&) const = default;
};

// Empty selects everything.
struct LabelSelector {
  std::map<std::string, std::string> match_labels;
  std::vector<LabelSelectorRequirement> match_expressions;
  bool empty() const { return match_labels.empty() && match_expressions.empty(); }
  bool operator==(const LabelSelector&) const = default;
};
// As apimachinery does: NotIn and DoesNotExist also match where the key is absent.
bool matches(const LabelSelector& selector, const std::map<std::string, std::string>& labels);

}  // namespace tidelock::api
