// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/facts.h"

#include <functional>
#include <ostream>

#include "controller/api/codec.h"
#include "controller/cli/as_if.h"
#include "controller/cli/fetch.h"
#include "controller/cli/json.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

// One kind: where its list is, and what is done with an object.
struct Kind {
  std::string name;
  std::string target;
  bool younger;  // servers of before do not have it
  std::function<void(const json& object)> take;
};

template <class T>
Kind kind_of(Session& session, const std::string& ns, Facts& facts, ByName<T>& objects,
             bool younger = false) {
  const std::string kind(api::kind_info<T>().kind);
  return {kind, client::resource_path(client::resource_of<T>(), ns), younger,
          [&session, &facts, &objects, kind](const json& item) {
            auto object = api::decode<T>(item);
            if (!object) {
              session.err() << "Warning: " << kind << " \"" << name_of(item)
                            << "\" is left out: " << object.error().message << "\n";
              return;
            }
            auto shared = std::make_shared<const T>(std::move(*object));
            facts.planner.set(shared);
            objects.put(shared);
          }};
}

std::vector<Kind> kinds_of(Session& session, const std::string& ns, Facts& facts) {
  return {kind_of<api::Project>(session, ns, facts, facts.projects),
          kind_of<api::Release>(session, ns, facts, facts.releases),
          kind_of<api::Environment>(session, ns, facts, facts.environments),
          kind_of<api::Tenant>(session, ns, facts, facts.tenants),
          kind_of<api::Target>(session, ns, facts, facts.targets),
          kind_of<api::LockGroup>(session, ns, facts, facts.lock_groups),
          kind_of<api::ConcurrencyBudget>(session, ns, facts, facts.budgets),
          kind_of<api::TenantDeployment>(session, ns, facts, facts.deployments),
          kind_of<api::Rollout>(session, ns, facts, facts.rollouts),
          kind_of<api::Installation>(session, ns, facts, facts.installations),
          kind_of<api::DeploymentTask>(session, ns, facts, facts.tasks),
          kind_of<api::DeploymentWindow>(session, ns, facts, facts.windows, true),
          kind_of<api::Approval>(session, ns, facts, facts.approvals, true),
          kind_of<api::ReleaseHold>(session, ns, facts, facts.holds, true)};
}

}  // namespace

Result<std::unique_ptr<Facts>> fetch_facts(Session& session, const std::string& ns,
                                           const std::vector<ManifestObject>& as_if) {
  auto facts = std::make_unique<Facts>();
  const std::vector<Kind> kinds = kinds_of(session, ns, *facts);
  std::vector<std::string> targets;
  for (const Kind& kind : kinds) targets.push_back(kind.target);
  auto answers = session.get_all(targets);
  AsIf objects(ns, session.now());
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (!answers[i] && kinds[i].younger && answers[i].error().reason == Reason::NotFound) continue;
    if (!answers[i]) return fail(answers[i].error());
    auto list = parse_answer(*answers[i]);
    if (!list) return fail(list.error());
    for (const json& item : elements(*list, "items")) objects.known(kinds[i].name, item);
  }
  for (const ManifestObject& manifest : as_if) objects.apply(manifest);
  if (auto valid = objects.check(); !valid) return fail(valid.error());
  for (const Kind& kind : kinds) {
    for (const auto& [name, object] : objects.all(kind.name)) kind.take(object);
  }
  return facts;
}

std::string pair_text(const api::InstallationSpec& spec) {
  const std::string& who = spec.tenant_ref ? spec.tenant_ref->name : spec.project_ref.name;
  return who + " on " + spec.target_ref.name;
}

std::string pair_text(const api::DeploymentTaskSpec& spec) {
  return (spec.tenant.empty() ? spec.project : spec.tenant) + " on " + spec.target;
}

bool belongs_to(const api::TenantDeployment& deployment, const api::InstallationSpec& spec) {
  if (!spec.tenant_deployment.empty()) {
    return spec.tenant_deployment == deployment.metadata.name;
  }
  return spec.project_ref == deployment.spec.project_ref &&
         spec.environment_ref == deployment.spec.environment_ref;
}

std::string blocked_line(const std::string& pair, const api::BlockedBy& record) {
  std::string message = record.message;
  if (message.empty()) {
    message = "waits for " + record.kind + " " + record.name;
    if (record.position) message += " (position " + std::to_string(*record.position) + ")";
    if (!record.holder.empty()) message += ", held by " + record.holder;
    message += " since " + format_time(record.since);
  }
  return message.starts_with(pair + ":") ? message : pair + ": " + message;
}

json blocked_json(const api::BlockedBy& record) {
  api::Installation carrier;
  carrier.status.blocked_by.push_back(record);
  const json status = api::encode_status(carrier);
  const json& list = elements(status, "blockedBy");
  return list.empty() ? json::object() : list.front();
}

}  // namespace tidelock::cli
