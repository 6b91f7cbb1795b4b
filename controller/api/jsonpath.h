// SPDX-License-Identifier: Apache-2.0
// kubectl's JSONPath templates (client-go's util/jsonpath): printer columns, selectable fields,
// `-o jsonpath=`, custom columns.
//
// "{.status.conditions[?(@.type==\"Ready\")].status}", text around braces, {range .items[*]}…{end},
// quoted text, wildcards, recursive descent, slices, unions, filters with == != < <= > >= && ||.
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace tidelock::api {

// Immutable; copies share the parsed template.
class JsonPath {
 public:
  // A template as kubectl takes it, braces included.
  static Result<JsonPath> parse(std::string_view text);
  // ".spec.x", "spec.x", "{.spec.x}" or "{spec.x}": the relaxed forms of columns and --sort-by.
  static Result<JsonPath> parse_relaxed(std::string_view text);

  // The values of the first expression, in order. A path that is not there gives none. The pointers
  // go into `document`, or into the template for literals.
  std::vector<const nlohmann::json*> find(const nlohmann::json& document) const;

  // What `kubectl -o jsonpath=` prints. Error: a key that is not there, unless allowed; a wrong
  // index.
  Result<std::string> render(const nlohmann::json& document, bool allow_missing_keys = true) const;

  struct Template;

 private:
  explicit JsonPath(std::shared_ptr<const Template> parsed) : template_(std::move(parsed)) {}
  std::shared_ptr<const Template> template_;
};

}  // namespace tidelock::api
