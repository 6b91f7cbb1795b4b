// SPDX-License-Identifier: Apache-2.0
// Bars of time as characters: later bars are drawn over earlier ones, and none is too short to see.
#pragma once

#include <string>
#include <vector>

#include "controller/base/time.h"

namespace tidelock::cli {

inline constexpr char kMarkLock = '-';
inline constexpr char kMarkBudget = '=';
inline constexpr char kMarkOther = '.';

struct Bar {
  TimePoint from;
  TimePoint to;
  char mark = kMarkOther;
};

// 1 … 9, a … z, then '#'.
char step_mark(std::size_t index);
// `columns` characters for [from, to].
std::string draw_bars(const std::vector<Bar>& bars, TimePoint from, TimePoint to,
                      std::size_t columns);

}  // namespace tidelock::cli
