// SPDX-License-Identifier: Apache-2.0
// `tidectl rollout confirm-removal`: a person's word on removals that the deletionGuard holds up,
// bound to what they are now.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/cli/facts.h"
#include "controller/cli/rollout_name.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kNamesShown = 10;

std::string in_words(const std::string& deployment) {
  return "tenantdeployments.tidelock.dev \"" + deployment + "\"";
}

std::string what(const planner::MassRemoval& removal, const std::string& deployment) {
  const auto& names = removal.installations;
  std::string text = std::to_string(names.size()) + " of " + std::to_string(removal.pairs) +
                     " pairs of " + in_words(deployment) + " would be removed, allowed are " +
                     std::to_string(removal.allowed) + ":";
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) text += "\n  " + names[i];
  if (names.size() > kNamesShown)
    text += "\n  and " + std::to_string(names.size() - kNamesShown) + " more";
  return text + "\nto do it: tidectl rollout confirm-removal td/" + deployment + " --plan-hash " +
         removal.hash;
}

Result<std::string> find_deployment(Session& session, const std::vector<std::string>& arguments) {
  auto name = find_rollout_name(session, arguments, "rollout confirm-removal");
  if (!name) return fail(name.error());
  if (!name->is_rollout) return name->name;
  auto rollout = session.api().get<api::Rollout>(session.ns(), name->name);
  if (!rollout) return fail(rollout.error());
  return rollout->spec.tenant_deployment_ref.name;
}

Result<void> annotate(Session& session, const std::string& deployment, const std::string& hash) {
  client::Call call;
  call.verb = client::Call::Verb::Patch;
  call.resource = client::resource_of<api::TenantDeployment>();
  call.ns = session.ns();
  call.name = deployment;
  call.body = json{{"metadata", {{"annotations", {{planner::kConfirmRemoval, hash}}}}}}.dump();
  auto done = session.api().call(call);
  return done ? Result<void>{} : fail(done.error());
}

}  // namespace

Result<int> rollout_confirm_removal(Session& session, const RolloutRemovalOptions& options) {
  auto deployment = find_deployment(session, options.arguments);
  if (!deployment) return fail(deployment.error());
  auto facts = fetch_facts(session, session.ns());
  if (!facts) return fail(facts.error());
  const auto removal = (*facts)->planner.mass_removal(*deployment, session.now());
  if (!removal) {
    return usage(
        in_words(*deployment) +
        " removes no more pairs than its deletionGuard allows: there is nothing to confirm");
  }
  if (options.plan_hash.empty()) return usage(what(*removal, *deployment));
  if (options.plan_hash != removal->hash) {
    return usage("PlanChanged: not what was confirmed; " + what(*removal, *deployment));
  }
  if (removal->confirmed)
    return usage("the removals of " + in_words(*deployment) + " are confirmed already");
  auto done = annotate(session, *deployment, removal->hash);
  if (!done) return fail(done.error());
  session.out() << deployment_label(*deployment) << " confirmed: " << removal->installations.size()
                << " of " << removal->pairs << " pairs are removed\n";
  return 0;
}

}  // namespace tidelock::cli
