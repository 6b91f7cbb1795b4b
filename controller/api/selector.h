// SPDX-License-Identifier: Apache-2.0
// Label and field selectors as they stand in URLs and on the command line (labels.Parse,
// fields.ParseSelector of apimachinery).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace tidelock::api {

struct LabelRequirement {
  enum class Operator { Exists, DoesNotExist, In, NotIn, GreaterThan, LessThan };
  std::string key;
  Operator op = Operator::Exists;
  std::vector<std::string> values;  // "=" and "==" are In with one value, "!=" is NotIn
};

class LabelQuery {
 public:
  // "a=b,c in (d,e),!f,g>1". Errors: Reason::BadRequest with the parser's text.
  static Result<LabelQuery> parse(std::string_view text);
  bool matches(const std::map<std::string, std::string>& labels) const;
  bool empty() const { return requirements_.empty(); }
  const std::vector<LabelRequirement>& requirements() const { return requirements_; }

 private:
  std::vector<LabelRequirement> requirements_;
};

struct FieldRequirement {
  std::string path;  // "metadata.name"
  std::string value;
  bool equal = true;
};
// "metadata.name=x,spec.color!=red", with \-escapes. Which paths a kind knows is the caller's business.
Result<std::vector<FieldRequirement>> parse_field_selector(std::string_view text);

// Label and name grammars (RE2 behind them). Empty result = valid; else what is wrong.
std::string check_label_key(std::string_view key);
std::string check_label_value(std::string_view value);
std::string check_dns_subdomain(std::string_view name);  // object names
std::string check_dns_label(std::string_view name);      // namespace names

}  // namespace tidelock::api
