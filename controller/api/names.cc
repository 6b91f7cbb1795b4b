// SPDX-License-Identifier: Apache-2.0
// The grammars of names and labels, with apimachinery's messages.
#include <re2/re2.h>

#include "controller/api/selector.h"

namespace tidelock::api {
namespace {

constexpr std::size_t kLabelBytesMax = 63;
constexpr std::size_t kSubdomainBytesMax = 253;

// A rule that a whole text has to match, and what is said when it does not.
class Grammar {
 public:
  Grammar(std::string regex, std::string message, std::initializer_list<const char*> examples)
      : pattern_(regex), message_(std::move(message)) {
    message_ += " (e.g. ";
    const char* joint = "";
    for (const char* example : examples) {
      message_ += joint + ("'" + std::string(example)) + "', ";
      joint = " or ";
    }
    message_ += "regex used for validation is '" + regex + "')";
  }
  bool accepts(std::string_view text) const {
    return RE2::FullMatch(re2::StringPiece(text.data(), text.size()), pattern_);
  }
  const std::string& message() const { return message_; }

 private:
  RE2 pattern_;
  std::string message_;
};

const Grammar& qualified_name() {
  static const Grammar grammar("([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]",
                               "must consist of alphanumeric characters, '-', '_' or '.', and must "
                               "start and end with an alphanumeric character",
                               {"MyName", "my.name", "123-abc"});
  return grammar;
}

const Grammar& label_value() {
  static const Grammar grammar("(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?",
                               "a valid label must be an empty string or consist of alphanumeric "
                               "characters, '-', '_' or '.', and must start and end with an "
                               "alphanumeric character",
                               {"MyValue", "my_value", "12345"});
  return grammar;
}

const Grammar& subdomain() {
  static const Grammar grammar(R"([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)",
                               "a lowercase RFC 1123 subdomain must consist of lower case "
                               "alphanumeric characters, '-' or '.', and must start and end with an "
                               "alphanumeric character",
                               {"example.com"});
  return grammar;
}

const Grammar& dns_label() {
  static const Grammar grammar("[a-z0-9]([-a-z0-9]*[a-z0-9])?",
                               "a lowercase RFC 1123 label must consist of lower case alphanumeric "
                               "characters or '-', and must start and end with an alphanumeric "
                               "character",
                               {"my-name", "123-abc"});
  return grammar;
}

std::string too_long(std::size_t limit) {
  return "must be no more than " + std::to_string(limit) + " bytes";
}

std::string check(std::string_view text, const Grammar& grammar, std::size_t bytes_max) {
  if (text.size() > bytes_max) return too_long(bytes_max);
  return grammar.accepts(text) ? std::string() : grammar.message();
}

}  // namespace

std::string check_label_key(std::string_view key) {
  const std::size_t slash = key.find('/');
  std::string_view name = key;
  if (slash != std::string_view::npos) {
    const std::string_view prefix = key.substr(0, slash);
    name = key.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) {
      return "a qualified name " + qualified_name().message() +
             " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    }
    if (prefix.empty()) return "prefix part must be non-empty";
    if (const std::string wrong = check_dns_subdomain(prefix); !wrong.empty()) {
      return "prefix part " + wrong;
    }
  }
  if (name.empty()) return "name part must be non-empty";
  const std::string wrong = check(name, qualified_name(), kLabelBytesMax);
  return wrong.empty() ? wrong : "name part " + wrong;
}

std::string check_label_value(std::string_view value) {
  return check(value, label_value(), kLabelBytesMax);
}

std::string check_dns_subdomain(std::string_view name) {
  return check(name, subdomain(), kSubdomainBytesMax);
}

std::string check_dns_label(std::string_view name) {
  return check(name, dns_label(), kLabelBytesMax);
}

}  // namespace tidelock::api
