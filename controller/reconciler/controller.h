// SPDX-License-Identifier: Apache-2.0
// The controller: reflectors in, planners in the middle, plan writer out. One Component.
//
// One planner per namespace, guarded by the Lease "tidelock-planner" of that namespace, whose
// leaseTransitions is the epoch of fences. Everything it knows comes from the API: a restart lists and
// plans. Answers of own writes go into the caches at once, so it never plans on a cache older than
// its own last write; every write of a plan is conditional on the version that it was planned on.
#pragma once

#include <memory>
#include <string>

#include "controller/base/random.h"
#include "controller/base/time.h"
#include "controller/client/api_client.h"

namespace tidelock::reconciler {

struct Options {
  std::string identity;  // holder of the leases
  Duration lease_duration = std::chrono::seconds(15);
  Wake wake;
  // Read again within a step, since its requests take time and a lease may be over by then. Null: the
  // time that step() was called with is good enough.
  Clock* clock = nullptr;
};

class Controller : public Component {
 public:
  static std::unique_ptr<Controller> make(client::ApiClient& api, Random& random, Options options);
  // All reflectors have their first list.
  virtual bool synced() const = 0;
};

}  // namespace tidelock::reconciler
