// SPDX-License-Identifier: Apache-2.0
// `tidectl rollout undo`: each pair back to its own previous good release, by a ReleaseHold that
// leaves what is wished for as it is written; or another version wished for.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/codec.h"
#include "controller/api/semver.h"
#include "controller/cli/json.h"
#include "controller/cli/rollout_name.h"
#include "controller/cli/verbs.h"
#include "controller/planner/expansion.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

bool same_version(const std::string& a, const std::string& b) {
  const auto left = api::Version::parse(a);
  const auto right = api::Version::parse(b);
  return left && right ? *left == *right : a == b;
}

std::string pairs_text(int count) {
  return std::to_string(count) + (count == 1 ? " pair" : " pairs");
}

// The version that the revision of `rollout history` had.
Result<std::string> version_of_revision(Session& session, const std::string& deployment,
                                        int revision) {
  auto rollouts = rollouts_of(session, deployment);
  if (!rollouts) return fail(rollouts.error());
  const auto index = static_cast<std::size_t>(revision - 1);
  if (revision < 1 || index >= rollouts->size()) {
    return usage("unable to find the specified revision " + std::to_string(revision) + "; " +
                 deployment + " has " + std::to_string(rollouts->size()) +
                 " (see rollout history)");
  }
  return (*rollouts)[index].spec.version;
}

// The project's releases, to say which there are.
Result<void> must_have_release(Session& session, const api::TenantDeployment& deployment,
                               const std::string& version) {
  auto list =
      session.get_json(client::resource_path(client::resource_of<api::Release>(), session.ns()));
  if (!list) return fail(list.error());
  std::string others;
  const std::string& project = deployment.spec.project_ref.name;
  for (const json& item : elements(*list, "items")) {
    auto release = api::decode<api::Release>(item);
    if (!release || release->spec.project_ref.name != project) continue;
    if (same_version(release->spec.version, version)) return {};
    others += (others.empty() ? "" : ", ") + release->spec.version;
  }
  return usage("project " + project + " has no Release " + version +
               (others.empty() ? "" : "; there are " + others));
}

Result<int> wish_for(Session& session, const api::TenantDeployment& deployment,
                     const std::string& version) {
  const std::string& name = deployment.metadata.name;
  if (same_version(deployment.spec.release.version, version)) {
    return usage("tenantdeployments.tidelock.dev \"" + name + "\" wishes for " + version +
                 " already");
  }
  if (auto there = must_have_release(session, deployment, version); !there) {
    return fail(there.error());
  }
  client::Call call;
  call.verb = client::Call::Verb::Patch;
  call.resource = client::resource_of<api::TenantDeployment>();
  call.ns = session.ns();
  call.name = name;
  call.body = json{{"spec", {{"release", {{"version", version}, {"range", nullptr}}}}}}.dump();
  auto done = session.api().call(call);
  if (!done) return fail(done.error());
  session.out() << deployment_label(name) << " rolled back to " << version << "\n";
  session.err() << "Note: spec.release.version is " << version
                << " on the server only; change it where the manifest is kept (Git) too, or the "
                   "next apply brings it back\n";
  return 0;
}

// What the hold will do, as far as the installations say.
Result<std::string> effect_of(Session& session, const api::Rollout& rollout) {
  auto list = session.get_json(
      client::resource_path(client::resource_of<api::Installation>(), session.ns()));
  if (!list) return fail(list.error());
  std::map<std::string, int> back;
  int stay = 0;
  for (const json& item : elements(*list, "items")) {
    auto installation = api::decode<api::Installation>(item);
    if (!installation ||
        installation->spec.tenant_deployment != rollout.spec.tenant_deployment_ref.name) {
      continue;
    }
    const api::InstallationStatus& status = installation->status;
    const bool there = status.actual_digest == rollout.spec.digest;
    if (there && !status.previous_good_digest.empty()) {
      ++back[status.previous_good_release];
    } else {
      ++stay;
    }
  }
  int sum = 0;
  std::string versions;
  for (const auto& [version, count] : back) {
    sum += count;
    versions += (versions.empty() ? "" : ", ") + std::to_string(count) + " to " + version;
  }
  std::string text = sum == 0 ? "no pair goes back" : pairs_text(sum) + " back: " + versions;
  if (stay > 0) text += "; " + pairs_text(stay) + " as " + (stay == 1 ? "it is" : "they are");
  return text;
}

api::ReleaseHold hold_for(const NamedRollout& found, const std::string& reason) {
  const api::Rollout& rollout = found.rollout;
  api::ReleaseHold hold;
  hold.metadata.name =
      planner::rollout_name(rollout.spec.tenant_deployment_ref.name, rollout.spec.digest);
  hold.metadata.ns = rollout.metadata.ns;
  hold.metadata.labels = rollout.metadata.labels;
  hold.metadata.owner_references = rollout.metadata.owner_references;
  hold.spec.tenant_deployment_ref = rollout.spec.tenant_deployment_ref;
  hold.spec.version = rollout.spec.version;
  hold.spec.digest = rollout.spec.digest;
  hold.spec.reason = "undo by a person" + (reason.empty() ? "" : ": " + reason);
  return hold;
}

Result<int> hold_off(Session& session, const NamedRollout& found, const std::string& reason) {
  const api::Rollout& rollout = found.rollout;
  const std::string& deployment = found.deployment.metadata.name;
  if (!found.is_current) {
    return usage("rollouts.tidelock.dev \"" + rollout.metadata.name + "\" is not what " +
                 deployment_label(deployment) + " follows now; there is nothing to undo");
  }
  auto effect = effect_of(session, rollout);
  if (!effect) return fail(effect.error());
  const api::ReleaseHold hold = hold_for(found, reason);
  const std::string& name = hold.metadata.name;
  auto made = session.api().create(hold);
  if (!made && made.error().reason == Reason::AlreadyExists) {
    return usage("release " + rollout.spec.version + " of " + deployment_label(deployment) +
                 " is held off already; delete releasehold " + name + " to deploy it again");
  }
  if (!made) return fail(made.error());
  session.out() << deployment_label(deployment) << " rolled back: release " << rollout.spec.version
                << " is held off, " << *effect << "\n";
  session.err() << "Note: spec.release stays as it is written. To deploy " << rollout.spec.version
                << " again: " << session.environment().program << " delete releasehold " << name
                << "\n";
  return 0;
}

}  // namespace

Result<int> rollout_undo(Session& session, const RolloutUndoOptions& options) {
  if (!options.to_version.empty() && options.to_revision != 0) {
    return usage("--to-version and --to-revision cannot be used together");
  }
  auto found = find_rollout(session, options.arguments, "rollout undo");
  if (!found) return fail(found.error());
  if (found->deployment.metadata.name.empty()) {
    return fail(Reason::NotFound, "tenantdeployments.tidelock.dev \"" +
                                      found->rollout.spec.tenant_deployment_ref.name +
                                      "\" not found");
  }
  std::string version = options.to_version;
  if (options.to_revision != 0) {
    auto of_revision =
        version_of_revision(session, found->deployment.metadata.name, options.to_revision);
    if (!of_revision) return fail(of_revision.error());
    version = *of_revision;
  }
  if (!version.empty()) return wish_for(session, found->deployment, version);
  return hold_off(session, *found, options.reason);
}

}  // namespace tidelock::cli
