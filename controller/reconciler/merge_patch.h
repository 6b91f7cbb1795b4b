// SPDX-License-Identifier: Apache-2.0
// The JSON merge patch (RFC 7386) that turns one value into another.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace tidelock::reconciler {

// Members that went away become null, lists are replaced whole, equal members are left out: an empty
// object means "no change". Values inside `to` must not be null (a merge patch cannot say that).
nlohmann::json merge_patch(const nlohmann::json& from, const nlohmann::json& to);

}  // namespace tidelock::reconciler
