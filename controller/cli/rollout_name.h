// SPDX-License-Identifier: Apache-2.0
// The rollout that a verb is about: of a TenantDeployment its newest one, or named itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/cli/session.h"

namespace tidelock::cli {

// "NAME" is a TenantDeployment, else a Rollout; "td/NAME" and "rollout/NAME" say which.
struct RolloutName {
  bool is_rollout = false;
  std::string name;
};
// `verb` stands in messages ("rollout pause"). NotFound when there is no such object.
Result<RolloutName> find_rollout_name(Session& session, const std::vector<std::string>& arguments,
                                      const std::string& verb);

struct NamedRollout {
  api::TenantDeployment deployment;  // without a name when it is gone
  api::Rollout rollout;
  bool is_current = false;  // the one that the deployment follows now
};
Result<NamedRollout> find_rollout(Session& session, const std::vector<std::string>& arguments,
                                  const std::string& verb);

// All rollouts of a TenantDeployment, oldest first: `rollout history` numbers them from 1.
Result<std::vector<api::Rollout>> rollouts_of(Session& session, const std::string& deployment);

// Nothing happens to it any more, whatever a person says.
bool is_left(const api::Rollout& rollout);

// "rollout.tidelock.dev/NAME"
std::string rollout_label(const std::string& name);
std::string deployment_label(const std::string& name);

}  // namespace tidelock::cli
