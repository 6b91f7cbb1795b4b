// SPDX-License-Identifier: Apache-2.0
// What "25%" of a number of pairs is. Planner and validation share it.
//
// | field                                                       | function      | minimum |
// |--------------------------------------------------------------|---------------|---------|
// | concurrency, steps[]                                         | resolve_floor | 1       |
// | maxFailures, unreachable.max, deletionGuard.max              | resolve_floor | 0       |
// | minSucceeded, promotion.minSucceeded                         | resolve_ceil  | 1       |
//
// Never more than `members`: a number above it means all. Total: stored values that validation would
// refuse are brought into the bounds.
#pragma once

#include "controller/api/kinds.h"

namespace tidelock::api {

// A share rounds down. At least `minimum`, even of no members at all: who joins later may start.
int resolve_floor(IntOrPercent share, int members, int minimum);
// A share rounds up. At least `minimum` where there are so many members: nothing can be asked of
// members that are not there.
int resolve_ceil(IntOrPercent share, int members, int minimum);

}  // namespace tidelock::api
