// SPDX-License-Identifier: Apache-2.0
// What happens before the first request.
#pragma once

#include "controller/apiserver/context.h"
#include "controller/base/result.h"

namespace tidelock::apiserver {

// Namespaces and CRDs from the store into memory.
Result<void> load_stored_state(Context& context);
// The namespaces default, kube-system and kube-public, and the CRDs of the options: created, or
// updated when they say something else than what is stored.
Result<void> make_default_objects(Context& context);

}  // namespace tidelock::apiserver
