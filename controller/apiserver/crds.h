// SPDX-License-Identifier: Apache-2.0
// CustomResourceDefinitions: the resources that they declare, their status and their end.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/context.h"
#include "controller/base/result.h"

namespace tidelock::apiserver {

inline constexpr const char* kCrdCleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";

// names.singular, names.listKind, conversion, and the deprecation of versions.
void default_crd(nlohmann::json& crd);
// acceptedNames, storedVersions, NamesAccepted and Established, as kube-apiserver's controllers
// would set them a moment later. `old` is null on create.
void set_crd_status(Context& context, nlohmann::json& crd, const nlohmann::json* old);
// What a DELETE does to a CRD: finalizer and condition Terminating. The rest follows in step().
void mark_crd_terminating(nlohmann::json& crd, TimePoint now);

// One type for each served version, and the storage version's. Types that stay the same to watchers
// keep the ServedFlag of `before`.
Result<std::vector<ResourceTypePtr>> types_of_crd(const nlohmann::json& crd, const Catalog& before);

// Brings the registry up to a stored CRD (null: removed) at a revision.
void take_in_crd(Context& context, const std::string& name, const std::string* stored,
                 store::Revision revision);

}  // namespace tidelock::apiserver
