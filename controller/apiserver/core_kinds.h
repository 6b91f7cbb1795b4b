// SPDX-License-Identifier: Apache-2.0
// The kinds that every Kubernetes API server has: their resources, schemas and small rules.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "controller/apiserver/resource_type.h"
#include "controller/base/error.h"

namespace tidelock::apiserver {

std::vector<ResourceTypePtr> core_types();

// The OpenAPI v3 schema of a core kind, as a JSON text of core_schemas.cc.
const nlohmann::json& core_schema(Builtin kind);

// Defaults and normal forms: Secret.stringData into data, Secret.type, a Namespace's
// status.phase and the name label.
void default_core(Builtin kind, nlohmann::json& document);
// The finalizer of a new Namespace: it stays until its contents are gone.
void hold_namespace(nlohmann::json& ns);
// Rules beside the schema: immutable ConfigMaps and Secrets, base64 data, data keys, event fields.
std::vector<Cause> validate_core(Builtin kind, const nlohmann::json& document,
                                 const nlohmann::json* old_document);

}  // namespace tidelock::apiserver
