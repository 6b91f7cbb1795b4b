// SPDX-License-Identifier: Apache-2.0
#include "controller/api/selector.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace tidelock::api {
namespace {

using Operator = LabelRequirement::Operator;

enum class TokenKind { End, Identifier, Open, Close, Comma, Not, Equals, NotEquals, Greater, Less };

struct Token {
  TokenKind kind = TokenKind::End;
  std::string text;
};

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
bool is_symbol(char c) { return std::string_view("=!(),><").find(c) != std::string_view::npos; }

std::optional<TokenKind> symbol_kind(std::string_view text) {
  if (text == "(") return TokenKind::Open;
  if (text == ")") return TokenKind::Close;
  if (text == ",") return TokenKind::Comma;
  if (text == "!") return TokenKind::Not;
  if (text == "=" || text == "==") return TokenKind::Equals;
  if (text == "!=") return TokenKind::NotEquals;
  if (text == ">") return TokenKind::Greater;
  if (text == "<") return TokenKind::Less;
  return std::nullopt;
}

std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (true) {
    while (at < text.size() && is_blank(text[at])) ++at;
    if (at == text.size()) break;
    const std::size_t start = at++;
    if (is_symbol(text[start])) {
      while (at < text.size() && symbol_kind(text.substr(start, at + 1 - start))) ++at;
      const std::string_view symbol = text.substr(start, at - start);
      tokens.push_back({*symbol_kind(symbol), std::string(symbol)});
    } else {
      while (at < text.size() && !is_blank(text[at]) && !is_symbol(text[at])) ++at;
      tokens.push_back({TokenKind::Identifier, std::string(text.substr(start, at - start))});
    }
  }
  tokens.push_back({});
  return tokens;
}

