// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "controller/api/jsonpath_template.h"

namespace tidelock::api::jsonpath {
namespace {

using nlohmann::json;
using Nodes = std::vector<Node>;

// Unions and filters nest expressions in expressions.
constexpr int kNestingMax = 20;

Error wrong(std::string text) { return make_error(Reason::BadRequest, std::move(text)); }

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_char(char c) {
  return c == '_' || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_terminator(char c) {
  return std::string_view(" \t\r\n.,[]$@{}").find(c) != std::string_view::npos;
}

std::optional<std::int64_t> integer(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// Splits at `separator` outside of quotes, parentheses and brackets.
std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  int depth = 0;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '(' || c == '[') {
      ++depth;
    } else if (c == ')' || c == ']') {
      --depth;
    } else if (depth == 0 && text.substr(i, separator.size()) == separator) {
      parts.push_back(text.substr(start, i - start));
      i += separator.size() - 1;
      start = i + 1;
    }
  }
  parts.push_back(text.substr(start));
  return parts;
}

// The inside of one pair of braces.
class ExpressionParser {
 public:
  ExpressionParser(std::string_view text, int nesting) : text_(text), nesting_(nesting) {}

  Result<Nodes> parse() {
    if (nesting_ > kNestingMax) return fail(wrong("expression is nested too deeply"));
    while (at_ < text_.size()) {
      if (auto parsed = next(); !parsed) return fail(parsed.error());
    }
    return std::move(nodes_);
  }

 private:
  bool starts_with(std::string_view prefix) const { return text_.substr(at_).starts_with(prefix); }

  Result<void> next() {
    if (starts_with("[?(")) return filter();
    if (starts_with("..")) return recursive();
    const char c = text_[at_];
    if (c == '\n' || c == '\r') return fail(wrong("unclosed action"));
    if (c == ' ' || c == '@' || c == '$') {
      ++at_;
      return {};
    }
    if (c == '[') return array();
    if (c == '"' || c == '\'') return quoted(c);
    if (c == '.') {
      ++at_;
      return field();
    }
    if (c == '+' || c == '-' || is_digit(c)) return number();
    if (is_word_char(c)) return word();
    return fail(wrong(std::string("unrecognized character in action: '") + c + "'"));
  }

  void push(Kind kind, std::string text = {}) {
    Node node;
    node.kind = kind;
    node.text = std::move(text);
    nodes_.push_back(std::move(node));
  }
  void push_literal(json value) {
    push(Kind::Literal);
    nodes_.back().value = std::move(value);
  }

  Result<void> field() {
    std::string key;
    while (at_ < text_.size() && !is_terminator(text_[at_])) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      key += text_[at_++];
    }
    if (key == "*") {
      push(Kind::Wildcard);
    } else if (!key.empty()) {
      push(Kind::Field, std::move(key));
    } else if (at_ < text_.size() && text_[at_] != '[' && text_[at_] != ' ') {
      return fail(wrong("unexpected character after '.'"));
    }
    return {};
  }

  Result<void> recursive() {
    if (!nodes_.empty() && nodes_.back().kind == Kind::Recursive) {
      return fail(wrong("invalid multiple recursive descent"));
    }
    at_ += 2;
    push(Kind::Recursive);
    if (at_ < text_.size() && is_word_char(text_[at_])) return field();
    return {};
  }

  Result<void> word() {
    const std::size_t start = at_;
    while (at_ < text_.size() && !is_terminator(text_[at_])) ++at_;
    const std::string name(text_.substr(start, at_ - start));
    if (name == "true" || name == "false") {
      push_literal(name == "true");
    } else if (name == "range" || name == "end") {
      push(Kind::Word, name);
    } else {
      return fail(wrong("unrecognized identifier " + name));
    }
    return {};
  }

