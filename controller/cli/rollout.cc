// SPDX-License-Identifier: Apache-2.0
// `tidectl rollout status`: follows a TenantDeployment until all of its pairs are ready.
#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "controller/cli/observe.h"
#include "controller/cli/progress.h"
#include "controller/cli/resource_arguments.h"
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

class RolloutWatch {
 public:
  RolloutWatch(Session& session, std::string name, bool follow, TimePoint deadline)
      : session_(session),
        name_(std::move(name)),
        follow_(follow),
        deadline_(deadline),
        deployments_(session.api(),
                     options_for<api::TenantDeployment>(session, "metadata.name=" + name_)),
        rollouts_(session.api(), options_for<api::Rollout>(session, "")),
        installations_(session.api(), options_for<api::Installation>(session, "")),
        tasks_(session.api(), options_for<api::DeploymentTask>(session, "")),
        progress_(session.environment()) {}

  Result<int> run() {
    for (;;) {
      const TimePoint next = step();
      if (synced()) {
        const auto deployment = deployments_.cache().get({session_.ns(), name_});
        if (deployment == nullptr) {
          progress_.finish();
          return fail(not_found());
        }
        if (auto code = judge(*deployment)) return *code;
      }
      if (session_.now() >= deadline_) return timed_out();
      if (!session_.environment().wait(std::min(next, deadline_))) {
        progress_.finish();
        return kInterruptedExit;
      }
    }
  }

 private:
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

  Error not_found() const {
    Error error =
        make_error(Reason::NotFound, "tenantdeployments.tidelock.dev \"" + name_ + "\" not found");
    return error;
  }

  // The exit code when it is decided.
  std::optional<int> judge(const api::TenantDeployment& deployment) {
    if (!generation_) generation_ = deployment.metadata.generation;
    if (deployment.metadata.generation != *generation_) {
      return end(kSuperseded, "superseded: the deployment was changed meanwhile");
    }
    const bool observed = deployment.status.observed_generation >= *generation_;
    if (observed) {
      show(deployment);
      if (auto code = judge_rollout(deployment)) return code;
      const api::Condition* ready = current_condition(deployment, "Ready");
      if (ready != nullptr && ready->status) {
        return end(0, "tenantdeployment \"" + name_ + "\" successfully rolled out");
      }
      const api::Condition* stalled = current_condition(deployment, "Stalled");
      if (stalled != nullptr && stalled->status) {
        return end(kFailed, "failed: " + stalled->reason + ": " + stalled->message);
      }
    } else {
      progress_.plain("Waiting for the controller to observe generation " +
                      std::to_string(*generation_) + " of \"" + name_ + "\"...");
    }
    if (follow_) return std::nullopt;
    progress_.finish();
    return 0;
  }

  // The rollout that this deployment's generation made: the first one seen after it was observed.
  std::optional<int> judge_rollout(const api::TenantDeployment& deployment) {
    const std::string& current = deployment.status.rollout;
    if (rollout_.empty()) rollout_ = current;
    if (rollout_.empty()) return std::nullopt;
    const auto rollout = rollouts_.cache().get({session_.ns(), rollout_});
    if (rollout != nullptr && rollout->status.phase == "Superseded") {
      return end(kSuperseded,
                 "superseded by " + (current == rollout_ ? "another release" : current));
    }
    if (rollout != nullptr && rollout->status.phase == "Cancelled") {
      return end(kSuperseded, "cancelled: " + rollout_);
    }
    if (rollout != nullptr && rollout->status.phase == "Failed") {
      return end(kFailed, "failed: " + failure_text(*rollout));
    }
    return std::nullopt;
  }

  static std::string failure_text(const api::Rollout& rollout) {
    std::string names;
    for (const std::string& name : rollout.status.failed_names)
      names += (names.empty() ? "" : ", ") + name;
    const api::Condition* condition = api::find_condition(rollout.status.conditions, "Succeeded");
    std::string text = condition == nullptr ? "" : condition->message;
    if (!names.empty()) text += (text.empty() ? "" : " ") + ("(" + names + ")");
    return text.empty() ? "the rollout failed" : text;
  }

  void show(const api::TenantDeployment& deployment) {
    std::vector<PairProgress> pairs;
    for (const auto& [key, installation] : installations_.cache().all()) {
      if (installation->spec.tenant_deployment != name_) continue;
      auto task = tasks_.cache().get({key.ns, installation->status.task});
      pairs.push_back(pair_progress(*installation, task.get()));
    }
    progress_.show(deployment, pairs, session_.now());
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
    std::string gate;
    if (deployment != nullptr && deployment->spec.paused) gate = "Pause";
    for (const auto& [key, installation] : installations_.cache().all()) {
      if (installation->spec.tenant_deployment != name_) continue;
      for (const api::BlockedBy& record : installation->status.blocked_by) {
        if (kGates.contains(record.kind)) gate = record.kind + " " + record.name;
      }
    }
    if (!gate.empty()) {
      session_.err() << "error: timed out waiting for the rollout; it is held by " << gate << "\n";
      return kGated;
    }
    session_.err() << "error: timed out waiting for the rollout of \"" << name_ << "\"\n";
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
  std::string rollout_;
};

}  // namespace

Result<int> rollout_status(Session& session, const RolloutStatusOptions& options) {
  auto deadline = deadline_of(options.timeout, session.now());
  if (!deadline) return fail(deadline.error());
  auto discovery = session.discovery();
  if (!discovery) return fail(discovery.error());
  if (options.arguments.empty())
    return usage("required resource not specified: name a TenantDeployment");
  auto named = parse_named(**discovery, options.arguments, "tenantdeployments.tidelock.dev");
  if (!named) return fail(named.error());
  if (named->info->qualified() != "tenantdeployments.tidelock.dev") {
    return usage("no status viewer has been implemented for " + named->info->kind +
                 "; rollout status is of TenantDeployments");
  }
  // The first answer tells at once that there is no such object or no server.
  auto object =
      session.get_json(client::resource_path(named->info->resource, session.ns(), named->name));
  if (!object) return fail(object.error());
  return RolloutWatch(session, named->name, options.watch, *deadline).run();
}

}  // namespace tidelock::cli
