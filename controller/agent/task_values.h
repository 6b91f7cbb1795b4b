// SPDX-License-Identifier: Apache-2.0
// What a task's templates, conditions and scripts may name: variables, built-in values, outputs.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/agent/masker.h"
#include "controller/api/kinds.h"
#include "controller/api/variables.h"

namespace tidelock::agent {

class TaskValues {
 public:
  // Secret values by variable name; `target` may be null.
  TaskValues(const api::DeploymentTaskSpec& spec, const std::map<std::string, std::string>& secrets,
             const api::Target* target);

  const std::shared_ptr<const Masker>& masker() const { return masker_; }
  // Variables first, then built-in values, then steps.<step>.outputs.<name>.
  std::optional<std::string> find(std::string_view name,
                                  const std::vector<api::StepStatus>& steps) const;
  api::Lookup lookup(const std::vector<api::StepStatus>& steps) const;
  // All of them, for a package's files.
  std::map<std::string, std::string> all(const std::vector<api::StepStatus>& steps) const;
  // Variables as a script sees them.
  std::map<std::string, std::string> environment() const;

 private:
  std::map<std::string, std::string> variables_;
  std::map<std::string, std::string> builtins_;
  std::shared_ptr<const Masker> masker_;
};

}  // namespace tidelock::agent
