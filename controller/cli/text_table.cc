// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/text_table.h"

#include <algorithm>
#include <ostream>

namespace tidelock::cli {
namespace {

constexpr std::size_t kCellMin = 6;
constexpr std::size_t kPadding = 3;

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

}  // namespace

std::size_t text_width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string pad_right(std::string text, std::size_t width) {
  const std::size_t have = text_width(text);
  if (have < width) text.append(width - have, ' ');
  return text;
}

std::string clip(std::string_view text, std::size_t width) {
  if (text_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::size_t end = 0;
  for (std::size_t seen = 0; end < text.size(); ++end) {
    if (starts_character(text[end]) && seen++ == width - 1) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

void TextTable::print(std::ostream& out) {
  for (const auto& cells : rows_) {
    if (widths_.size() < cells.size()) widths_.resize(cells.size(), kCellMin);
    for (std::size_t i = 0; i + 1 < cells.size(); ++i) {
      widths_[i] = std::max(widths_[i], text_width(cells[i]) + kPadding);
    }
  }
  for (const auto& cells : rows_) {
    std::string line(indent_, ' ');
    for (std::size_t i = 0; i < cells.size(); ++i) {
      line += i + 1 == cells.size() ? cells[i] : pad_right(cells[i], widths_[i]);
    }
    out << line << "\n";
  }
  rows_.clear();
}

}  // namespace tidelock::cli
