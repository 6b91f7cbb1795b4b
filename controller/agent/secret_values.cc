// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/secret_values.h"

namespace tidelock::agent {

std::map<std::string, api::SecretKeyReference> secrets_of(const api::DeploymentTaskSpec& task) {
  std::map<std::string, api::SecretKeyReference> wanted;
  for (const api::TaskVariable& variable : task.variables) {
    if (variable.secret) wanted[variable.name] = *variable.secret;
  }
  return wanted;
}

Result<std::map<std::string, std::string>> read_secrets(
    client::ApiClient& api, const std::string& ns,
    const std::map<std::string, api::SecretKeyReference>& wanted) {
  std::map<std::string, std::string> values;
  std::map<std::string, api::Secret> read;
  for (const auto& [variable, reference] : wanted) {
    if (!read.contains(reference.name)) {
      auto secret = api.get<api::Secret>(ns, reference.name);
      if (!secret) {
        Error error = secret.error();
        error.message = "variable " + variable + ": " + error.message;
        return fail(std::move(error));
      }
      read.emplace(reference.name, std::move(*secret));
    }
    const api::Secret& secret = read.at(reference.name);
    const auto found = secret.data.find(reference.key);
    if (found == secret.data.end()) {
      return fail(Reason::NotFound, "variable " + variable + ": secret " + reference.name +
                                        " has no key " + reference.key);
    }
    values[variable] = found->second;
  }
  return values;
}

}  // namespace tidelock::agent
