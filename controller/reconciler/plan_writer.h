// SPDX-License-Identifier: Apache-2.0
// Effects of a plan to API calls, each conditional on the version that it was planned on.
//
// Pure: reads the facts, builds calls. Changes are merge patches from the known object to the wished
// one with metadata.resourceVersion as the lock; creates have deterministic names; deletes carry
// the uid.
#pragma once

#include <optional>
#include <string>

#include "controller/client/api_client.h"
#include "controller/planner/planner.h"
#include "controller/reconciler/facts.h"

namespace tidelock::reconciler {

struct Write {
  client::Call call;
  std::string_view kind;  // "DeploymentTask"
  api::ObjectKey key;
  std::string uid;        // of what is deleted or taken over
  // Takes locks: while its outcome is unknown, nothing else may be planned in the namespace.
  bool grants = false;
};

// Nullopt: the object is not known any more, or nothing would change.
std::optional<Write> write_of(const planner::Effect& effect, const std::string& ns,
                              const Facts& facts, TimePoint now);
// Changes nothing but the version of a task, so that whatever was planned on the versions before is refused.
Write takeover_of(const api::DeploymentTask& task, std::int64_t epoch);
// The call that reads the object of a write.
client::Call read_of(const Write& write);

}  // namespace tidelock::reconciler
