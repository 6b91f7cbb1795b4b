// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/gantt.h"

#include <algorithm>

namespace tidelock::cli {
namespace {

constexpr std::size_t kDigits = 9;
constexpr std::size_t kLetters = 26;

bool is_wait(char mark) { return mark == kMarkLock || mark == kMarkBudget || mark == kMarkOther; }

}  // namespace

char step_mark(std::size_t index) {
  if (index < kDigits) return static_cast<char>('1' + index);
  if (index < kDigits + kLetters) return static_cast<char>('a' + (index - kDigits));
  return '#';
}

std::string draw_bars(const std::vector<Bar>& bars, TimePoint from, TimePoint to,
                      std::size_t columns) {
  std::string line(columns, ' ');
  const auto length = std::max<std::int64_t>((to - from).count(), 1);
  const auto column = [&](TimePoint at) {
    const auto offset = std::clamp<std::int64_t>((at - from).count(), 0, length);
    return static_cast<std::size_t>(static_cast<double>(offset) / static_cast<double>(length) *
                                    static_cast<double>(columns));
  };
  for (const Bar& bar : bars) {
    const std::size_t begin = std::min(column(bar.from), columns - 1);
    std::size_t end = std::min(column(bar.to), columns);
    // A step always shows; a wait shorter than a column does not.
    if (end == begin && !is_wait(bar.mark)) end = begin + 1;
    for (std::size_t i = begin; i < end; ++i) line[i] = bar.mark;
  }
  return line;
}

}  // namespace tidelock::cli
