// SPDX-License-Identifier: Apache-2.0
// The checks that several kinds share.
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <set>
#include <tuple>

#include "controller/api/cause_list.h"
#include "controller/api/selector.h"
#include "controller/api/semver.h"
#include "controller/api/variables.h"
#include "controller/base/limits.h"

namespace tidelock::api {
namespace {

constexpr std::array<std::string_view, 7> kBuiltinNames{
    "project.name",       "tenant.name",      "tenant.displayName", "target.name",
    "target.installRoot", "environment.name", "release.version"};
// Variables keep out of these, so that a misspelt built-in name is known to be wrong.
constexpr std::array<std::string_view, 6> kReservedPrefixes{
    "project.", "tenant.", "target.", "environment.", "release.", "steps."};

bool is_builtin(std::string_view name) {
  return std::find(kBuiltinNames.begin(), kBuiltinNames.end(), name) != kBuiltinNames.end();
}

bool is_reserved(std::string_view name) {
  return std::any_of(kReservedPrefixes.begin(), kReservedPrefixes.end(), [&](auto prefix) {
    return name.substr(0, prefix.size()) == prefix;
  });
}

bool has_blank_around(const std::string& text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; };
  return !text.empty() && (blank(text.front()) || blank(text.back()));
}

std::string check_variable_name(const std::string& name) {
  if (has_blank_around(name)) return "must not begin or end with a blank";
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  const auto fits = [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '-'; };
  if (name.empty() || !letter(name.front()) || !std::all_of(name.begin(), name.end(), fits)) {
    return "must begin with a letter or \"_\" and have letters, digits, \".\", \"_\" and \"-\" only";
  }
  if (is_reserved(name)) return "project., tenant., target., environment., release. and steps. are reserved";
  if (environment_name(name).compare(0, 9, "TIDELOCK_") == 0) return "TIDELOCK_ is reserved";
  return {};
}

void check_variable(CauseList& causes, const std::string& field, const Variable& variable) {
  const std::string wrong = check_variable_name(variable.name);
  if (!wrong.empty()) causes.invalid(field + ".name", variable.name, wrong);
  if (variable.value && variable.secret) {
    causes.forbidden(field + ".valueFrom", "value and valueFrom exclude each other");
  } else if (!variable.value && !variable.secret) {
    causes.required(field, "exactly one of value and valueFrom.secretKeyRef must be set");
  }
  if (variable.value) {
    if (variable.value->size() > limits::kVariableBytesMax) {
      causes.too_long(field + ".value", limits::kVariableBytesMax);
    }
    check_template(causes, field + ".value", *variable.value);
  }
  if (variable.secret) {
    check_reference(causes, field + ".valueFrom.secretKeyRef.name", variable.secret->name);
    if (variable.secret->key.empty()) {
      causes.required(field + ".valueFrom.secretKeyRef.key", "a key of the Secret");
    }
  }
  if (!variable.project.empty()) check_reference(causes, field + ".project", variable.project);
  if (!variable.environment.empty()) {
    check_reference(causes, field + ".environment", variable.environment);
  }
}

void check_requirement(CauseList& causes, const std::string& field,
                       const LabelSelectorRequirement& requirement) {
  using Operator = LabelSelectorRequirement::Operator;
  if (const std::string wrong = check_label_key(requirement.key); !wrong.empty()) {
    causes.invalid(field + ".key", requirement.key, wrong);
  }
  const bool needs_values =
      requirement.op == Operator::In || requirement.op == Operator::NotIn;
  if (needs_values && requirement.values.empty()) {
    causes.required(field + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
  }
  if (!needs_values && !requirement.values.empty()) {
    causes.forbidden(field + ".values",
                     "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
  }
  for (std::size_t i = 0; i < requirement.values.size(); ++i) {
    const std::string wrong = check_label_value(requirement.values[i]);
    if (!wrong.empty()) causes.invalid(item(field + ".values", i), requirement.values[i], wrong);
  }
}

}  // namespace

void check_range(CauseList& causes, const std::string& field, std::int64_t value, std::int64_t low,
                 std::int64_t high) {
  if (value < low) {
    causes.invalid(field, value, "should be greater than or equal to " + std::to_string(low));
  }
  if (value > high) {
    causes.invalid(field, value, "should be less than or equal to " + std::to_string(high));
  }
}

void check_positive(CauseList& causes, const std::string& field, Duration value) {
  if (value.count() <= 0) causes.invalid(field, format_duration(value), "must be greater than zero");
}

void check_positive(CauseList& causes, const std::string& field, std::optional<Duration> value) {
  if (value) check_positive(causes, field, *value);
}

void check_share(CauseList& causes, const std::string& field, IntOrPercent share, int minimum) {
  constexpr int kIntMax = std::numeric_limits<int>::max();
  if (!share.percent) return check_range(causes, field, share.value, minimum, kIntMax);
  if (share.value >= minimum && share.value <= 100) return;
  causes.invalid(field, std::to_string(share.value) + "%",
                 "must be from \"" + std::to_string(minimum) + "%\" to \"100%\"");
}

void check_digest(CauseList& causes, const std::string& field, const std::string& digest) {
  constexpr std::string_view kPrefix = "sha256:";
  constexpr std::size_t kDigits = 64;
  const char* const rule = "\"sha256:\" and 64 lower-case hex digits";
  if (digest.empty()) return causes.required(field, rule);
  const bool fits = digest.compare(0, kPrefix.size(), kPrefix) == 0 &&
                    digest.size() == kPrefix.size() + kDigits &&
                    digest.find_first_not_of("0123456789abcdef", kPrefix.size()) == std::string::npos;
  if (!fits) causes.invalid(field, digest, std::string("must be ") + rule);
}

void check_label(CauseList& causes, const std::string& field, const std::string& name) {
  if (name.empty()) return causes.required(field, "a name");
  if (has_blank_around(name)) {
    return causes.invalid(field, name, "must not begin or end with a blank");
  }
  const std::string wrong = check_dns_label(name);
  if (!wrong.empty()) causes.invalid(field, name, wrong);
}

void check_labels(CauseList& causes, const std::string& field,
                  const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    check_label(causes, item(field, i), names[i]);
    if (!seen.insert(names[i]).second) causes.duplicate(item(field, i), names[i]);
  }
}

void check_version(CauseList& causes, const std::string& field, const std::string& version) {
  if (version.empty()) return causes.required(field, "a semantic version");
  const auto parsed = Version::parse(version);
  if (!parsed) causes.invalid(field, version, parsed.error().message);
}

void check_text(CauseList& causes, const std::string& field, const std::string& text,
                std::size_t bytes_max) {
  if (text.size() > bytes_max) causes.too_long(field, bytes_max);
}

void check_reference(CauseList& causes, const std::string& field, const std::string& name) {
  if (name.empty()) return causes.required(field, "a name");
  if (has_blank_around(name)) {
    return causes.invalid(field, name, "must not begin or end with a blank");
  }
  const std::string wrong = check_dns_subdomain(name);
  if (!wrong.empty()) causes.invalid(field, name, wrong);
}

void check_names(CauseList& causes, const std::string& field,
                 const std::vector<std::string>& names) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < names.size(); ++i) {
    check_reference(causes, item(field, i), names[i]);
    if (!seen.insert(names[i]).second) causes.duplicate(item(field, i), names[i]);
  }
}

