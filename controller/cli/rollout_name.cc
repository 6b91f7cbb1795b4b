// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/rollout_name.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "controller/api/codec.h"
#include "controller/cli/json.h"
#include "controller/cli/resource_arguments.h"

namespace tidelock::cli {
namespace {

constexpr const char* kDeployments = "tenantdeployments.tidelock.dev";
constexpr const char* kRollouts = "rollouts.tidelock.dev";

bool is_missing(const Error& error) { return error.reason == Reason::NotFound; }

}  // namespace

Result<RolloutName> find_rollout_name(Session& session, const std::vector<std::string>& arguments,
                                      const std::string& verb) {
  auto discovery = session.discovery();
  if (!discovery) return fail(discovery.error());
  if (arguments.empty()) {
    return usage("required resource not specified: name a TenantDeployment or a Rollout");
  }
  auto named = parse_named(**discovery, arguments, kDeployments);
  if (!named) return fail(named.error());
  const std::string kind = named->info->qualified();
  if (kind != kDeployments && kind != kRollouts) {
    if (verb == "rollout status") {
      return usage("no status viewer has been implemented for " + named->info->kind +
                   "; rollout status is of TenantDeployments and Rollouts");
    }
    return usage(verb + " is of a TenantDeployment or a Rollout, not of a " + named->info->kind);
  }
  const bool bare = arguments.size() == 1 && arguments[0].find('/') == std::string::npos;
  const auto path = [&](const client::Resource& resource) {
    return client::resource_path(resource, session.ns(), named->name);
  };
  auto object = session.get(path(named->info->resource));
  if (object) return RolloutName{kind == kRollouts, named->name};
  if (bare && is_missing(object.error())) {
    if (session.get(path(client::resource_of<api::Rollout>()))) {
      return RolloutName{true, named->name};
    }
  }
  return fail(object.error());
}

Result<NamedRollout> find_rollout(Session& session, const std::vector<std::string>& arguments,
                                  const std::string& verb) {
  auto name = find_rollout_name(session, arguments, verb);
  if (!name) return fail(name.error());
  NamedRollout found;
  std::string deployment = name->name;
  std::string rollout = name->name;
  if (name->is_rollout) {
    auto object = session.api().get<api::Rollout>(session.ns(), rollout);
    if (!object) return fail(object.error());
    deployment = object->spec.tenant_deployment_ref.name;
    found.rollout = std::move(*object);
  }
  auto object = session.api().get<api::TenantDeployment>(session.ns(), deployment);
  if (!object && !(name->is_rollout && is_missing(object.error()))) return fail(object.error());
  if (object) found.deployment = std::move(*object);
  const std::string& current = found.deployment.status.rollout;
  if (!name->is_rollout) {
    if (current.empty()) {
      return usage(std::string(kDeployments) + " \"" + deployment + "\" has no rollout yet");
    }
    auto newest = session.api().get<api::Rollout>(session.ns(), current);
    if (!newest) return fail(newest.error());
    found.rollout = std::move(*newest);
  }
  found.is_current = found.rollout.metadata.name == current;
  return found;
}

Result<std::vector<api::Rollout>> rollouts_of(Session& session, const std::string& deployment) {
  auto list =
      session.get_json(client::resource_path(client::resource_of<api::Rollout>(), session.ns()));
  if (!list) return fail(list.error());
  std::vector<api::Rollout> found;
  for (const nlohmann::json& item : elements(*list, "items")) {
    auto rollout = api::decode<api::Rollout>(item);
    if (!rollout || rollout->spec.tenant_deployment_ref.name != deployment) continue;
    found.push_back(std::move(*rollout));
  }
  std::sort(found.begin(), found.end(), [](const api::Rollout& a, const api::Rollout& b) {
    return std::tie(a.metadata.creation_timestamp, a.metadata.name) <
           std::tie(b.metadata.creation_timestamp, b.metadata.name);
  });
  return found;
}

bool is_left(const api::Rollout& rollout) {
  const std::string& phase = rollout.status.phase;
  return phase == "Superseded" || phase == "Cancelled" || phase == "RolledBack";
}

std::string rollout_label(const std::string& name) { return "rollout.tidelock.dev/" + name; }
std::string deployment_label(const std::string& name) {
  return "tenantdeployment.tidelock.dev/" + name;
}

}  // namespace tidelock::cli
