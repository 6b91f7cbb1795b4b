// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/system_clock.h"

namespace tidelock::platform {

TimePoint SystemClock::now() {
  return std::chrono::floor<Duration>(std::chrono::system_clock::now());
}

}  // namespace tidelock::platform
