// SPDX-License-Identifier: Apache-2.0
#include "controller/api/validation.h"

#include <nlohmann/json.hpp>

#include "controller/api/codec.h"
#include "controller/api/validate_kinds.h"

namespace tidelock::api {
namespace {

using nlohmann::json;

// Status is written by the controller and not looked at here.
json without_status(const json& object) {
  json copy = object;
  if (copy.is_object()) copy.erase("status");
  return copy;
}

// Decodes the object and hands it to `check`; what cannot be decoded has its causes already.
template <class T, class Check>
std::vector<Cause> with(const json& object, Check&& check) {
  const auto decoded = decode<T>(without_status(object));
  if (!decoded) return decoded.error().causes;
  CauseList causes;
  check(causes, *decoded);
  return causes.take();
}

std::vector<Cause> validate_release(const json& object, const json* old_object) {
  std::optional<Release> old;
  if (old_object != nullptr) {
    if (auto decoded = decode<Release>(without_status(*old_object))) old = std::move(*decoded);
  }
  return with<Release>(object, [&](CauseList& causes, const Release& release) {
    check_release(causes, release, old ? &*old : nullptr);
  });
}

// The spec of an object; empty where there is none.
const json& spec_of(const json& object) {
  static const json none = json::object();
  const auto spec = object.find("spec");
  return spec == object.end() ? none : *spec;
}

std::vector<Cause> validate_approval(const json& object, const json* old_object) {
  return with<Approval>(object, [&](CauseList& causes, const Approval& approval) {
    check_approval(causes, approval, spec_of(object),
                   old_object == nullptr ? nullptr : &spec_of(*old_object));
  });
}

std::vector<Cause> validate_project(const json& object, const References& references) {
  return with<Project>(object, [&](CauseList& causes, const Project& project) {
    check_project(causes, project, spec_of(object), references);
  });
}

}  // namespace

std::vector<Cause> validate(std::string_view kind, const json& object, const json* old_object,
                            const References& references) {
  if (kind == "Project") return validate_project(object, references);
  if (kind == "Release") return validate_release(object, old_object);
  if (kind == "Environment") {
    return with<Environment>(object, [&](CauseList& causes, const Environment& environment) {
      check_environment(causes, environment, references);
    });
  }
  if (kind == "Tenant") return with<Tenant>(object, check_tenant);
  if (kind == "Target") return with<Target>(object, check_target);
  if (kind == "ConcurrencyBudget") return with<ConcurrencyBudget>(object, check_budget);
  if (kind == "TenantDeployment") return with<TenantDeployment>(object, check_tenant_deployment);
  if (kind == "Rollout") return with<Rollout>(object, check_rollout);
  if (kind == "DeploymentWindow") return with<DeploymentWindow>(object, check_window);
  if (kind == "Approval") return validate_approval(object, old_object);
  if (kind == "ReleaseHold") return with<ReleaseHold>(object, check_hold);
  if (kind == "LockGroup") {
    return with<LockGroup>(object, [&](CauseList& causes, const LockGroup& group) {
      check_lock_group(causes, group, references);
    });
  }
  return {};
}

}  // namespace tidelock::api
