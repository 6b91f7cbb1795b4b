// SPDX-License-Identifier: Apache-2.0
// Tells people what changed: log lines and events, on change only (semantics.md §8).
//
// Logged: grants, ends, and the kind and name of what an installation waits for. Events: deployments
// that start, end or get stuck, and tasks that end badly.
#pragma once

#include <memory>

#include "controller/api/kinds.h"
#include "controller/reconciler/event_recorder.h"

namespace tidelock::reconciler {

class Narrator {
 public:
  explicit Narrator(EventRecorder& events) : events_(events) {}

  // Old or new may be null. Kinds without a story fall to the first.
  template <class T>
  void changed(const T*, const T*) {}
  void changed(const api::DeploymentTask* before, const api::DeploymentTask* after);
  void changed(const api::Installation* before, const api::Installation* after);
  void changed(const api::Rollout* before, const api::Rollout* after);
  void changed(const api::TenantDeployment* before, const api::TenantDeployment* after);

 private:
  EventRecorder& events_;
};

}  // namespace tidelock::reconciler
