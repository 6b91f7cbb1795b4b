// SPDX-License-Identifier: Apache-2.0
// `tidectl rollout status`: follows a TenantDeployment until all of its pairs are ready and its
// rollout has succeeded, or one Rollout until it is over.
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "controller/cli/observe.h"
#include "controller/cli/progress.h"
#include "controller/cli/rollout_name.h"
#include "controller/cli/verbs.h"
#include "controller/client/reflector.h"

namespace tidelock::cli {
namespace {

constexpr int kFailed = 1;
constexpr int kGated = 3;
constexpr int kSuperseded = 4;

const std::set<std::string> kGates{"Approval", "Window", "Pause", "Hold"};

template <class T>
client::ReflectorOptions options_for(Session& session, const std::string& field_selector) {
  client::ReflectorOptions options;
  options.resource = client::resource_of<T>();
  options.ns = session.ns();
  options.field_selector = field_selector;
  options.wake = session.environment().wake;
  return options;
}

const api::Condition* current_condition(const api::TenantDeployment& deployment, const char* type) {
  const api::Condition* found = api::find_condition(deployment.status.conditions, type);
  if (found == nullptr || found->observed_generation < deployment.metadata.generation)
    return nullptr;
  return found;
}

// What stalls a deployment whatever its rollout says.
const std::set<std::string> kNotOfRollouts{"Conflict", "ReferenceNotFound", "Invalid"};

bool is_at_gate(const api::Rollout& rollout) {
  return rollout.status.phase == "Paused" || rollout.status.reason.starts_with("Approval");
}

bool is_observed(const api::Rollout& rollout) {
  return rollout.status.observed_generation >= rollout.metadata.generation;
}

class RolloutWatch {
 public:
  // Of a rollout (`rollout` not empty), or of the deployment as it is wished for now.
  RolloutWatch(Session& session, std::string deployment, std::string rollout, bool follow,
               TimePoint deadline)
      : session_(session),
        name_(std::move(deployment)),
        follow_(follow),
        deadline_(deadline),
        deployments_(session.api(),
                     options_for<api::TenantDeployment>(session, "metadata.name=" + name_)),
        rollouts_(session.api(), options_for<api::Rollout>(session, "")),
        installations_(session.api(), options_for<api::Installation>(session, "")),
        tasks_(session.api(), options_for<api::DeploymentTask>(session, "")),
        progress_(session.environment()),
        one_rollout_(!rollout.empty()),
        rollout_(std::move(rollout)) {}

  Result<int> run() {
    for (;;) {
      const TimePoint next = step();
      if (synced()) {
        auto code = one_rollout_ ? judge_one_rollout() : judge_deployment();
        if (!code) return fail(code.error());
        if (*code) return **code;
        if (!follow_) {
          progress_.finish();
          return 0;
        }
      }
      if (session_.now() >= deadline_) return timed_out();
      if (!session_.environment().wait(std::min(next, deadline_))) {
        progress_.finish();
        return kInterruptedExit;
      }
    }
  }

 private:
  using Verdict = Result<std::optional<int>>;  // the exit code when it is decided

  TimePoint step() {
    const auto ignore = [](const auto&, const auto&, const auto&) {};
    const TimePoint now = session_.now();
    return std::min({deployments_.step(now, ignore), rollouts_.step(now, ignore),
                     installations_.step(now, ignore), tasks_.step(now, ignore)});
  }

  bool synced() const {
    return deployments_.synced() && rollouts_.synced() && installations_.synced() &&
           tasks_.synced();
  }

  std::shared_ptr<const api::Rollout> rollout() const {
    return rollout_.empty() ? nullptr : rollouts_.cache().get({session_.ns(), rollout_});
  }

  tl::unexpected<Error> not_found(const char* kinds, const std::string& name) {
    progress_.finish();
    return fail(Reason::NotFound, std::string(kinds) + " \"" + name + "\" not found");
  }

