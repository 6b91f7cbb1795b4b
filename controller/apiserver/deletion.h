// SPDX-License-Identifier: Apache-2.0
// Deleting one object by Kubernetes' rules: preconditions, finalizers, propagation, namespaces, CRDs.
#pragma once

#include <string>

#include "controller/apiserver/request_options.h"
#include "controller/apiserver/write_operation.h"

namespace tidelock::apiserver {

inline constexpr const char* kOrphanFinalizer = "orphan";
inline constexpr const char* kForegroundFinalizer = "foregroundDeletion";

// Removes the object, or marks it and leaves the rest to whoever holds a finalizer. NotFound if it
// is not there.
void start_delete(Context& context, const ResourceTypePtr& type, const std::string& key,
                  const DeleteOptions& options, WriteDone done);

}  // namespace tidelock::apiserver