std::optional<std::int64_t> to_number(std::string_view text) {
  std::int64_t value = 0;
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// Recursive descent over the tokens; the messages are labels.Parse's.
class Parser {
 public:
  explicit Parser(std::string_view text) : tokens_(tokenize(text)) {}

  Result<std::vector<LabelRequirement>> run() {
    std::vector<LabelRequirement> requirements;
    while (true) {
      const Token& next = peek();
      if (next.kind == TokenKind::End) return requirements;
      if (next.kind != TokenKind::Identifier && next.kind != TokenKind::Not) {
        return found(next, "!, identifier, or 'end of string'");
      }
      auto requirement = parse_requirement();
      if (!requirement) {
        return fail(Reason::BadRequest,
                    "unable to parse requirement: " + requirement.error().message);
      }
      requirements.push_back(std::move(*requirement));
      const Token after = take();
      if (after.kind == TokenKind::End) return requirements;
      if (after.kind != TokenKind::Comma) return found(after, "',' or 'end of string'");
      if (peek().kind != TokenKind::Identifier && peek().kind != TokenKind::Not) {
        return found(peek(), "identifier after ','");
      }
    }
  }

 private:
  static tl::unexpected<Error> found(const Token& token, const std::string& expected) {
    return fail(Reason::BadRequest, "found '" + token.text + "', expected: " + expected);
  }
  const Token& peek() const { return tokens_[at_]; }
  Token take() { return at_ + 1 < tokens_.size() ? tokens_[at_++] : tokens_[at_]; }

  Result<LabelRequirement> parse_requirement() {
    LabelRequirement requirement;
    Token key = take();
    const bool negated = key.kind == TokenKind::Not;
    if (negated) key = take();
    if (key.kind != TokenKind::Identifier) return found(key, "identifier");
    if (const std::string wrong = check_label_key(key.text); !wrong.empty()) {
      return fail(Reason::BadRequest, "key: Invalid value: " + quoted(key.text) + ": " + wrong);
    }
    requirement.key = key.text;
    requirement.op = negated ? Operator::DoesNotExist : Operator::Exists;
    const bool ends = peek().kind == TokenKind::End || peek().kind == TokenKind::Comma;
    if (negated || ends) return requirement;
    if (auto parsed = parse_comparison(requirement); !parsed) return fail(parsed.error());
    if (auto checked = check_values(requirement); !checked) return fail(checked.error());
    return requirement;
  }

  Result<void> parse_comparison(LabelRequirement& requirement) {
    const Token op = take();
    const bool set = op.kind == TokenKind::Identifier && (op.text == "in" || op.text == "notin");
    if (set) {
      requirement.op = op.text == "in" ? Operator::In : Operator::NotIn;
      return parse_set(requirement.values);
    }
    if (op.kind == TokenKind::Equals) {
      requirement.op = Operator::In;
    } else if (op.kind == TokenKind::NotEquals) {
      requirement.op = Operator::NotIn;
    } else if (op.kind == TokenKind::Greater) {
      requirement.op = Operator::GreaterThan;
    } else if (op.kind == TokenKind::Less) {
      requirement.op = Operator::LessThan;
    } else {
      return found(op, "in, notin, =, ==, !=, gt, lt");
    }
    return parse_exact(requirement.values);
  }

  Result<void> parse_exact(std::vector<std::string>& values) {
    if (peek().kind == TokenKind::End || peek().kind == TokenKind::Comma) {
      values.emplace_back();
      return {};
    }
    const Token value = take();
    if (value.kind != TokenKind::Identifier) return found(value, "identifier");
    values.push_back(value.text);
    return {};
  }

  // "(a,b)"; a missing element, as in "(a,)" or "(,a)", is the empty value.
  Result<void> parse_set(std::vector<std::string>& values) {
    if (const Token open = take(); open.kind != TokenKind::Open) return found(open, "'('");
    std::set<std::string> sorted;
    bool closed = peek().kind == TokenKind::Close;
    if (closed) take();
    while (!closed) {
      std::string value;
      if (peek().kind == TokenKind::Identifier) value = take().text;
      sorted.insert(value);
      const Token after = take();
      closed = after.kind == TokenKind::Close;
      if (!closed && after.kind != TokenKind::Comma) return found(after, "',' or ')'");
    }
    values.assign(sorted.begin(), sorted.end());
    return {};
  }

  Result<void> check_values(const LabelRequirement& requirement) {
    const bool compares =
        requirement.op == Operator::GreaterThan || requirement.op == Operator::LessThan;
    if (requirement.values.empty()) {
      return fail(Reason::BadRequest,
                  "values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
    }
    for (std::size_t i = 0; i < requirement.values.size(); ++i) {
      const std::string& value = requirement.values[i];
      const std::string where = "values[" + std::to_string(i) + "]";
      if (compares && !to_number(value)) {
        return fail(Reason::BadRequest, where + ": Invalid value: " + quoted(value) +
                                            ": for 'Gt', 'Lt' operators, the value must be an integer");
      }
      if (const std::string wrong = check_label_value(value); !wrong.empty()) {
        return fail(Reason::BadRequest, where + "[" + requirement.key + "]: Invalid value: " +
                                            quoted(value) + ": " + wrong);
      }
    }
    return {};
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

bool matches_one(const LabelRequirement& requirement,
                 const std::map<std::string, std::string>& labels) {
  const auto label = labels.find(requirement.key);
  const bool has = label != labels.end();
  const auto listed = [&] {
    return std::find(requirement.values.begin(), requirement.values.end(), label->second) !=
           requirement.values.end();
  };
  const auto compared = [&](bool greater) {
    if (!has) return false;
    const auto number = to_number(label->second);
    const auto bound = to_number(requirement.values.front());
    return number && bound && (greater ? *number > *bound : *number < *bound);
  };
  switch (requirement.op) {
    case Operator::Exists: return has;
    case Operator::DoesNotExist: return !has;
    case Operator::In: return has && listed();
    case Operator::NotIn: return !has || !listed();
    case Operator::GreaterThan: return compared(true);
    case Operator::LessThan: return compared(false);
  }
  return false;
}

// The terms between unescaped commas.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '\\') {
      ++i;
    } else if (i >= text.size() || text[i] == ',') {
      terms.push_back(text.substr(start, std::min(i, text.size()) - start));
      start = i + 1;
    }
  }
  if (start < text.size()) terms.push_back(text.substr(start));
  return terms;
}

Result<std::string> unescape(std::string_view value) {
  std::string plain;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '=' || value[i] == ',') {
      return fail(Reason::BadRequest,
                  "invalid field selector: unescaped character in value: " + std::string(1, value[i]));
    }
    if (value[i] == '\\') {
      ++i;
      if (i == value.size() || std::string_view("\\,=").find(value[i]) == std::string_view::npos) {
        return fail(Reason::BadRequest, "invalid field selector: invalid escape sequence: " +
                                            std::string(value.substr(i - 1, 2)));
      }
    }
    plain += value[i];
  }
  return plain;
}

}  // namespace

Result<LabelQuery> LabelQuery::parse(std::string_view text) {
  auto requirements = Parser(text).run();
  if (!requirements) return fail(requirements.error());
  LabelQuery query;
  query.requirements_ = std::move(*requirements);
  std::stable_sort(query.requirements_.begin(), query.requirements_.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  return query;
}

bool LabelQuery::matches(const std::map<std::string, std::string>& labels) const {
  return std::all_of(requirements_.begin(), requirements_.end(),
                     [&](const LabelRequirement& each) { return matches_one(each, labels); });
}

Result<std::vector<FieldRequirement>> parse_field_selector(std::string_view text) {
  std::vector<FieldRequirement> requirements;
  for (const std::string_view term : split_terms(text)) {
    if (term.empty()) continue;
    const std::size_t at = [&] {
      for (std::size_t i = 0; i < term.size(); ++i) {
        if (term[i] == '\\') {
          ++i;
        } else if (term[i] == '=' || term.substr(i, 2) == "!=") {
          return i;
        }
      }
      return std::string_view::npos;
    }();
    if (at == std::string_view::npos) {
      return fail(Reason::BadRequest, "invalid selector: '" + std::string(text) +
                                          "'; can't understand '" + std::string(term) + "'");
    }
    const bool equal = term[at] == '=';
    const std::size_t width = !equal || term.substr(at, 2) == "==" ? 2 : 1;
    auto value = unescape(term.substr(at + width));
    if (!value) return fail(value.error());
    requirements.push_back({std::string(term.substr(0, at)), std::move(*value), equal});
  }
  return requirements;
}

}  // namespace tidelock::api
