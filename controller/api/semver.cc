// SPDX-License-Identifier: Apache-2.0
#include "controller/api/semver.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace tidelock::api {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// No leading zero, below 2^53: what every other reader of semver takes too.
std::optional<std::uint64_t> to_number(std::string_view text) {
  constexpr std::uint64_t kMax = (1ULL << 53) - 1;
  std::uint64_t value = 0;
  if (!all_digits(text) || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || value > kMax) return std::nullopt;
  return value;
}

bool is_identifier(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

std::strong_ordering compare_identifiers(const std::string& a, const std::string& b) {
  const bool a_number = all_digits(a);
  const bool b_number = all_digits(b);
  if (a_number != b_number) {
    return a_number ? std::strong_ordering::less : std::strong_ordering::greater;
  }
  if (a_number && a.size() != b.size()) return a.size() <=> b.size();
  return a.compare(b) <=> 0;
}

// A version of which the end may be missing or x, X, *.
struct Partial {
  std::vector<std::uint64_t> numbers;  // 0 to 3
  std::vector<std::string> prerelease;

  Version low() const {
    Version v;
    if (!numbers.empty()) v.major = numbers[0];
    if (numbers.size() > 1) v.minor = numbers[1];
    if (numbers.size() > 2) v.patch = numbers[2];
    v.prerelease = prerelease;
    return v;
  }
  bool complete() const { return numbers.size() == 3; }
};

bool is_wild(std::string_view text) { return text == "x" || text == "X" || text == "*"; }

Result<std::vector<std::string>> parse_prerelease(std::string_view text) {
  std::vector<std::string> identifiers;
  for (const std::string_view part : split(text, '.')) {
    if (!is_identifier(part) || (all_digits(part) && part.size() > 1 && part[0] == '0')) {
      return fail(Reason::Invalid, "pre-release \"" + std::string(text) +
                                       "\" must be dot-separated letters, digits and hyphens, "
                                       "numbers without leading zeros");
    }
    identifiers.emplace_back(part);
  }
  return identifiers;
}

tl::unexpected<Error> bad_range(std::string_view part) {
  return fail(Reason::Invalid, "\"" + std::string(part) + "\" is not a version range");
}

Result<Partial> parse_partial(std::string_view text) {
  Partial partial;
  const std::string_view whole = text;
  if (!text.empty() && (text[0] == 'v' || text[0] == '=')) text.remove_prefix(1);
  text = text.substr(0, text.find('+'));
  const std::size_t dash = text.find('-');
  bool wild = false;
  const auto parts = split(text.substr(0, dash), '.');
  if (parts.size() > 3) return bad_range(whole);
  for (const std::string_view part : parts) {
    const auto number = to_number(part);
    if (!number && !is_wild(part)) return bad_range(whole);
    wild = wild || !number;
    if (!wild) partial.numbers.push_back(*number);
  }
  if (dash != std::string_view::npos) {
    auto prerelease = parse_prerelease(text.substr(dash + 1));
    if (!prerelease) return fail(prerelease.error());
    if (!partial.complete()) return bad_range(whole);
    partial.prerelease = std::move(*prerelease);
  }
  return partial;
}

// The lowest version above all that share the first `kept` numbers, pre-releases excluded.
Version after(const Partial& partial, std::size_t kept) {
  Version v;
  if (kept == 1) v.major = partial.numbers[0] + 1;
  if (kept == 2) v.major = partial.numbers[0], v.minor = partial.numbers[1] + 1;
  if (kept == 3) v = partial.low(), v.prerelease.clear(), v.patch = partial.numbers[2] + 1;
  v.prerelease = {"0"};
  return v;
}

// How many leading numbers a caret keeps: up to the first that is not zero.
std::size_t caret_width(const Partial& partial) {
  for (std::size_t i = 0; i < partial.numbers.size(); ++i) {
    if (partial.numbers[i] != 0) return i + 1;
  }
  return partial.numbers.size();
}

}  // namespace

Result<Version> Version::parse(std::string_view text) {
  const auto wrong = [&](const std::string& what) {
    return fail(Reason::Invalid, "\"" + std::string(text) + "\" is not a semantic version: " + what);
  };
  Version version;
  std::string_view rest = text;
  if (const std::size_t plus = rest.find('+'); plus != std::string_view::npos) {
    version.build = rest.substr(plus + 1);
    for (const std::string_view part : split(version.build, '.')) {
      if (!is_identifier(part)) return wrong("bad build metadata");
    }
    rest = rest.substr(0, plus);
  }
  if (const std::size_t dash = rest.find('-'); dash != std::string_view::npos) {
    auto prerelease = parse_prerelease(rest.substr(dash + 1));
    if (!prerelease) return wrong(prerelease.error().message);
    version.prerelease = std::move(*prerelease);
    rest = rest.substr(0, dash);
  }
  const auto parts = split(rest, '.');
  if (parts.size() != 3) return wrong("must be major.minor.patch");
  std::uint64_t* const numbers[] = {&version.major, &version.minor, &version.patch};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto number = to_number(parts[i]);
    if (!number) return wrong("\"" + std::string(parts[i]) + "\" must be a number without leading zeros");
    *numbers[i] = *number;
  }
  return version;
}

std::string Version::to_string() const {
  std::string text =
      std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
  for (std::size_t i = 0; i < prerelease.size(); ++i) text += (i == 0 ? "-" : ".") + prerelease[i];
  if (!build.empty()) text += "+" + build;
  return text;
}