  Result<void> number() {
    const std::size_t start = at_++;
    while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) ++at_;
    const std::string_view text = text_.substr(start, at_ - start);
    if (const auto value = integer(text)) {
      push_literal(*value);
      return {};
    }
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
      return fail(wrong("cannot parse number " + std::string(text)));
    }
    push_literal(value);
    return {};
  }

  Result<void> quoted(char quote) {
    std::string value;
    for (++at_; at_ < text_.size() && text_[at_] != quote; ++at_) {
      char c = text_[at_];
      if (c == '\\' && at_ + 1 < text_.size()) {
        c = text_[++at_];
        if (c == 'n') c = '\n';
        if (c == 't') c = '\t';
        if (c == 'r') c = '\r';
      }
      value += c;
    }
    if (at_ == text_.size()) return fail(wrong("unterminated quoted string"));
    ++at_;
    push_literal(std::move(value));
    return {};
  }

  // The text up to the bracket that closes the one at at_; quotes may hold brackets.
  Result<std::string_view> bracketed() {
    char quote = 0;
    const std::size_t start = ++at_;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote != 0) {
        if (c == quote) quote = 0;
      } else if (c == '\'' || c == '"') {
        quote = c;
      } else if (c == ']') {
        return text_.substr(start, at_++ - start);
      }
    }
    return fail(wrong("unterminated array"));
  }

  Result<void> array() {
    const auto inside = bracketed();
    if (!inside) return fail(inside.error());
    const auto parts = split(*inside, ",");
    if (parts.size() == 1) return subscript(trimmed(parts[0]));
    push(Kind::Union);
    Node node = std::move(nodes_.back());
    nodes_.pop_back();
    for (const std::string_view part : parts) {
      auto branch =
          ExpressionParser("[" + std::string(trimmed(part)) + "]", nesting_ + 1, Owned{}).parse();
      if (!branch) return fail(branch.error());
      node.branches.push_back(std::move(*branch));
    }
    nodes_.push_back(std::move(node));
    return {};
  }

  Result<void> subscript(std::string_view text) {
    if (text == "*") text = ":";
    if (text.size() >= 2 && (text.front() == '\'' || text.front() == '"') &&
        text.back() == text.front()) {
      push(Kind::Field, std::string(text.substr(1, text.size() - 2)));
      return {};
    }
    const auto parts = split(text, ":");
    if (parts.size() > 3) return fail(wrong("invalid array index " + std::string(text)));
    push(Kind::Array);
    Node& node = nodes_.back();
    std::optional<std::int64_t>* const fields[] = {&node.from, &node.to, &node.by};
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (parts[i].empty()) continue;
      *fields[i] = integer(parts[i]);
      if (!*fields[i]) return fail(wrong("invalid array index " + std::string(text)));
    }
    if (parts.size() > 1) return {};
    if (!node.from) return fail(wrong("invalid array index " + std::string(text)));
    node.single = true;
    node.to = *node.from + 1;
    return {};
  }

  // The text between "[?(" and ")]".
  Result<std::string_view> filter_text() {
    const std::size_t start = at_ += 3;
    char quote = 0;
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote != 0) {
        if (c == '\\') ++at_;
        if (c == quote) quote = 0;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && depth-- == 0) {
        const std::string_view inside = text_.substr(start, at_ - start);
        ++at_;
        if (at_ >= text_.size() || text_[at_] != ']') return fail(wrong("unclosed array expect ]"));
        ++at_;
        return inside;
      }
    }
    return fail(wrong("unterminated filter"));
  }

  Result<void> filter() {
    const auto inside = filter_text();
    if (!inside) return fail(inside.error());
    Node node;
    node.kind = Kind::Filter;
    for (const std::string_view alternative : split(*inside, "||")) {
      node.terms.emplace_back();
      for (const std::string_view term : split(alternative, "&&")) {
        auto parsed = comparison(trimmed(term));
        if (!parsed) return fail(parsed.error());
        node.terms.back().push_back(std::move(*parsed));
      }
    }
    nodes_.push_back(std::move(node));
    return {};
  }

  Result<Comparison> comparison(std::string_view text) {
    Comparison result;
    constexpr std::string_view kSigns = "!<>=";
    const std::size_t sign = text.find_first_of(kSigns);
    result.op = "exists";
    std::string_view left = text;
    if (sign != std::string_view::npos && sign != 0) {
      const std::size_t end = text.find_first_not_of(kSigns, sign);
      if (end == std::string_view::npos) return fail(wrong("unterminated filter"));
      left = text.substr(0, sign);
      result.op = std::string(text.substr(sign, end - sign));
      auto right = ExpressionParser(text.substr(end), nesting_ + 1).parse();
      if (!right) return fail(right.error());
      result.right = std::move(*right);
    }
    auto parsed = ExpressionParser(left, nesting_ + 1).parse();
    if (!parsed) return fail(parsed.error());
    result.left = std::move(*parsed);
    return result;
  }

  // For a text that the parser makes itself.
  struct Owned {};
  ExpressionParser(std::string text, int nesting, Owned)
      : owned_(std::move(text)), text_(owned_), nesting_(nesting) {}

  std::string owned_;
  std::string_view text_;
  int nesting_ = 0;
  std::size_t at_ = 0;
  Nodes nodes_;
};

// The end of the expression whose brace is open at `at`: the first } outside of quotes.
std::size_t closing_brace(std::string_view text, std::size_t at) {
  char quote = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != 0) {
      if (c == '\\') ++at;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '}') {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace

Result<std::vector<std::vector<Node>>> parse(std::string_view text) {
  std::vector<Nodes> parts;
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t open = std::min(text.find('{', at), text.size());
    if (open > at) {
      Node node;
      node.value = std::string(text.substr(at, open - at));
      parts.push_back({std::move(node)});
    }
    if (open == text.size()) break;
    const std::size_t close = closing_brace(text, open + 1);
    if (close == std::string_view::npos) return fail(wrong("unclosed action"));
    auto nodes = ExpressionParser(text.substr(open + 1, close - open - 1), 0).parse();
    if (!nodes) return fail(nodes.error());
    parts.push_back(std::move(*nodes));
    at = close + 1;
  }
  return parts;
}

}  // namespace tidelock::api::jsonpath
