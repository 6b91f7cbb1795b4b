// SPDX-License-Identifier: Apache-2.0
// Is a CustomResourceDefinition valid? Kubernetes' rules and words; pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "controller/base/error.h"

namespace tidelock::apiserver {

// Fills in names.singular, names.listKind and conversion.strategy, as the real defaulting does.
void default_crd_names(nlohmann::json& crd);

// Name, group, names, scope, versions, schemas (structural), printer columns, subresources,
// selectable fields, conversion; with `old`, what must not change any more. Empty = valid. Expects
// a document that went through the CRD's own schema; does not check metadata beyond the name rule.
std::vector<Cause> validate_crd(const nlohmann::json& crd, const nlohmann::json* old = nullptr);

}  // namespace tidelock::apiserver
