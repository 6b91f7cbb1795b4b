// SPDX-License-Identifier: Apache-2.0
// The secrets that the variables of a task name.
#pragma once

#include <map>
#include <string>

#include "controller/client/api_client.h"

namespace tidelock::agent {

// By variable name.
std::map<std::string, api::SecretKeyReference> secrets_of(const api::DeploymentTaskSpec& task);
// Reads them from the API, all or none; waits for it. An error names the variable; NotFound and
// Forbidden will not be better soon.
Result<std::map<std::string, std::string>> read_secrets(
    client::ApiClient& api, const std::string& ns,
    const std::map<std::string, api::SecretKeyReference>& wanted);

}  // namespace tidelock::agent
