// SPDX-License-Identifier: Apache-2.0
#include "controller/client/json_scan.h"

#include <nlohmann/json.hpp>

namespace tidelock::client {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { skip_blanks(); }

  // Takes `c` if it is next.
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    skip_blanks();
    return true;
  }

  // The next value, strings with their quotes; empty at the end or on malformed text.
  std::string_view value() {
    const std::size_t start = at_;
    int depth = 0;
    do {
      if (!token(depth)) return {};
    } while (depth > 0);
    const std::string_view found = text_.substr(start, at_ - start);
    skip_blanks();
    return found;
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' ||
                                  text_[at_] == '\r')) {
      ++at_;
    }
  }

  bool token(int& depth) {
    if (at_ >= text_.size()) return false;
    const char c = text_[at_];
    if (c == '"') return skip_string();
    if (c == '{' || c == '[') ++depth;
    if (c == '}' || c == ']') --depth;
    if (depth < 0 || (depth == 0 && (c == ',' || c == ':'))) return false;
    if (ends_word(c)) {
      ++at_;
      return true;
    }
    // A number or a word.
    while (at_ < text_.size() && text_[at_] != '"' && !ends_word(text_[at_])) ++at_;
    return true;
  }

  static bool ends_word(char c) {
    return c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' || c == ' ' ||
           c == '\n' || c == '\t' || c == '\r';
  }

  bool skip_string() {
    std::size_t from = at_ + 1;
    for (;;) {
      const std::size_t quote = text_.find('"', from);
      if (quote == std::string_view::npos) return at_ = text_.size(), false;
      std::size_t slashes = 0;
      while (quote - slashes > from && text_[quote - slashes - 1] == '\\') ++slashes;
      if (slashes % 2 == 0) return at_ = quote + 1, true;
      from = quote + 1;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::string_view json_member(std::string_view object, std::string_view name) {
  Scanner scan(object);
  if (!scan.take('{')) return {};
  do {
    const std::string_view key = scan.value();
    if (key.empty() || !scan.take(':')) return {};
    const std::string_view found = scan.value();
    if (key.size() == name.size() + 2 && key.substr(1, name.size()) == name) return found;
  } while (scan.take(','));
  return {};
}

std::vector<std::string_view> json_elements(std::string_view array) {
  std::vector<std::string_view> elements;
  Scanner scan(array);
  if (!scan.take('[')) return elements;
  do {
    const std::string_view found = scan.value();
    if (found.empty()) break;
    elements.push_back(found);
  } while (scan.take(','));
  return elements;
}

std::string json_string(std::string_view value) {
  if (value.size() < 2 || value.front() != '"') return {};
  if (value.find('\\') == std::string_view::npos) {
    return std::string(value.substr(1, value.size() - 2));
  }
  auto parsed = nlohmann::json::parse(value, nullptr, false);
  return parsed.is_string() ? parsed.get<std::string>() : std::string{};
}

}  // namespace tidelock::client
