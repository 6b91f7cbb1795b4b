// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/plan_writer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "controller/base/plant.h"
#include "controller/reconciler/merge_patch.h"

namespace tidelock::reconciler {
namespace {

using client::Call;
using nlohmann::json;

constexpr const char* kTakenOver = "tidelock.dev/taken-over";

template <class T>
Write write_for(Call::Verb verb, const std::string& ns, const std::string& name) {
  Write write;
  write.kind = api::kind_info<T>().kind;
  write.key = {ns, name};
  write.call.verb = verb;
  write.call.resource = client::resource_of<T>();
  write.call.ns = ns;
  write.call.name = name;
  return write;
}

class Builder {
 public:
  Builder(const std::string& ns, const Facts& facts, TimePoint now)
      : ns_(ns), facts_(facts), now_(now) {}

  using Made = std::optional<Write>;

  Made operator()(const planner::CreateInstallation& e) const { return create(e.object); }
  Made operator()(const planner::CreateRollout& e) const { return create(e.object); }
  Made operator()(const planner::CreateHold& e) const { return create(e.object); }
  Made operator()(const planner::CreateTask& e) const { return create(e.object); }

  Made operator()(const planner::UpdateInstallation& e) const {
    return change_spec<api::Installation>(
        e.name, e.based_on, [&](api::InstallationSpec& spec) { spec = e.spec; });
  }
  Made operator()(const planner::ResetRollout& e) const {
    return change_spec<api::Rollout>(e.name, e.based_on, [&](api::RolloutSpec& spec) {
      spec.cancel = false;
      spec.accepted_failures.clear();
    });
  }
  Made operator()(const planner::CancelTask& e) const {
    return change_spec<api::DeploymentTask>(
        e.name, e.based_on, [&](api::DeploymentTaskSpec& spec) { spec.cancel = e.cancel; });
  }

  Made operator()(const planner::DeleteInstallation& e) const {
    return erase<api::Installation>(e.name, e.uid, e.based_on);
  }
  Made operator()(const planner::DeleteHold& e) const {
    return erase<api::ReleaseHold>(e.name, e.uid, "");
  }
  Made operator()(const planner::DeleteTask& e) const {
    return erase<api::DeploymentTask>(e.name, e.uid, "");
  }

  Made operator()(const planner::GrantTask& e) const {
    Made write = change_status<api::DeploymentTask>(
        e.name, e.based_on, [&](api::DeploymentTaskStatus& status) {
          status.phase = api::TaskPhase::Running;
          status.grant = e.grant;
          status.blocked_by.clear();
        });
    if (write) write->grants = true;
    return write;
  }
  Made operator()(const planner::EndTask& e) const {
    return change_status<api::DeploymentTask>(
        e.name, e.based_on, [&](api::DeploymentTaskStatus& status) {
          status.phase = e.phase;
          status.reason = e.reason;
          status.message = e.message;
          status.superseded_by = e.superseded_by;
          status.blocked_by.clear();
          if (!status.finished_at) status.finished_at = now_;
        });
  }

  Made operator()(const planner::ReleaseStatusChange& e) const { return set<api::Release>(e); }
  Made operator()(const planner::ProjectStatusChange& e) const { return set<api::Project>(e); }
  Made operator()(const planner::TenantDeploymentStatusChange& e) const {
    return set<api::TenantDeployment>(e);
  }
  Made operator()(const planner::RolloutStatusChange& e) const { return set<api::Rollout>(e); }
  Made operator()(const planner::InstallationStatusChange& e) const {
    return set<api::Installation>(e);
  }
  Made operator()(const planner::WindowStatusChange& e) const {
    return set<api::DeploymentWindow>(e);
  }
  Made operator()(const planner::LockGroupStatusChange& e) const { return set<api::LockGroup>(e); }
  Made operator()(const planner::BudgetStatusChange& e) const {
    return set<api::ConcurrencyBudget>(e);
  }

 private:
  template <class T>
  Made create(T object) const {
    object.metadata.ns = ns_;
    Write write = write_for<T>(Call::Verb::Create, ns_, object.metadata.name);
    json document = api::encode(object);
    document.erase("status");  // a create never sets it
    write.call.body = document.dump();
    return write;
  }

  template <class T>
  Made erase(const std::string& name, const std::string& uid, const std::string& based_on) const {
    Write write = write_for<T>(Call::Verb::Delete, ns_, name);
    json preconditions{{"uid", uid}};
    if (!based_on.empty()) preconditions["resourceVersion"] = based_on;
    write.call.body = json{{"kind", "DeleteOptions"},
                           {"apiVersion", "v1"},
                           {"preconditions", std::move(preconditions)}}
                          .dump();
    write.uid = uid;
    return write;
  }

  template <class T, class Edit>
  Made change_spec(const std::string& name, const std::string& based_on, const Edit& edit) const {
    const auto known = facts_.get<T>(ns_, name);
    if (!known) return std::nullopt;
    T wished = *known;
    edit(wished.spec);
    return patch<T>(name, "", based_on, "spec", api::encode(*known)["spec"],
                    api::encode(wished)["spec"]);
  }

  template <class T, class Edit>
  Made change_status(const std::string& name, const std::string& based_on, const Edit& edit) const {
    const auto known = facts_.get<T>(ns_, name);
    if (!known) return std::nullopt;
    T wished = *known;
    edit(wished.status);
    if (wished.status == known->status) return std::nullopt;
    // A status that was never written has no fields yet, not even those that are zero.
    const bool fresh = known->status == decltype(known->status){};
    return patch<T>(name, "status", based_on, "status",
                    fresh ? json::object() : api::encode_status(*known),
                    api::encode_status(wished));
  }

  template <class T, class Change>
  Made set(const Change& change) const {
    return change_status<T>(change.name, change.based_on,
                            [&](auto& status) { status = change.status; });
  }

  template <class T>
  Made patch(const std::string& name, const std::string& subresource, const std::string& based_on,
             const char* part, const json& from, const json& to) const {
    json difference = merge_patch(from, to);
    if (difference.empty()) return std::nullopt;
    Write write = write_for<T>(Call::Verb::Patch, ns_, name);
    write.call.subresource = subresource;
    write.call.body =
        json{{"metadata", {{"resourceVersion", based_on}}}, {part, difference}}.dump();
    if (TIDELOCK_PLANT(UnconditionalWrite)) write.call.body = json{{part, difference}}.dump();
    return write;
  }

  const std::string& ns_;
  const Facts& facts_;
  const TimePoint now_;
};

}  // namespace

std::optional<Write> write_of(const planner::Effect& effect, const std::string& ns,
                              const Facts& facts, TimePoint now) {
  return std::visit(Builder(ns, facts, now), effect);
}

// An update that changes nothing gets no new version; this value never was there before.
Write takeover_of(const api::DeploymentTask& task, std::int64_t epoch) {
  const std::string& version = task.metadata.resource_version;
  Write write = write_for<api::DeploymentTask>(Call::Verb::Patch, task.metadata.ns, task.metadata.name);
  const std::string value = std::to_string(epoch) + "-" + version;
  write.call.body = json{{"metadata", {{"resourceVersion", version},
                                       {"annotations", {{kTakenOver, value}}}}}}
                        .dump();
  write.uid = task.metadata.uid;
  return write;
}

client::Call read_of(const Write& write) {
  Call call;
  call.verb = Call::Verb::Get;
  call.resource = write.call.resource;
  call.ns = write.key.ns;
  call.name = write.key.name;
  return call;
}

}  // namespace tidelock::reconciler