std::strong_ordering Version::operator<=>(const Version& other) const {
  if (const auto order = major <=> other.major; order != 0) return order;
  if (const auto order = minor <=> other.minor; order != 0) return order;
  if (const auto order = patch <=> other.patch; order != 0) return order;
  if (prerelease.empty() != other.prerelease.empty()) {
    return prerelease.empty() ? std::strong_ordering::greater : std::strong_ordering::less;
  }
  const std::size_t common = std::min(prerelease.size(), other.prerelease.size());
  for (std::size_t i = 0; i < common; ++i) {
    const auto order = compare_identifiers(prerelease[i], other.prerelease[i]);
    if (order != 0) return order;
  }
  return prerelease.size() <=> other.prerelease.size();
}

// Turns one alternative ("a - b", or comparators joined by blanks) into plain comparators.
class RangeParser {
 public:
  using Comparator = VersionRange::Comparator;
  using Operator = Comparator::Operator;

  Result<std::vector<Comparator>> run(std::string_view text) {
    auto words = split_words(text);
    if (words.size() == 3 && words[1] == "-") {
      if (auto added = add_hyphen(words[0], words[2]); !added) return fail(added.error());
      return std::move(comparators_);
    }
    for (const std::string& word : words) {
      if (auto added = add(word); !added) return fail(added.error());
    }
    return std::move(comparators_);
  }

 private:
  // Blanks behind an operator belong to it: ">= 1.2" is one word.
  static std::vector<std::string> split_words(std::string_view text) {
    std::vector<std::string> words;
    bool glue = false;
    for (const std::string_view part : split(text, ' ')) {
      if (part.empty()) continue;
      if (glue) {
        words.back() += part;
      } else {
        words.emplace_back(part);
      }
      glue = words.back().find_first_not_of("<>=~^") == std::string::npos;
    }
    return words;
  }

  void push(Operator op, Version version) { comparators_.push_back({op, std::move(version)}); }

  Result<void> add_hyphen(const std::string& from, const std::string& to) {
    const auto low = parse_partial(from);
    if (!low) return fail(low.error());
    const auto high = parse_partial(to);
    if (!high) return fail(high.error());
    push(Operator::GreaterEqual, low->low());
    if (high->complete()) {
      push(Operator::LessEqual, high->low());
    } else if (!high->numbers.empty()) {
      push(Operator::Less, after(*high, high->numbers.size()));
    }
    return {};
  }

  Result<void> add(std::string_view word) {
    const std::size_t end = std::min(word.find_first_not_of("<>=~^"), word.size());
    const std::string_view op = word.substr(0, end);
    const auto partial = parse_partial(word.substr(end));
    if (!partial) return bad_range(word);
    if (op == "~" || op == "~>") return add_between(*partial, std::min<std::size_t>(2, partial->numbers.size()));
    if (op == "^") return add_between(*partial, caret_width(*partial));
    if (op.empty() || op == "=") return add_equal(*partial);
    if (op == ">=" || op == "<" || op == ">" || op == "<=") return add_ordered(op, *partial);
    return bad_range(word);
  }

  Result<void> add_between(const Partial& partial, std::size_t kept) {
    push(Operator::GreaterEqual, partial.low());
    if (kept > 0) push(Operator::Less, after(partial, kept));
    return {};
  }

  Result<void> add_equal(const Partial& partial) {
    if (!partial.complete()) return add_between(partial, partial.numbers.size());
    push(Operator::Equal, partial.low());
    return {};
  }

  Result<void> add_ordered(std::string_view op, const Partial& partial) {
    const bool everything = partial.numbers.empty();
    if (everything && (op == "<" || op == ">")) {
      push(Operator::Less, after({{0, 0, 0}, {}}, 0));  // below the lowest version: nothing
    } else if (op == ">=" || everything) {
      push(Operator::GreaterEqual, partial.low());
    } else if (op == "<") {
      Version bound = partial.low();
      if (!partial.complete()) bound.prerelease = {"0"};
      push(Operator::Less, bound);
    } else if (partial.complete()) {
      push(op == ">" ? Operator::Greater : Operator::LessEqual, partial.low());
    } else {
      Version bound = after(partial, partial.numbers.size());
      if (op == ">") bound.prerelease.clear();
      push(op == ">" ? Operator::GreaterEqual : Operator::Less, bound);
    }
    return {};
  }

  std::vector<Comparator> comparators_;
};

Result<VersionRange> VersionRange::parse(std::string_view text) {
  VersionRange range;
  if (text.find_first_not_of(" ") == std::string_view::npos) {
    return fail(Reason::Invalid, "a version range must not be empty; \"*\" is every version");
  }
  std::string_view rest = text;
  while (true) {
    const std::size_t bar = rest.find("||");
    auto alternative = RangeParser().run(rest.substr(0, bar));
    if (!alternative) return fail(alternative.error());
    range.alternatives_.push_back(std::move(*alternative));
    if (bar == std::string_view::npos) return range;
    rest.remove_prefix(bar + 2);
  }
}

bool VersionRange::contains(const Version& version) const {
  const auto meets = [&](const Comparator& comparator) {
    const auto order = version <=> comparator.version;
    switch (comparator.op) {
      case Comparator::Operator::Less: return order < 0;
      case Comparator::Operator::LessEqual: return order <= 0;
      case Comparator::Operator::Equal: return order == 0;
      case Comparator::Operator::GreaterEqual: return order >= 0;
      case Comparator::Operator::Greater: return order > 0;
    }
    return false;
  };
  const auto invites = [&](const Comparator& comparator) {
    const Version& v = comparator.version;
    return !v.prerelease.empty() && v.major == version.major && v.minor == version.minor &&
           v.patch == version.patch;
  };
  return std::any_of(alternatives_.begin(), alternatives_.end(), [&](const auto& all) {
    return std::all_of(all.begin(), all.end(), meets) &&
           (version.prerelease.empty() || std::any_of(all.begin(), all.end(), invites));
  });
}

}  // namespace tidelock::api
