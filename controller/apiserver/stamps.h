// SPDX-License-Identifier: Apache-2.0
// Fields outside of metadata that the server itself fills in: who approved.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "controller/apiserver/apiserver.h"
#include "controller/apiserver/resource_type.h"

namespace tidelock::apiserver {

// A new object: writes the user over whatever the client sent.
void stamp_created(const ResourceType& type, const User& user, nlohmann::json& document);
// An update that leaves such a field out keeps it; one that names somebody else is left for
// validation to refuse.
void stamp_updated(const ResourceType& type, const nlohmann::json& old, nlohmann::json& document);

}  // namespace tidelock::apiserver
