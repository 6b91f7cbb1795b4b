// SPDX-License-Identifier: Apache-2.0
#include "controller/api/int_or_percent.h"

#include <algorithm>
#include <cstdint>

namespace tidelock::api {
namespace {

constexpr std::int64_t kWhole = 100;

// The share of `members` with `round_up` hundredths added, before it is brought into bounds.
std::int64_t part_of(IntOrPercent share, std::int64_t members, std::int64_t round_up) {
  if (!share.percent) return share.value;
  const std::int64_t percent = std::clamp<std::int64_t>(share.value, 0, kWhole);
  return (percent * members + round_up) / kWhole;
}

}  // namespace

int resolve_floor(IntOrPercent share, int members, int minimum) {
  const std::int64_t count = std::max(members, 0);
  const std::int64_t part = std::min(part_of(share, count, 0), count);
  return static_cast<int>(std::max<std::int64_t>(part, minimum));
}

int resolve_ceil(IntOrPercent share, int members, int minimum) {
  const std::int64_t count = std::max(members, 0);
  const std::int64_t part = std::max<std::int64_t>(part_of(share, count, kWhole - 1), minimum);
  return static_cast<int>(std::min(part, count));
}

}  // namespace tidelock::api
