// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/human.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/cli/text_table.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

bool is_upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }

bool is_leaf(const json& value) { return !value.is_structured() || value.empty(); }

std::string leaf_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_structured()) return value.is_object() ? "{}" : "<none>";
  return value.dump();
}

// A list of short bare values stands on one line.
bool is_flat_list(const json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const json& item) {
           return is_leaf(item) && leaf_text(item).find('\n') == std::string::npos;
         });
}

void print_lines(const std::string& text, std::size_t indent, std::ostream& out) {
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    out << std::string(indent, ' ') << text.substr(start, end - start) << "\n";
    start = end + 1;
  }
}

void print_member(const std::string& label, std::size_t width, const json& value,
                  std::size_t indent, std::ostream& out) {
  const std::string margin(indent, ' ');
  if (is_leaf(value)) {
    const std::string text = leaf_text(value);
    if (text.find('\n') == std::string::npos) {
      out << margin << pad_right(label + ":", width) << text << "\n";
    } else {
      out << margin << label << ":\n";
      print_lines(text, indent + 2, out);
    }
  } else if (is_flat_list(value)) {
    std::string text;
    for (const json& item : value) text += (text.empty() ? "" : ", ") + leaf_text(item);
    out << margin << pad_right(label + ":", width) << text << "\n";
  } else {
    out << margin << label << ":\n";
    print_human(value, indent + 2, out);
  }
}

}  // namespace

std::string title_of(const std::string& field) {
  std::string title;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const bool word =
        i > 0 && is_upper(field[i]) &&
        (!is_upper(field[i - 1]) || (i + 1 < field.size() && !is_upper(field[i + 1])));
    if (word && title.back() != ' ') title += ' ';
    title +=
        i == 0 ? static_cast<char>(std::toupper(static_cast<unsigned char>(field[i]))) : field[i];
  }
  return title;
}

void print_human(const json& value, std::size_t indent, std::ostream& out) {
  if (value.is_array()) {
    for (const json& item : value) {
      if (!item.is_object() || item.empty()) {
        out << std::string(indent, ' ') << "- " << leaf_text(item) << "\n";
        continue;
      }
      // The name first, as the heading of the item.
      auto name = item.find("name");
      const bool headed = name != item.end() && name->is_string();
      out << std::string(indent, ' ') << "- " << (headed ? name->get<std::string>() : "") << "\n";
      json rest = item;
      if (headed) rest.erase("name");
      print_human(rest, indent + 4, out);
    }
    return;
  }
  if (!value.is_object()) {
    print_lines(leaf_text(value), indent, out);
    return;
  }
  std::size_t width = 0;
  for (const auto& [key, below] : value.items())
    width = std::max(width, text_width(title_of(key)) + 3);
  for (const auto& [key, below] : value.items())
    print_member(title_of(key), width, below, indent, out);
}

std::string age_of(const std::string& time, TimePoint now) {
  auto parsed = parse_time(time);
  if (!parsed) return "<unknown>";
  return format_age(std::max(now - *parsed, Duration::zero()));
}

std::string time_and_age(const std::string& time, TimePoint now) {
  return time.empty() ? "<unknown>" : time + " (" + age_of(time, now) + " ago)";
}

}  // namespace tidelock::cli