  Verdict judge_deployment() {
    const auto deployment = deployments_.cache().get({session_.ns(), name_});
    if (deployment == nullptr) return not_found("tenantdeployments.tidelock.dev", name_);
    if (!generation_) generation_ = deployment->metadata.generation;
    if (deployment->metadata.generation != *generation_) {
      return end(kSuperseded, "superseded: the deployment was changed meanwhile");
    }
    if (deployment->status.observed_generation < *generation_) {
      progress_.plain("Waiting for the controller to observe generation " +
                      std::to_string(*generation_) + " of \"" + name_ + "\"...");
      return std::nullopt;
    }
    // The rollout that this generation made: the first one seen after it was observed.
    const std::string& current = deployment->status.rollout;
    if (rollout_.empty()) rollout_ = current;
    const auto its = rollout();
    show(*deployment, its.get());
    if (its != nullptr) {
      if (auto code = judge_phase(*its, current)) return code;
      if (its->status.phase != "Succeeded") return judge_stalled(*deployment, its.get());
    }
    const api::Condition* ready = current_condition(*deployment, "Ready");
    if (ready != nullptr && ready->status) {
      return end(0, "tenantdeployment \"" + name_ + "\" successfully rolled out");
    }
    return judge_stalled(*deployment, its.get());
  }

  Verdict judge_one_rollout() {
    const auto its = rollout();
    if (its == nullptr) return not_found("rollouts.tidelock.dev", rollout_);
    const auto deployment = deployments_.cache().get({session_.ns(), name_});
    if (deployment != nullptr) show(*deployment, its.get());
    if (auto code = judge_phase(*its, deployment == nullptr ? "" : deployment->status.rollout)) {
      return code;
    }
    if (its->status.phase == "Succeeded" && is_observed(*its)) {
      return end(0, "rollout \"" + rollout_ + "\" succeeded");
    }
    if (deployment == nullptr) return std::nullopt;
    return judge_stalled(*deployment, its.get());
  }

  // What ends it otherwise than by success.
  std::optional<int> judge_phase(const api::Rollout& its, const std::string& current) {
    const std::string& phase = its.status.phase;
    if (phase == "Superseded") {
      const bool other = !current.empty() && current != rollout_;
      return end(kSuperseded, "superseded by " + (other ? current : "another release"));
    }
    if (phase == "Cancelled") return end(kSuperseded, "cancelled: " + rollout_);
    if (!is_observed(its)) return std::nullopt;
    if (phase == "RolledBack") return end(kFailed, "rolled back: " + failure_text(its));
    const bool stands = phase == "Paused" && its.status.reason != "Paused";
    if (phase == "Failed" || stands) return end(kFailed, "failed: " + failure_text(its));
    return std::nullopt;
  }

  std::optional<int> judge_stalled(const api::TenantDeployment& deployment,
                                   const api::Rollout* its) {
    const api::Condition* stalled = current_condition(deployment, "Stalled");
    if (stalled == nullptr || !stalled->status) return std::nullopt;
    // After a person's word the rollout goes on before its deployment says so.
    const bool goes_on =
        its != nullptr &&
        (!is_observed(*its) || (its->status.phase == "Progressing" && its->status.reason.empty()));
    if (goes_on && !kNotOfRollouts.contains(stalled->reason)) return std::nullopt;
    return end(kFailed, "failed: " + stalled->reason + ": " + stalled->message);
  }

  static std::string failure_text(const api::Rollout& rollout) {
    std::string names;
    for (const std::string& name : rollout.status.failed_names)
      names += (names.empty() ? "" : ", ") + name;
    std::string text = rollout.status.reason;
    const api::Condition* condition = api::find_condition(rollout.status.conditions, "Succeeded");
    if (condition != nullptr && !condition->message.empty()) {
      text += (text.empty() ? "" : ": ") + condition->message;
    }
    if (!names.empty()) text += (text.empty() ? "" : " ") + ("(" + names + ")");
    return text.empty() ? "the rollout failed" : text;
  }

