// SPDX-License-Identifier: Apache-2.0
// `tidelock server`: store, API server, controller and local agent in one process.
#pragma once

#include <optional>
#include <string>

#include "controller/base/time.h"
#include "controller/platform/signals.h"

namespace tidelock {

struct ServerFlags {
  std::string data_dir;                    // absolute
  std::string listen = "127.0.0.1:6443";   // ADDRESS:PORT; port 0 = any free one
  bool allow_local_executor = false;
  std::optional<Duration> drift_interval;  // absent = the agent's default
};

// Serves until a signal comes. Returns the exit code; errors are on stderr.
int run_server(const ServerFlags& flags, platform::ShutdownSignals& signals);

}  // namespace tidelock
