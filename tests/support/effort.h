// SPDX-License-Identifier: Apache-2.0
// How many rounds a random test runs: what the environment says, else `usual`, of which builds that are
// slow by purpose (sanitizers, no optimisation) do a tenth.
#pragma once

#include <algorithm>
#include <cstdlib>

namespace tidelock::testing {

inline int effort(const char* variable, int usual) {
  if (const char* given = std::getenv(variable)) return std::atoi(given);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  return usual;
#else
  return std::max(1, usual / 10);
#endif
}

}  // namespace tidelock::testing
