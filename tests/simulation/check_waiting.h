// SPDX-License-Identifier: Apache-2.0
// While nothing is broken: who is said to hold a lock holds it, a full budget is full, and a task that
// nobody lets start says why. For longer than news take to get around nothing else may stand there.
#pragma once

#include <map>
#include <string>

#include "tests/simulation/kernel.h"
#include "tests/simulation/truth.h"

namespace tidelock::simulation {

class WaitingChecker {
 public:
  WaitingChecker(Kernel& kernel, const Truth& truth) : kernel_(kernel), truth_(truth) {}
  // After each event. Cheap if nothing changed.
  void look();

 private:
  std::string unexplained(const api::DeploymentTask& task) const;

  Kernel& kernel_;
  const Truth& truth_;
  store::Revision seen_ = -1;
  TimePoint next_look_;
  std::map<std::string, TimePoint> since_;  // by task and what is wrong
};

}  // namespace tidelock::simulation
