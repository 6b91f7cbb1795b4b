// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/facts.h"

#include <ostream>

#include "controller/api/codec.h"
#include "controller/cli/fetch.h"
#include "controller/cli/json.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

// One kind: where its list is, and what is done with it.
struct Kind {
  std::string target;
  std::function<void(const json& list)> take;
};

template <class T>
Kind kind_of(Session& session, const std::string& ns, Facts& facts, ByName<T>* keep) {
  return {client::resource_path(client::resource_of<T>(), ns),
          [&session, &facts, keep](const json& list) {
            for (const json& item : elements(list, "items")) {
              auto object = api::decode<T>(item);
              if (!object) {
                session.err() << "Warning: " << api::kind_info<T>().kind << " \"" << name_of(item)
                              << "\" is left out: " << object.error().message << "\n";
                continue;
              }
              auto shared = std::make_shared<const T>(std::move(*object));
              facts.planner.set(shared);
              if (keep != nullptr) (*keep)[shared->metadata.name] = shared;
            }
          }};
}

}  // namespace

Result<std::unique_ptr<Facts>> fetch_facts(Session& session, const std::string& ns) {
  auto facts = std::make_unique<Facts>();
  const std::vector<Kind> kinds{
      kind_of<api::Project>(session, ns, *facts, nullptr),
      kind_of<api::Release>(session, ns, *facts, nullptr),
      kind_of<api::Environment>(session, ns, *facts, nullptr),
      kind_of<api::Tenant>(session, ns, *facts, &facts->tenants),
      kind_of<api::Target>(session, ns, *facts, &facts->targets),
      kind_of<api::LockGroup>(session, ns, *facts, nullptr),
      kind_of<api::ConcurrencyBudget>(session, ns, *facts, nullptr),
      kind_of<api::TenantDeployment>(session, ns, *facts, &facts->deployments),
      kind_of<api::Rollout>(session, ns, *facts, &facts->rollouts),
      kind_of<api::Installation>(session, ns, *facts, &facts->installations),
      kind_of<api::DeploymentTask>(session, ns, *facts, &facts->tasks)};
  std::vector<std::string> targets;
  for (const Kind& kind : kinds) targets.push_back(kind.target);
  auto answers = session.get_all(targets);
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (!answers[i]) return fail(answers[i].error());
    auto list = parse_answer(*answers[i]);
    if (!list) return fail(list.error());
    kinds[i].take(*list);
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
