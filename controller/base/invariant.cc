// SPDX-License-Identifier: Apache-2.0
#include "controller/base/invariant.h"

#include <cstdio>
#include <cstdlib>

namespace tidelock {

void invariant_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "tidelock: invariant broken: %s (%s:%d)\n", condition, file, line);
  std::fflush(stderr);
  std::abort();
}

}  // namespace tidelock
