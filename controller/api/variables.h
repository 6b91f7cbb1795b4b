// SPDX-License-Identifier: Apache-2.0
// Variables of one pair, and the templates that use them.
//
// Precedence, most specific wins: tenant (project+environment > one of them > plain) > target >
// environment > project. A tie on one level is an error that names both.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/base/result.h"

namespace tidelock::api {

struct PairObjects {
  const Project* project = nullptr;
  const Process* process = nullptr;  // the release's snapshot; its variables are the defaults
  const Environment* environment = nullptr;
  const Tenant* tenant = nullptr;  // null = untenanted
  const Target* target = nullptr;
};

struct ResolvedVariable {
  std::string name;
  std::string value;                         // plain
  std::optional<SecretKeyReference> secret;  // or where the value is
  std::string origin;                        // "Tenant tenant-01", for errors and `describe`
};

// By name. Reason::Invalid for a tie or an environment-name clash (port-a and port_a), naming both.
Result<std::map<std::string, ResolvedVariable>> resolve_variables(const PairObjects& objects);

// What ${…} may name besides variables: project.name, tenant.name, tenant.displayName,
// target.name, target.installRoot, environment.name, release.version.
std::map<std::string, std::string> builtin_values(const PairObjects& objects, const std::string& version);

// Replaces ${name}; "$${" is a literal "${". A value may itself contain ${…}, up to
// limits::kTemplateDepthMax deep. Unknown names and unclosed braces: Reason::Invalid with the
// position. `lookup` returns nullopt for an unknown name.
using Lookup = std::function<std::optional<std::string>(std::string_view name)>;
Result<std::string> expand_template(std::string_view text, const Lookup& lookup);
// The names a template uses, without looking them up; Invalid when it cannot be parsed.
Result<std::vector<std::string>> template_names(std::string_view text);

// PORT_A for "port-a": upper case, '-' and '.' as '_'.
std::string environment_name(std::string_view variable);

// Absolute, no "." or "..", no double or trailing slash; Invalid otherwise.
Result<std::string> canonical_directory(std::string_view path);

}  // namespace tidelock::api
