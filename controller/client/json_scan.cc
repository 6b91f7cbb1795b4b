// SPDX-License-Identifier: Apache-2.0
#include "controller/client/json_scan.h"

#include <nlohmann/json.hpp>

#include "controller/api/json_skip.h"

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
    if (start >= text_.size()) return {};
    const char c = text_[start];
    std::size_t end = start;
    if (c == '"') {
      end = api::skip_json_string(text_, start);
    } else if (c == '{' || c == '[') {
      end = api::skip_json_nested(text_, start);
    } else {  // a number or a word
      while (end < text_.size() && text_[end] != '"' && !ends_word(text_[end])) ++end;
    }
    if (end == start || end == api::kJsonTorn) return {};
    at_ = end;
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

  static bool ends_word(char c) {
    return c == ',' || c == ':' || c == '{' || c == '}' || c == '[' || c == ']' || c == ' ' ||
           c == '\n' || c == '\t' || c == '\r';
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
