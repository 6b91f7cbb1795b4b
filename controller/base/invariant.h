// SPDX-License-Identifier: Apache-2.0
// INVARIANT(cond): a statement that cannot be false unless Tidelock itself is broken.
//
// On in release builds. A broken invariant prints file, line and condition to stderr and aborts:
// a crash is the normal path back to a correct state, a wrong state is not. Never use it for what
// the outside (user, network, disk) controls; that is a Result.
#pragma once

namespace tidelock {
[[noreturn]] void invariant_failed(const char* condition, const char* file, int line);
}  // namespace tidelock

#define INVARIANT(cond) \
  ((cond) ? static_cast<void>(0) : ::tidelock::invariant_failed(#cond, __FILE__, __LINE__))
