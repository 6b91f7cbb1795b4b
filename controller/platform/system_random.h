// SPDX-License-Identifier: Apache-2.0
// Randomness from the kernel (getrandom), in blocks. Good enough for uids and tokens. Thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>

#include "controller/base/random.h"

namespace tidelock::platform {

class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;

 private:
  std::mutex mutex_;
  std::array<std::uint64_t, 32> block_{};  // guarded by mutex_
  std::size_t used_ = 32;                  // guarded by mutex_
};

}  // namespace tidelock::platform
