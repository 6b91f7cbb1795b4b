// SPDX-License-Identifier: Apache-2.0
// Columns of text as kubectl aligns them: three blanks between, the last column ragged.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace tidelock::cli {

// Characters of a UTF-8 text; each counts as one column.
std::size_t text_width(std::string_view text);
std::string pad_right(std::string text, std::size_t width);
// At most `width` columns, "…" at a cut.
std::string clip(std::string_view text, std::size_t width);

// Keeps column widths over several print()s, so that a watch stays aligned.
class TextTable {
 public:
  explicit TextTable(std::size_t indent = 0) : indent_(indent) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }
  // Prints and forgets the rows.
  void print(std::ostream& out);

 private:
  std::size_t indent_;
  std::vector<std::size_t> widths_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tidelock::cli
