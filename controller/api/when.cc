// SPDX-License-Identifier: Apache-2.0
#include "controller/api/when.h"

#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

// Evaluates while it parses; both sides of && and || are always parsed.
class Expression {
 public:
  Expression(std::string_view text, const Lookup& lookup) : text_(text), lookup_(lookup) {}

  Result<bool> run() {
    auto value = any_of();
    if (!value) return value;
    skip_blanks();
    if (at_ < text_.size()) return wrong("expected && or ||");
    return value;
  }

 private:
  Result<bool> any_of() {
    auto value = all_of();
    while (value && take("||")) {
      const auto right = all_of();
      if (!right) return right;
      *value = *value || *right;
    }
    return value;
  }

  Result<bool> all_of() {
    auto value = one();
    while (value && take("&&")) {
      const auto right = one();
      if (!right) return right;
      *value = *value && *right;
    }
    return value;
  }

  Result<bool> one() {
    skip_blanks();
    const bool negation = at_ < text_.size() && text_[at_] == '!';
    const bool group = at_ < text_.size() && text_[at_] == '(';
    if (!negation && !group) return comparison();
    if (depth_ == limits::kWhenDepthMax) {
      return wrong("nested deeper than " + std::to_string(limits::kWhenDepthMax));
    }
    ++at_;
    ++depth_;
    auto value = negation ? one() : any_of();
    --depth_;
    if (!value) return value;
    if (negation) return !*value;
    if (!take(")")) return wrong("expected \")\"");
    return value;
  }

  Result<bool> comparison() {
    const std::string_view name = take_name();
    if (name.empty()) return wrong("expected a variable's name");
    const std::string value = lookup_ ? lookup_(name).value_or("") : std::string();
    const bool equal = take("==");
    if (!equal && !take("!=")) return !value.empty() && value != "false" && value != "0";
    const auto text = take_text();
    if (!text) return fail(text.error());
    return (value == *text) == equal;
  }

  std::string_view take_name() {
    skip_blanks();
    const std::size_t start = at_;
    while (at_ < text_.size() && is_name_character(text_[at_])) ++at_;
    return text_.substr(start, at_ - start);
  }

  // "text", with \" and \\ inside.
  Result<std::string> take_text() {
    if (!take("\"")) return wrong_text("expected a text in double quotes");
    std::string out;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') {
        ++at_;
        if (at_ == text_.size() || (text_[at_] != '"' && text_[at_] != '\\')) {
          return wrong_text("only \\\" and \\\\ are known after a backslash");
        }
      }
      out += text_[at_];
    }
    if (at_ == text_.size()) return wrong_text("the text has no closing quote");
    ++at_;
    return out;
  }

  bool take(std::string_view literal) {
    skip_blanks();
    if (text_.substr(at_, literal.size()) != literal) return false;
    at_ += literal.size();
    return true;
  }

  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n')) {
      ++at_;
    }
  }

  static bool is_name_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  }

  Result<bool> wrong(const std::string& what) { return fail(error(what)); }
  Result<std::string> wrong_text(const std::string& what) { return fail(error(what)); }
  Error error(const std::string& what) const {
    return make_error(Reason::Invalid, "position " + std::to_string(at_ + 1) + ": " + what);
  }

  std::string_view text_;
  const Lookup& lookup_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

}  // namespace

Result<bool> evaluate_when(std::string_view when, bool failed_before, const Lookup& lookup) {
  if (when == "Success") return !failed_before;
  if (when == "Failure") return failed_before;
  if (when == "Always") return true;
  auto value = Expression(when, lookup).run();
  if (value && failed_before) *value = false;
  return value;
}

Result<void> check_when(std::string_view when) {
  const auto value = evaluate_when(when, false, Lookup());
  if (!value) return fail(value.error());
  return {};
}

}  // namespace tidelock::api
