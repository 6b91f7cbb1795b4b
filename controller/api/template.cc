// SPDX-License-Identifier: Apache-2.0
#include "controller/api/variables.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

tl::unexpected<Error> wrong_at(std::size_t offset, const std::string& what) {
  return fail(Reason::Invalid, "position " + std::to_string(offset + 1) + ": " + what);
}

// Calls text(piece) and name(piece, offset) for the parts of a template, in order, until one fails.
template <class Text, class Name>
Result<void> scan(std::string_view source, Text&& text, Name&& name) {
  std::size_t at = 0;
  while (at < source.size()) {
    const std::size_t dollar = source.find('$', at);
    const std::string_view rest =
        dollar == std::string_view::npos ? std::string_view() : source.substr(dollar);
    const bool escaped = rest.substr(0, 3) == "$${";
    if (!escaped && rest.substr(0, 2) != "${") {
      // A dollar that begins nothing is text.
      const std::size_t end = dollar == std::string_view::npos ? source.size() : dollar + 1;
      text(source.substr(at, end - at));
      at = end;
      continue;
    }
    text(source.substr(at, dollar - at));
    if (escaped) {
      text(std::string_view("${"));
      at = dollar + 3;
      continue;
    }
    const std::size_t close = source.find('}', dollar);
    if (close == std::string_view::npos) return wrong_at(dollar, "\"${\" without \"}\"");
    const std::string_view inside = source.substr(dollar + 2, close - dollar - 2);
    if (inside.empty()) return wrong_at(dollar, "\"${}\" without a name");
    for (std::size_t i = 0; i < inside.size(); ++i) {
      if (is_name_character(inside[i])) continue;
      return wrong_at(dollar + 2 + i, "a name has letters, digits, \".\", \"_\" and \"-\" only");
    }
    if (auto done = name(inside, dollar); !done) return fail(done.error());
    at = close + 1;
  }
  return {};
}

// Depth, size and number of look-ups are bounded, so values that name each other end.
class Expander {
 public:
  explicit Expander(const Lookup& lookup) : lookup_(lookup) {}

  Result<std::string> run(std::string_view source) {
    if (auto done = expand(source, 0); !done) return fail(done.error());
    return std::move(out_);
  }

 private:
  Result<void> expand(std::string_view source, std::size_t depth) {
    const auto text = [this](std::string_view piece) { out_ += piece; };
    const auto name = [&](std::string_view inside, std::size_t offset) {
      return replace(inside, offset, depth);
    };
    if (auto done = scan(source, text, name); !done) return done;
    if (out_.size() <= limits::kTemplateBytesMax) return {};
    return fail(Reason::Invalid, "the text grows beyond " +
                                     std::to_string(limits::kTemplateBytesMax) + " bytes");
  }

  Result<void> replace(std::string_view inside, std::size_t offset, std::size_t depth) {
    const std::string name(inside);
    if (++looked_up_ > limits::kTemplateNamesMax) {
      return wrong_at(offset, "more than " + std::to_string(limits::kTemplateNamesMax) + " names");
    }
    const auto value = lookup_(inside);
    if (!value) return wrong_at(offset, "unknown name \"" + name + "\"");
    if (depth == limits::kTemplateDepthMax) {
      return wrong_at(offset, "values refer to each other more than " +
                                  std::to_string(limits::kTemplateDepthMax) + " deep, at \"" +
                                  name + "\"");
    }
    auto done = expand(*value, depth + 1);
    if (done) return done;
    return fail(Reason::Invalid, "in the value of \"" + name + "\": " + done.error().message);
  }

  const Lookup& lookup_;
  std::string out_;
  std::size_t looked_up_ = 0;
};

}  // namespace

Result<std::string> expand_template(std::string_view text, const Lookup& lookup) {
  return Expander(lookup).run(text);
}

Result<std::vector<std::string>> template_names(std::string_view text) {
  std::vector<std::string> names;
  const auto name = [&](std::string_view inside, std::size_t) {
    names.emplace_back(inside);
    return Result<void>();
  };
  auto done = scan(text, [](std::string_view) {}, name);
  if (!done) return fail(done.error());
  return names;
}

}  // namespace tidelock::api
