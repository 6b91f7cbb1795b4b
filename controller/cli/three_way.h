// SPDX-License-Identifier: Apache-2.0
// The three-way merge of `kubectl apply` for objects without strategic merge (RFC 7386).
#pragma once

#include <nlohmann/json.hpp>

namespace tidelock::cli {

inline constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";

// The merge patch that turns `from` into `to`; an empty object when they are equal.
nlohmann::json merge_patch(const nlohmann::json& from, const nlohmann::json& to);

// What is new or other in `modified` than in `current`, and what was in `original` and is no longer
// in `modified` is deleted; what others added to `current` stays.
nlohmann::json three_way_merge_patch(const nlohmann::json& original, const nlohmann::json& modified,
                                     const nlohmann::json& current);

// `object` with the annotation that says how it was applied.
nlohmann::json with_last_applied(const nlohmann::json& object);
// The configuration that the live object was last applied with; null if it never was.
nlohmann::json last_applied(const nlohmann::json& live);

}  // namespace tidelock::cli
