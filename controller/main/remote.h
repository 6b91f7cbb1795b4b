// SPDX-License-Identifier: Apache-2.0
// `tidelock controller` and `tidelock agent`: the same parts against an API server elsewhere.
#pragma once

#include <optional>
#include <string>

#include "controller/base/time.h"
#include "controller/platform/signals.h"

namespace tidelock {

struct ControllerFlags {
  std::string kubeconfig;
};
int run_controller(const ControllerFlags& flags, platform::ShutdownSignals& signals);

struct AgentFlags {
  std::string kubeconfig;
  std::string target;
  std::string ns;
  std::string state_dir;
  std::optional<Duration> drift_interval;  // absent = the agent's default
};
int run_agent(const AgentFlags& flags, platform::ShutdownSignals& signals);

}  // namespace tidelock
