// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/unified_diff.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tidelock::cli {
namespace {

constexpr std::size_t kContext = 3;
// Above this, the middle is shown as removed and added whole instead of aligned line by line.
constexpr std::size_t kCellsMax = 25'000'000;

using Lines = std::vector<std::string_view>;

struct Edit {
  char mark;  // ' ', '-', '+'
  std::string_view text;
};

Lines split(std::string_view text) {
  Lines lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return lines;
}

// The longest common subsequence of the two middles, by the classic table.
void align(const Lines& a, const Lines& b, std::vector<Edit>& edits) {
  const std::size_t n = a.size(), m = b.size();
  if ((n + 1) * (m + 1) > kCellsMax) {
    for (std::string_view line : a) edits.push_back({'-', line});
    for (std::string_view line : b) edits.push_back({'+', line});
    return;
  }
  std::vector<std::uint32_t> longest((n + 1) * (m + 1), 0);
  const auto at = [&](std::size_t i, std::size_t j) -> std::uint32_t& {
    return longest[i * (m + 1) + j];
  };
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t j = m; j-- > 0;) {
      at(i, j) = a[i] == b[j] ? at(i + 1, j + 1) + 1 : std::max(at(i + 1, j), at(i, j + 1));
    }
  }
  std::size_t i = 0, j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && a[i] == b[j]) {
      edits.push_back({' ', a[i]});
      ++i, ++j;
    } else if (i < n && (j == m || at(i + 1, j) >= at(i, j + 1))) {
      edits.push_back({'-', a[i++]});
    } else {
      edits.push_back({'+', b[j++]});
    }
  }
}

std::vector<Edit> edits_of(const Lines& a, const Lines& b) {
  std::size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) ++head;
  std::size_t tail = 0;
  while (tail < a.size() - head && tail < b.size() - head &&
         a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  const auto middle = [&](const Lines& lines) {
    return Lines(lines.begin() + static_cast<std::ptrdiff_t>(head),
                 lines.end() - static_cast<std::ptrdiff_t>(tail));
  };
  std::vector<Edit> edits;
  for (std::size_t i = 0; i < head; ++i) edits.push_back({' ', a[i]});
  align(middle(a), middle(b), edits);
  for (std::size_t i = a.size() - tail; i < a.size(); ++i) edits.push_back({' ', a[i]});
  return edits;
}

std::string range(std::size_t start, std::size_t count) {
  const std::size_t first = count == 0 ? start : start + 1;
  return std::to_string(first) + (count == 1 ? "" : "," + std::to_string(count));
}

}  // namespace

std::string unified_diff(const std::string& from_name, const std::string& from,
                         const std::string& to_name, const std::string& to) {
  if (from == to) return {};
  const Lines a = split(from), b = split(to);
  const std::vector<Edit> edits = edits_of(a, b);
  std::string text = "--- " + from_name + "\n+++ " + to_name + "\n";
  std::size_t line_a = 0, line_b = 0;  // lines before edits[i]
  for (std::size_t i = 0; i < edits.size();) {
    // The next hunk: from kContext before a change until 2 * kContext lines without one.
    std::size_t change = i;
    while (change < edits.size() && edits[change].mark == ' ') ++change;
    if (change == edits.size()) break;
    const std::size_t begin = std::max(i, change < kContext ? 0 : change - kContext);
    std::size_t end = change, last = change;
    while (end < edits.size() && end - last <= 2 * kContext) {
      if (edits[end].mark != ' ') last = end;
      ++end;
    }
    end = std::min(last + kContext + 1, edits.size());
    line_a += begin - i, line_b += begin - i;
    std::string body;
    std::size_t count_a = 0, count_b = 0;
    for (std::size_t k = begin; k < end; ++k) {
      body += std::string(1, edits[k].mark) + std::string(edits[k].text) + "\n";
      count_a += edits[k].mark != '+';
      count_b += edits[k].mark != '-';
    }
    text += "@@ -" + range(line_a, count_a) + " +" + range(line_b, count_b) + " @@\n" + body;
    line_a += count_a, line_b += count_b;
    i = end;
  }
  return text;
}

}  // namespace tidelock::cli
