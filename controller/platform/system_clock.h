// SPDX-License-Identifier: Apache-2.0
// The wall clock of the machine. It can jump, forward and back. Thread-safe.
#pragma once

#include "controller/base/time.h"

namespace tidelock::platform {

class SystemClock final : public Clock {
 public:
  TimePoint now() override;
};

}  // namespace tidelock::platform
