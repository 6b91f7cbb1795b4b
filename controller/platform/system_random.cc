// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/system_random.h"

#include <sys/random.h>

#include <cerrno>

#include "controller/base/invariant.h"

namespace tidelock::platform {

std::uint64_t SystemRandom::next() {
  const std::lock_guard lock(mutex_);
  if (used_ == block_.size()) {
    // Up to 256 bytes are never cut short once the kernel's pool is ready; a signal before that
    // is the one reason to ask again.
    ssize_t got = -1;
    do {
      got = getrandom(block_.data(), sizeof(block_), 0);
    } while (got < 0 && errno == EINTR);
    INVARIANT(got == static_cast<ssize_t>(sizeof(block_)));
    used_ = 0;
  }
  const std::uint64_t number = block_[used_];
  block_[used_++] = 0;  // handed out once, then forgotten
  return number;
}

}  // namespace tidelock::platform
