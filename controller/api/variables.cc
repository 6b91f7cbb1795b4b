// SPDX-License-Identifier: Apache-2.0
#include "controller/api/variables.h"

#include <array>

namespace tidelock::api {
namespace {

// One list of variables and how specific it is; lists are asked from the most specific on.
struct Level {
  const std::vector<Variable>* variables = nullptr;
  std::string origin;
};

// How well a variable fits the pair: -1 not at all, else the number of its scopes.
int specificity(const Variable& variable, const PairObjects& objects) {
  int scopes = 0;
  if (!variable.project.empty()) {
    if (objects.project == nullptr || variable.project != objects.project->metadata.name) return -1;
    ++scopes;
  }
  if (!variable.environment.empty()) {
    const bool fits = objects.environment != nullptr &&
                      variable.environment == objects.environment->metadata.name;
    if (!fits) return -1;
    ++scopes;
  }
  return scopes;
}

std::string origin_of(const Level& level, const Variable& variable) {
  std::string scope;
  if (!variable.project.empty()) scope += "project " + variable.project;
  if (!variable.environment.empty()) {
    scope += (scope.empty() ? "" : ", ") + ("environment " + variable.environment);
  }
  return scope.empty() ? level.origin : level.origin + " (" + scope + ")";
}

std::vector<Level> levels_of(const PairObjects& objects) {
  std::vector<Level> levels;
  if (objects.tenant != nullptr) {
    levels.push_back({&objects.tenant->spec.variables, "Tenant " + objects.tenant->metadata.name});
  }
  if (objects.target != nullptr) {
    levels.push_back({&objects.target->spec.variables, "Target " + objects.target->metadata.name});
  }
  if (objects.environment != nullptr) {
    levels.push_back({&objects.environment->spec.variables,
                      "Environment " + objects.environment->metadata.name});
  }
  const std::string project =
      "Project" + (objects.project == nullptr ? "" : " " + objects.project->metadata.name);
  if (objects.process != nullptr) {
    levels.push_back({&objects.process->variables, project});
  } else if (objects.project != nullptr) {
    levels.push_back({&objects.project->spec.process.variables, project});
  }
  return levels;
}

struct Candidate {
  const Variable* best = nullptr;
  const Variable* rival = nullptr;  // as specific as the best
  int specificity = -1;
};

std::map<std::string, Candidate> candidates_of(const Level& level, const PairObjects& objects) {
  std::map<std::string, Candidate> candidates;
  for (const Variable& variable : *level.variables) {
    const int fit = specificity(variable, objects);
    if (fit < 0) continue;
    Candidate& candidate = candidates[variable.name];
    if (fit > candidate.specificity) {
      candidate = {&variable, nullptr, fit};
    } else if (fit == candidate.specificity) {
      candidate.rival = &variable;
    }
  }
  return candidates;
}

Result<void> check_environment_names(const std::map<std::string, ResolvedVariable>& resolved) {
  std::map<std::string, const ResolvedVariable*> seen;
  for (const auto& [name, variable] : resolved) {
    const auto [other, added] = seen.emplace(environment_name(name), &variable);
    if (added) continue;
    return fail(Reason::Invalid, "variables \"" + other->second->name + "\" of " +
                                     other->second->origin + " and \"" + name + "\" of " +
                                     variable.origin + " are both " + other->first +
                                     " in a step's environment");
  }
  return {};
}

}  // namespace

Result<std::map<std::string, ResolvedVariable>> resolve_variables(const PairObjects& objects) {
  std::map<std::string, ResolvedVariable> resolved;
  for (const Level& level : levels_of(objects)) {
    for (const auto& [name, candidate] : candidates_of(level, objects)) {
      if (resolved.count(name) != 0) continue;
      const Variable& best = *candidate.best;
      if (candidate.rival != nullptr) {
        return fail(Reason::Invalid, "variable \"" + name + "\" is set by " +
                                         origin_of(level, best) + " and by " +
                                         origin_of(level, *candidate.rival) +
                                         ", and neither is more specific");
      }
      resolved[name] = {name, best.value.value_or(""), best.secret, origin_of(level, best)};
    }
  }
  if (auto checked = check_environment_names(resolved); !checked) return fail(checked.error());
  return resolved;
}

std::map<std::string, std::string> builtin_values(const PairObjects& objects,
                                                  const std::string& version) {
  std::map<std::string, std::string> values;
  if (objects.project != nullptr) values["project.name"] = objects.project->metadata.name;
  if (objects.tenant != nullptr) {
    const std::string& name = objects.tenant->metadata.name;
    const std::string& shown = objects.tenant->spec.display_name;
    values["tenant.name"] = name;
    values["tenant.displayName"] = shown.empty() ? name : shown;
  }
  if (objects.target != nullptr) {
    values["target.name"] = objects.target->metadata.name;
    values["target.installRoot"] = objects.target->spec.install_root;
  }
  if (objects.environment != nullptr) {
    values["environment.name"] = objects.environment->metadata.name;
  }
  values["release.version"] = version;
  return values;
}

std::string environment_name(std::string_view variable) {
  std::string name(variable);
  for (char& c : name) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    if (c == '-' || c == '.') c = '_';
  }
  return name;
}

Result<std::string> canonical_directory(std::string_view path) {
  const auto wrong = [&](const char* what) {
    return fail(Reason::Invalid, "\"" + std::string(path) + "\" " + what);
  };
  if (path.empty() || path[0] != '/') return wrong("must be an absolute path");
  if (path.size() == 1) return wrong("must not be the root folder");
  for (const char c : path) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return wrong("must not have control characters");
    }
  }
  std::string_view rest = path.substr(1);
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty()) return wrong("must not have a double or trailing slash");
    if (part == "." || part == "..") return wrong("must not have . or .. in it");
    if (slash == std::string_view::npos) return std::string(path);
    rest.remove_prefix(slash + 1);
  }
}

}  // namespace tidelock::api