  // The record of a pair that a gate keeps; null = there is none.
  const api::BlockedBy* gate_record(const std::set<std::string>& kinds) const {
    for (const auto& [key, installation] : installations_.cache().all()) {
      if (installation->spec.tenant_deployment != name_) continue;
      for (const api::BlockedBy& record : installation->status.blocked_by) {
        if (kinds.contains(record.kind)) return &record;
      }
    }
    return nullptr;
  }

  // What all of it waits for: people, or pairs.
  std::string waits_of(const api::TenantDeployment& deployment, const api::Rollout* its) const {
    const api::Condition* ready = current_condition(deployment, "Ready");
    if (ready != nullptr && !ready->status && ready->reason == "NoPairs") {
      return "no pairs: " + ready->message + "; nothing is rolled out until one does";
    }
    if (its == nullptr || !is_at_gate(*its)) return {};
    if (const auto* record = gate_record({"Approval", "Pause"})) return record->message;
    return "rollout " + its->metadata.name + " stands at " + its->status.reason;
  }

  void show(const api::TenantDeployment& deployment, const api::Rollout* its) {
    std::vector<PairProgress> pairs;
    for (const auto& [key, installation] : installations_.cache().all()) {
      if (installation->spec.tenant_deployment != name_) continue;
      auto task = tasks_.cache().get({key.ns, installation->status.task});
      pairs.push_back(pair_progress(*installation, task.get()));
    }
    waits_ = waits_of(deployment, its);
    progress_.show(deployment, its, waits_, pairs);
  }

  std::optional<int> end(int code, const std::string& message) {
    progress_.finish();
    (code == 0 ? session_.out() : session_.err())
        << (code == 0 ? "" : "error: ") << message << "\n";
    if (code == kFailed) progress_.show_failures(session_.err());
    return code;
  }

  Result<int> timed_out() {
    progress_.finish();
    const auto deployment = deployments_.cache().get({session_.ns(), name_});
    const auto its = rollout();
    std::string gate;
    if (deployment != nullptr && deployment->spec.paused) gate = "Pause";
    if (its != nullptr && is_at_gate(*its)) gate = its->status.reason;
    if (const auto* record = gate_record(kGates)) gate = record->kind + " " + record->name;
    if (!gate.empty()) {
      session_.err() << "error: timed out waiting for the rollout; it is held by " << gate << "\n";
      return kGated;
    }
    session_.err() << "error: timed out waiting for the rollout of \"" << name_ << "\""
                   << (waits_.empty() ? "" : ": " + waits_) << "\n";
    return kFailed;
  }

  Session& session_;
  std::string name_;
  bool follow_;
  TimePoint deadline_;
  client::Reflector<api::TenantDeployment> deployments_;
  client::Reflector<api::Rollout> rollouts_;
  client::Reflector<api::Installation> installations_;
  client::Reflector<api::DeploymentTask> tasks_;
  Progress progress_;
  std::optional<std::int64_t> generation_;
  bool one_rollout_;
  std::string rollout_;
  std::string waits_;
};

}  // namespace

Result<int> rollout_status(Session& session, const RolloutStatusOptions& options) {
  auto deadline = deadline_of(options.timeout, session.now());
  if (!deadline) return fail(deadline.error());
  // The first answer tells at once that there is no such object or no server.
  auto named = find_rollout_name(session, options.arguments, "rollout status");
  if (!named) return fail(named.error());
  if (!named->is_rollout) {
    return RolloutWatch(session, named->name, "", options.watch, *deadline).run();
  }
  auto rollout = session.api().get<api::Rollout>(session.ns(), named->name);
  if (!rollout) return fail(rollout.error());
  const std::string& deployment = rollout->spec.tenant_deployment_ref.name;
  return RolloutWatch(session, deployment, named->name, options.watch, *deadline).run();
}

}  // namespace tidelock::cli
