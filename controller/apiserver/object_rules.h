// SPDX-License-Identifier: Apache-2.0
// The rules of a kind over a whole document: its schema, and what a schema cannot say.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/context.h"
#include "controller/base/result.h"

namespace tidelock::apiserver {

std::shared_ptr<const Schema> compile_core_schema(Builtin kind);
// Of one entry of a CRD's spec.versions.
Result<std::shared_ptr<const Schema>> compile_crd_schema(const nlohmann::json& version);

// Removes fields that the schema does not know and appends their paths to `unknown`.
void prune(const ResourceType& type, nlohmann::json& document, std::vector<std::string>& unknown);
void apply_defaults(const ResourceType& type, nlohmann::json& document);
// Schema, core rules, CRD rules, and api::validate() for the kinds of tidelock.dev.
std::vector<Cause> validate_object(Context& context, const ResourceType& type,
                                   const nlohmann::json& document, const nlohmann::json* old,
                                   const std::string& subresource);

}  // namespace tidelock::apiserver
