// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/task_values.h"

namespace tidelock::agent {
namespace {

std::map<std::string, std::string> builtin_values(const api::DeploymentTaskSpec& spec,
                                                  const api::Target* target) {
  return {{"project.name", spec.project},
          {"tenant.name", spec.tenant},
          {"tenant.displayName", spec.tenant},
          {"environment.name", spec.environment},
          {"target.name", spec.target},
          {"target.installRoot", target == nullptr ? "" : target->spec.install_root},
          {"release.version", spec.version}};
}

// "steps.<step>.outputs.<name>"; step names have no dots.
std::optional<std::string> find_output(std::string_view name,
                                       const std::vector<api::StepStatus>& steps) {
  constexpr std::string_view kSteps = "steps.";
  constexpr std::string_view kOutputs = ".outputs.";
  const std::size_t middle = name.find(kOutputs);
  if (!name.starts_with(kSteps) || middle == std::string_view::npos) return std::nullopt;
  const std::string_view step = name.substr(kSteps.size(), middle - kSteps.size());
  for (const api::StepStatus& status : steps) {
    if (status.name != step) continue;
    const auto found = status.outputs.find(std::string(name.substr(middle + kOutputs.size())));
    if (found != status.outputs.end()) return found->second;
  }
  return std::nullopt;
}

}  // namespace

TaskValues::TaskValues(const api::DeploymentTaskSpec& spec,
                       const std::map<std::string, std::string>& secrets,
                       const api::Target* target)
    : builtins_(builtin_values(spec, target)) {
  std::vector<std::string> sensitive;
  for (const api::TaskVariable& variable : spec.variables) {
    const auto secret = secrets.find(variable.name);
    if (secret != secrets.end()) sensitive.push_back(secret->second);
    variables_[variable.name] = secret != secrets.end() ? secret->second : variable.value;
  }
  masker_ = std::make_shared<const Masker>(sensitive);
}

std::optional<std::string> TaskValues::find(std::string_view name,
                                            const std::vector<api::StepStatus>& steps) const {
  const std::string key(name);
  if (const auto found = variables_.find(key); found != variables_.end()) return found->second;
  if (const auto found = builtins_.find(key); found != builtins_.end()) return found->second;
  return find_output(name, steps);
}

api::Lookup TaskValues::lookup(const std::vector<api::StepStatus>& steps) const {
  return [this, &steps](std::string_view name) { return find(name, steps); };
}

std::map<std::string, std::string> TaskValues::all(
    const std::vector<api::StepStatus>& steps) const {
  std::map<std::string, std::string> values = variables_;
  values.insert(builtins_.begin(), builtins_.end());
  for (const api::StepStatus& step : steps) {
    for (const auto& [name, value] : step.outputs) {
      values.emplace("steps." + step.name + ".outputs." + name, value);
    }
  }
  return values;
}

std::map<std::string, std::string> TaskValues::environment() const {
  std::map<std::string, std::string> environment;
  for (const auto& [name, value] : variables_) environment[api::environment_name(name)] = value;
  return environment;
}

}  // namespace tidelock::agent