void check_selector(CauseList& causes, const std::string& field, const LabelSelector& selector) {
  for (const auto& [key, value] : selector.match_labels) {
    if (const std::string wrong = check_label_key(key); !wrong.empty()) {
      causes.invalid(field + ".matchLabels", key, wrong);
    }
    if (const std::string wrong = check_label_value(value); !wrong.empty()) {
      causes.invalid(field + ".matchLabels", value, wrong);
    }
  }
  for (std::size_t i = 0; i < selector.match_expressions.size(); ++i) {
    check_requirement(causes, item(field + ".matchExpressions", i), selector.match_expressions[i]);
  }
}

void check_pairs(CauseList& causes, const std::string& field, const PairSelector& selector) {
  check_names(causes, field + ".projects", selector.projects);
  check_names(causes, field + ".environments", selector.environments);
  check_selector(causes, field + ".tenants", selector.tenants);
  check_selector(causes, field + ".targets", selector.targets);
}

void check_variables(CauseList& causes, const std::string& field,
                     const std::vector<Variable>& variables) {
  if (variables.size() > limits::kVariablesMax) {
    causes.too_many(field, variables.size(), limits::kVariablesMax);
  }
  std::map<std::tuple<std::string, std::string, std::string>, std::string> seen;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const Variable& variable = variables[i];
    check_variable(causes, item(field, i), variable);
    const auto [other, added] = seen.emplace(
        std::tuple(environment_name(variable.name), variable.project, variable.environment),
        variable.name);
    if (added) continue;
    if (other->second == variable.name) {
      causes.duplicate(item(field, i) + ".name", variable.name);
    } else {
      causes.invalid(item(field, i) + ".name", variable.name,
                     "it and \"" + other->second + "\" are both " +
                         environment_name(variable.name) + " in a step's environment");
    }
  }
}

bool check_template(CauseList& causes, const std::string& field, const std::string& text) {
  const auto names = template_names(text);
  if (!names) {
    causes.invalid(field, text, names.error().message);
    return false;
  }
  for (const std::string& name : *names) {
    const bool output = name.compare(0, 6, "steps.") == 0;
    if (!is_reserved(name) || is_builtin(name) || output) continue;
    causes.invalid(field, text, "unknown name \"" + name + "\"");
  }
  return true;
}

void check_scheme(CauseList& causes, const std::string& field, const std::string& url,
                  const std::vector<std::string>& schemes) {
  if (url.compare(0, 2, "${") == 0) return;
  std::string list;
  for (const std::string& scheme : schemes) {
    if (url.compare(0, scheme.size(), scheme) == 0) return;
    list += (list.empty() ? "" : ", ") + scheme;
  }
  causes.invalid(field, url, "must begin with one of " + list);
}

}  // namespace tidelock::api
