// SPDX-License-Identifier: Apache-2.0
#include "controller/api/codec_kind.h"

namespace tidelock::api {

std::string api_version(const KindInfo& info) {
  return info.group.empty() ? std::string(info.version)
                            : std::string(info.group) + "/" + std::string(info.version);
}

// Items of lists have neither field, so their absence is fine.
std::vector<Cause> check_type(const json& document, const KindInfo& info) {
  std::vector<Cause> causes;
  if (!document.is_object()) {
    causes.push_back({"FieldValueTypeInvalid", "Invalid value: must be of type object", ""});
    return causes;
  }
  const auto expect = [&](const char* key, const std::string& wanted) {
    const auto found = document.find(key);
    if (found == document.end() || *found == wanted) return;
    causes.push_back({"FieldValueInvalid",
                      "Invalid value: " +
                          found->dump(-1, ' ', false, json::error_handler_t::replace) +
                          ": must be " + wanted,
                      key});
  };
  expect("apiVersion", api_version(info));
  expect("kind", std::string(info.kind));
  return causes;
}

Error decode_error(const KindInfo& info, const std::string& name, std::vector<Cause> causes) {
  Error error;
  error.reason = Reason::Invalid;
  error.kind = info.kind;
  error.group = info.group;
  error.name = name;
  std::string list;
  for (const Cause& cause : causes) {
    list += (list.empty() ? "" : ", ") + cause.field + ": " + cause.message;
  }
  if (causes.size() > 1) list = "[" + list + "]";
  error.message = std::string(info.kind) + (info.group.empty() ? "" : ".") +
                  std::string(info.group) + " \"" + name + "\" is invalid: " + list;
  error.causes = std::move(causes);
  return error;
}

#define TIDELOCK_KIND(T, group, version, plural)                  \
  template <>                                                     \
  const KindInfo& kind_info<T>() {                                \
    static constexpr KindInfo info{group, version, #T, plural};   \
    return info;                                                  \
  }

TIDELOCK_KIND(Project, kGroup, kVersion, "projects")
TIDELOCK_KIND(Release, kGroup, kVersion, "releases")
TIDELOCK_KIND(Environment, kGroup, kVersion, "environments")
TIDELOCK_KIND(Tenant, kGroup, kVersion, "tenants")
TIDELOCK_KIND(Target, kGroup, kVersion, "targets")
TIDELOCK_KIND(LockGroup, kGroup, kVersion, "lockgroups")
TIDELOCK_KIND(ConcurrencyBudget, kGroup, kVersion, "concurrencybudgets")
TIDELOCK_KIND(TenantDeployment, kGroup, kVersion, "tenantdeployments")
TIDELOCK_KIND(Rollout, kGroup, kVersion, "rollouts")
TIDELOCK_KIND(Installation, kGroup, kVersion, "installations")
TIDELOCK_KIND(DeploymentTask, kGroup, kVersion, "deploymenttasks")
TIDELOCK_KIND(DeploymentWindow, kGroup, kVersion, "deploymentwindows")
TIDELOCK_KIND(Approval, kGroup, kVersion, "approvals")
TIDELOCK_KIND(ReleaseHold, kGroup, kVersion, "releaseholds")
TIDELOCK_KIND(Secret, "", "v1", "secrets")
TIDELOCK_KIND(Lease, "coordination.k8s.io", "v1", "leases")
TIDELOCK_KIND(Event, "", "v1", "events")

}  // namespace tidelock::api
