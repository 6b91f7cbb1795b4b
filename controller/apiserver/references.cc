// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/references.h"

#include <list>
#include <vector>

#include "controller/api/codec.h"

namespace tidelock::apiserver {
namespace {

std::string prefix_of(std::string_view plural, const std::string& ns) {
  return "/registry/" + std::string(api::kGroup) + "/" + std::string(plural) + "/" + ns + "/";
}

std::string_view plural_of(std::string_view kind) {
  for (const api::KindInfo* info :
       {&api::kind_info<api::Project>(), &api::kind_info<api::Release>(),
        &api::kind_info<api::Environment>(), &api::kind_info<api::Tenant>(),
        &api::kind_info<api::Target>(), &api::kind_info<api::LockGroup>(),
        &api::kind_info<api::ConcurrencyBudget>(), &api::kind_info<api::TenantDeployment>(),
        &api::kind_info<api::Rollout>(), &api::kind_info<api::Installation>(),
        &api::kind_info<api::DeploymentTask>(), &api::kind_info<api::DeploymentWindow>(),
        &api::kind_info<api::Approval>(), &api::kind_info<api::ReleaseHold>()}) {
    if (info->kind == kind) return info->plural;
  }
  return {};
}

bool names(const std::vector<api::LockRequest>& locks, const std::string& group) {
  for (const auto& lock : locks) {
    if (lock.group == group) return true;
  }
  return false;
}

bool uses(const api::Project& project, const std::string& group) {
  if (names(project.spec.process.locks, group)) return true;
  for (const auto& step : project.spec.process.steps) {
    if (names(step.locks, group)) return true;
  }
  return false;
}

}  // namespace

struct NamespaceReferences::Reader {
  store::Store& store;
  const std::string ns;
  std::map<std::string, std::unique_ptr<api::LockGroup>> lock_groups;  // null: there is none
  std::list<api::Project> projects;  // handed out by address

  const api::LockGroup* lock_group(const std::string& name) {
    const auto [it, fresh] = lock_groups.try_emplace(name);
    if (!fresh) return it->second.get();
    const auto entry = store.get(prefix_of(api::kind_info<api::LockGroup>().plural, ns) + name);
    if (!entry || !*entry) return nullptr;
    auto group = api::decode<api::LockGroup>(std::string_view((*entry)->value));
    if (group) it->second = std::make_unique<api::LockGroup>(std::move(*group));
    return it->second.get();
  }

  bool exists(std::string_view kind, const std::string& name) {
    const std::string_view plural = plural_of(kind);
    if (plural.empty()) return false;
    const auto entry = store.get(prefix_of(plural, ns) + name);
    return entry && *entry;
  }

  std::string promoted_from(const std::string& name) {
    const auto entry = store.get(prefix_of(api::kind_info<api::Environment>().plural, ns) + name);
    if (!entry || !*entry) return "";
    const auto environment = api::decode<api::Environment>(std::string_view((*entry)->value));
    return environment ? environment->spec.promotion.from : "";
  }

  std::vector<const api::Project*> projects_using(const std::string& group) {
    const std::string start = prefix_of(api::kind_info<api::Project>().plural, ns);
    const auto page = store.list(start, store::prefix_end(start), 0);
    std::vector<const api::Project*> found;
    if (!page) return found;
    for (const auto& entry : page->entries) {
      auto project = api::decode<api::Project>(std::string_view(entry.value));
      if (!project || !uses(*project, group)) continue;
      projects.push_back(std::move(*project));
      found.push_back(&projects.back());
    }
    return found;
  }
};

NamespaceReferences::NamespaceReferences(store::Store& store, std::string ns)
    : reader_(new Reader{store, std::move(ns), {}, {}}) {}
NamespaceReferences::~NamespaceReferences() = default;

api::References NamespaceReferences::view() const {
  Reader* reader = reader_.get();
  return {[reader](const std::string& name) { return reader->lock_group(name); },
          [reader](std::string_view kind, const std::string& name) {
            return reader->exists(kind, name);
          },
          [reader](const std::string& group) { return reader->projects_using(group); },
          [reader](const std::string& environment) { return reader->promoted_from(environment); }};
}

}  // namespace tidelock::apiserver
