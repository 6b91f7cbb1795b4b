// SPDX-License-Identifier: Apache-2.0
// Internal to validation: collects causes in Kubernetes' words, and the checks that kinds share.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/base/error.h"
#include "controller/base/time.h"

namespace tidelock::api {

// "spec.steps[2]": path(path("spec", "steps"), 2) spelled shorter.
std::string item(const std::string& list, std::size_t index);

class CauseList {
 public:
  void required(std::string field, const std::string& why);
  void invalid(std::string field, std::string_view value, const std::string& why);
  void invalid(std::string field, std::int64_t value, const std::string& why);
  // A value that stands there as JSON.
  void invalid_json(std::string field, std::string_view json, const std::string& why);
  void not_supported(std::string field, std::string_view value,
                     const std::vector<std::string>& supported);
  void duplicate(std::string field, std::string_view value);
  void not_found(std::string field, std::string_view name);
  void forbidden(std::string field, const std::string& why);
  void too_long(std::string field, std::size_t bytes_max);
  void too_many(std::string field, std::size_t count, std::size_t max);

  std::vector<Cause> take() { return std::move(causes_); }

 private:
  std::vector<Cause> causes_;
};

// Bounds, both included.
void check_range(CauseList& causes, const std::string& field, std::int64_t value, std::int64_t low,
                 std::int64_t high);
void check_positive(CauseList& causes, const std::string& field, Duration value);
void check_positive(CauseList& causes, const std::string& field, std::optional<Duration> value);
// A number from `minimum` on, or a percentage from `minimum` to 100.
void check_share(CauseList& causes, const std::string& field, IntOrPercent share, int minimum);
// "sha256:" and 64 hex digits.
void check_digest(CauseList& causes, const std::string& field, const std::string& digest);
// A DNS label: a name of a step, a wave or a gate.
void check_label(CauseList& causes, const std::string& field, const std::string& name);
// Labels without repetition.
void check_labels(CauseList& causes, const std::string& field,
                  const std::vector<std::string>& names);
void check_version(CauseList& causes, const std::string& field, const std::string& version);
void check_text(CauseList& causes, const std::string& field, const std::string& text,
                std::size_t bytes_max);
// A name of another object: there, without blanks around it, of the right grammar.
void check_reference(CauseList& causes, const std::string& field, const std::string& name);
void check_selector(CauseList& causes, const std::string& field, const LabelSelector& selector);
void check_pairs(CauseList& causes, const std::string& field, const PairSelector& selector);
// Names without repetition, each a valid object name.
void check_names(CauseList& causes, const std::string& field,
                 const std::vector<std::string>& names);
void check_variables(CauseList& causes, const std::string& field,
                     const std::vector<Variable>& variables);
// The grammar alone, plus names below a reserved prefix (tenant., target., …) that do not exist.
// False when the text is no template.
bool check_template(CauseList& causes, const std::string& field, const std::string& text);
// A URL whose scheme is written out must have one of these.
void check_scheme(CauseList& causes, const std::string& field, const std::string& url,
                  const std::vector<std::string>& schemes);

}  // namespace tidelock::api
