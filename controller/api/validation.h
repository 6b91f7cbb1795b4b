// SPDX-License-Identifier: Apache-2.0
// What a schema cannot say about our kinds: references, cross-field rules, templates, lock requests.
// Pure; the API server calls it on every write of a tidelock.dev kind, the CLI before it sends.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/base/error.h"

namespace tidelock::api {

// How validation sees the rest of the namespace. nullptr = there is no such object.
struct References {
  std::function<const LockGroup*(const std::string& name)> lock_group;
  std::function<bool(std::string_view kind, const std::string& name)> exists;
  // Every Project whose steps or deployment locks name the group (for checks in reverse).
  std::function<std::vector<const Project*>(const std::string& lock_group)> projects_using;
  // `spec.promotion.from` of an Environment; empty = none, or there is no such object.
  std::function<std::string(const std::string& environment)> promoted_from;
};

// All that is wrong, as causes with field paths ("spec.steps[2].locks[0].group"); empty = valid.
// `old_object` is null on create. Only the fields outside status are looked at.
//
// A lock group must exist before a project names it (unknown: `spec.steps[2].locks[0].group`,
// FieldValueNotFound, names the group); the order inside one `apply` is the CLI's business. Other
// references may come later: objects wait for them and say so.
std::vector<Cause> validate(std::string_view kind, const nlohmann::json& object,
                            const nlohmann::json* old_object, const References& references);

}  // namespace tidelock::api
