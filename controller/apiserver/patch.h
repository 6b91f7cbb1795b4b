// SPDX-License-Identifier: Apache-2.0
// The patch formats, as pure functions over documents.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "controller/base/result.h"

namespace tidelock::apiserver {

// RFC 7386.
nlohmann::json apply_merge_patch(nlohmann::json target, const nlohmann::json& patch);

// RFC 6902, with kube-apiserver's habits: `replace` of a missing member adds it; a failing operation
// is Invalid without causes; more than limits::kJsonPatchOperationsMax operations or too much copied
// are RequestEntityTooLarge; a patch that is not a list of operations is BadRequest.
Result<nlohmann::json> apply_json_patch(nlohmann::json target, const nlohmann::json& patch);

// Strategic merge for the core kinds: maps merge, lists are replaced save those with a merge key
// (ownerReferences, secrets, imagePullSecrets) and finalizers; $patch delete|replace, $retainKeys,
// $deleteFromPrimitiveList and $setElementOrder are honoured.
Result<nlohmann::json> apply_strategic_patch(nlohmann::json target, const nlohmann::json& patch);

}  // namespace tidelock::apiserver
