// SPDX-License-Identifier: Apache-2.0
// The wish to end: SIGTERM and SIGINT, waited for instead of handled. SIGPIPE is ignored.
#pragma once

#include <csignal>

#include "controller/platform/unique_fd.h"

namespace tidelock::platform {

// Make one at the start of main(), before any thread: threads inherit that the signals are blocked.
class ShutdownSignals {
 public:
  ShutdownSignals();
  ~ShutdownSignals();  // restores the mask of the calling thread
  ShutdownSignals(const ShutdownSignals&) = delete;
  ShutdownSignals& operator=(const ShutdownSignals&) = delete;

  // Blocks until a signal comes (its number) or interrupt() is called (0). From then on a further
  // signal has its default effect, so a second Ctrl-C ends a shutdown that hangs.
  int wait();
  void interrupt();  // from any thread

 private:
  sigset_t before_{};
  UniqueFd signals_;
  UniqueFd interrupt_;
};

}  // namespace tidelock::platform
