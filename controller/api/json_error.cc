// SPDX-License-Identifier: Apache-2.0
#include "controller/api/json_error.h"

#include <cstdio>
#include <vector>

namespace tidelock::api {
namespace {

// A character as Go's scanner quotes it; bytes beyond ASCII are taken one by one there.
std::string quoted(unsigned char c) {
  if (c == '\'') return R"('\'')";
  if (c == '"') return R"('"')";
  if (c == '\\') return R"('\\')";
  char text[16];
  switch (c) {
    case '\n': return R"('\n')";
    case '\r': return R"('\r')";
    case '\t': return R"('\t')";
    default: break;
  }
  if (c < 0x20 || c == 0x7f) {
    std::snprintf(text, sizeof text, "'\\x%02x'", c);
  } else if (c < 0x7f) {
    std::snprintf(text, sizeof text, "'%c'", c);
  } else if (c < 0xa0 || c == 0xad) {
    std::snprintf(text, sizeof text, "'\\u%04x'", c);
  } else {
    std::snprintf(text, sizeof text, "'%c%c'", 0xc0 | (c >> 6), 0x80 | (c & 0x3f));
  }
  return text;
}

// Reads values from left to right without recursion; every read_* is false once error_ is set.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string run() {
    if (!read_document()) return error_;
    skip_blanks();
    if (at_ < text_.size()) wrong("after top-level value");
    return error_;
  }

 private:
  bool read_document() {
    do {
      if (!read_value()) return false;
    } while (!stack_.empty() && read_separator());
    return error_.empty();
  }

  // A scalar, or the beginning of containers down to the first scalar or empty container.
  bool read_value() {
    while (true) {
      skip_blanks();
      if (at_ == text_.size()) return ended();
      const char c = text_[at_];
      if (c == '{') {
        ++at_;
        if (!read_first_key()) return false;
        if (closed_) return true;
      } else if (c == '[') {
        ++at_;
        skip_blanks();
        if (at_ < text_.size() && text_[at_] == ']') {
          ++at_;
          return true;
        }
        stack_.push_back('[');
      } else {
        return read_scalar(c);
      }
    }
  }

  // After "{": sets closed_ for an empty object, else stands behind the colon of the first member.
  bool read_first_key() {
    skip_blanks();
    closed_ = at_ < text_.size() && text_[at_] == '}';
    if (closed_) {
      ++at_;
      return true;
    }
    stack_.push_back('{');
    return read_key();
  }

  bool read_key() {
    skip_blanks();
    if (at_ == text_.size()) return ended();
    if (text_[at_] != '"') return wrong("looking for beginning of object key string");
    if (!read_string()) return false;
    skip_blanks();
    if (at_ == text_.size()) return ended();
    if (text_[at_] != ':') return wrong("after object key");
    ++at_;
    return true;
  }

  // After a value inside a container: closes what closes; true when another value follows.
  bool read_separator() {
    while (!stack_.empty()) {
      const bool object = stack_.back() == '{';
      skip_blanks();
      if (at_ == text_.size()) return ended();
      const char c = text_[at_];
      if (c == ',') {
        ++at_;
        return !object || read_key();
      }
      if (c != (object ? '}' : ']')) {
        return wrong(object ? "after object key:value pair" : "after array element");
      }
      ++at_;
      stack_.pop_back();
    }
    return false;
  }

  bool read_scalar(char c) {
    if (c == '"') return read_string();
    if (c == 't') return read_literal("true");
    if (c == 'f') return read_literal("false");
    if (c == 'n') return read_literal("null");
    if (c == '-' || is_digit(c)) return read_number();
    return wrong("looking for beginning of value");
  }

  bool read_literal(std::string_view word) {
    for (std::size_t i = 1; i < word.size(); ++i) {
      ++at_;
      if (at_ == text_.size()) return ended();
      if (text_[at_] != word[i]) {
        return wrong("in literal " + std::string(word) + " (expecting '" + word[i] + "')");
      }
    }
    ++at_;
    return true;
  }

  bool read_digits(const char* context) {
    if (at_ == text_.size()) return ended();
    if (!is_digit(text_[at_])) return wrong(context);
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    return true;
  }

  bool read_number() {
    if (text_[at_] == '-') ++at_;
    if (at_ < text_.size() && text_[at_] == '0') {
      ++at_;
    } else if (!read_digits("in numeric literal")) {
      return false;
    }
    if (at_ < text_.size() && text_[at_] == '.') {
      ++at_;
      if (!read_digits("after decimal point in numeric literal")) return false;
    }
    if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
      ++at_;
      if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) ++at_;
      if (!read_digits("in exponent of numeric literal")) return false;
    }
    return true;
  }

  bool read_string() {
    for (++at_; at_ < text_.size(); ++at_) {
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c < 0x20) return wrong("in string literal");
      if (c == '\\' && !read_escape()) return false;
    }
    return ended();
  }

  bool read_escape() {
    if (++at_ == text_.size()) return ended();
    if (text_[at_] != 'u') {
      return std::string_view("\"\\/bfnrt").find(text_[at_]) != std::string_view::npos ||
             wrong("in string escape code");
    }
    for (int i = 0; i < 4; ++i) {
      if (++at_ == text_.size()) return ended();
      if (std::string_view("0123456789abcdefABCDEF").find(text_[at_]) == std::string_view::npos) {
        return wrong("in \\u hexadecimal character escape");
      }
    }
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  bool ended() {
    error_ = "unexpected end of JSON input";
    return false;
  }
  bool wrong(const std::string& context) {
    error_ = "invalid character " + quoted(static_cast<unsigned char>(text_[at_])) + " " + context;
    return false;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<char> stack_;  // '{' or '[' of the open containers
  bool closed_ = false;
  std::string error_;
};

}  // namespace

std::string go_json_error(std::string_view text) { return Scanner(text).run(); }

}  // namespace tidelock::api
