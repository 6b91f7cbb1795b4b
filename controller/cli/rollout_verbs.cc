// SPDX-License-Identifier: Apache-2.0
// `tidectl rollout pause | resume | cancel | history`: what a person does to a rollout, and those
// that there were.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/codec.h"
#include "controller/cli/fetch.h"
#include "controller/cli/json.h"
#include "controller/cli/printer.h"
#include "controller/cli/rollout_name.h"
#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

Result<void> patch_rollout(Session& session, const std::string& name, const json& spec) {
  client::Call call;
  call.verb = client::Call::Verb::Patch;
  call.resource = client::resource_of<api::Rollout>();
  call.ns = session.ns();
  call.name = name;
  call.body = json{{"spec", spec}}.dump();
  auto done = session.api().call(call);
  return done ? Result<void>{} : fail(done.error());
}

std::string quoted(const api::Rollout& rollout) {
  return "rollouts.tidelock.dev \"" + rollout.metadata.name + "\"";
}

Result<void> must_be_live(const api::Rollout& rollout) {
  if (!is_left(rollout)) return {};
  return usage(quoted(rollout) + " is over: " + rollout.status.phase);
}

bool over_failure_budget(const api::Rollout& rollout) {
  return rollout.status.phase == "Paused" && rollout.status.reason == "FailureBudgetExceeded";
}

// The failures so far, as far as they count: unreachable targets beyond the strategy's maximum do.
std::map<std::string, int> failures_by_wave(const api::Rollout& rollout) {
  std::map<std::string, int> failures;
  for (const api::WaveStatus& wave : rollout.status.waves) {
    int count = wave.failed;
    if (wave.resolved && wave.resolved->max_unreachable) {
      count += std::max(0, wave.unreachable - *wave.resolved->max_unreachable);
    }
    if (count > 0) failures[wave.name] = count;
  }
  return failures;
}

std::string failures_text(const std::map<std::string, int>& failures) {
  int sum = 0;
  std::string text;
  for (const auto& [wave, count] : failures) {
    sum += count;
    text += (text.empty() ? "" : ", ") + wave + " " + std::to_string(count);
  }
  return std::to_string(sum) + (sum == 1 ? " failure" : " failures") + " accepted: " + text;
}

// Why nothing starts although the rollout itself is not paused; empty = not known.
std::string paused_elsewhere(Session& session, const api::TenantDeployment& deployment) {
  if (deployment.spec.paused) return deployment_label(deployment.metadata.name);
  const std::string& environment = deployment.spec.environment_ref.name;
  const auto in = session.api().get<api::Environment>(session.ns(), environment);
  if (in && in->spec.paused) return "environment.tidelock.dev/" + environment;
  const std::string& project = deployment.spec.project_ref.name;
  const auto of = session.api().get<api::Project>(session.ns(), project);
  if (of && of->spec.paused) return "project.tidelock.dev/" + project;
  return {};
}

std::string duration_text(const api::RolloutStatus& status, TimePoint now) {
  if (!status.started_at) return "<none>";
  const TimePoint end = status.finished_at.value_or(now);
  return format_age(std::max(end - *status.started_at, Duration{}));
}

void print_history(const std::vector<api::Rollout>& rollouts, TimePoint now, std::ostream& out) {
  TextTable table;
  table.row({"REVISION", "VERSION", "PHASE", "REASON", "STARTED", "DURATION", "PAIRS", "FAILED",
             "ROLLOUT"});
  int revision = 0;
  for (const api::Rollout& rollout : rollouts) {
    const api::RolloutStatus& status = rollout.status;
    int members = 0, succeeded = 0, failed = 0;
    for (const api::WaveStatus& wave : status.waves) {
      members += wave.members;
      succeeded += wave.succeeded;
      failed += wave.failed;
    }
    table.row({std::to_string(++revision), rollout.spec.version,
               status.phase.empty() ? "<none>" : status.phase,
               status.reason.empty() ? "<none>" : status.reason,
               status.started_at ? format_time(*status.started_at) : "<none>",
               duration_text(status, now),
               std::to_string(succeeded) + "/" + std::to_string(members), std::to_string(failed),
               rollout.metadata.name});
  }
  table.print(out);
}

}  // namespace

Result<int> rollout_pause(Session& session, const RolloutOptions& options) {
  auto found = find_rollout(session, options.arguments, "rollout pause");
  if (!found) return fail(found.error());
  const api::Rollout& rollout = found->rollout;
  if (auto live = must_be_live(rollout); !live) return fail(live.error());
  if (rollout.spec.paused) return usage(quoted(rollout) + " is already paused");
  auto done = patch_rollout(session, rollout.metadata.name, {{"paused", true}});
  if (!done) return fail(done.error());
  session.out() << rollout_label(rollout.metadata.name) << " paused\n";
  return 0;
}

Result<int> rollout_resume(Session& session, const RolloutOptions& options) {
  auto found = find_rollout(session, options.arguments, "rollout resume");
  if (!found) return fail(found.error());
  const api::Rollout& rollout = found->rollout;
  if (auto live = must_be_live(rollout); !live) return fail(live.error());
  const std::string elsewhere = paused_elsewhere(session, found->deployment);
  json spec = json::object();
  if (rollout.spec.paused) spec["paused"] = false;
  std::map<std::string, int> failures;
  if (over_failure_budget(rollout)) {
    failures = failures_by_wave(rollout);
    spec["acceptedFailures"] = failures;
  }
  if (spec.empty()) {
    std::string why = quoted(rollout) + " is not paused";
    if (!elsewhere.empty()) why += "; " + elsewhere + " is";
    if (rollout.status.phase == "Failed") {
      why = quoted(rollout) + " has failed (" + rollout.status.reason +
            "); nobody can wave it through: deploy another release, or `rollout undo`";
    }
    return usage(why);
  }
  auto done = patch_rollout(session, rollout.metadata.name, spec);
  if (!done) return fail(done.error());
  session.out() << rollout_label(rollout.metadata.name) << " resumed";
  if (!failures.empty()) session.out() << " (" << failures_text(failures) << ")";
  session.out() << "\n";
  if (!elsewhere.empty()) {
    session.err() << "Warning: " << elsewhere << " is paused too; nothing starts until it is not\n";
  }
  return 0;
}

Result<int> rollout_cancel(Session& session, const RolloutOptions& options) {
  auto found = find_rollout(session, options.arguments, "rollout cancel");
  if (!found) return fail(found.error());
  const api::Rollout& rollout = found->rollout;
  if (auto live = must_be_live(rollout); !live) return fail(live.error());
  if (rollout.spec.cancel) return usage(quoted(rollout) + " is already being cancelled");
  if (rollout.status.phase == "Succeeded") {
    return usage(quoted(rollout) + " has succeeded; to go back: rollout undo");
  }
  auto done = patch_rollout(session, rollout.metadata.name, {{"cancel", true}});
  if (!done) return fail(done.error());
  session.out() << rollout_label(rollout.metadata.name)
                << " cancelled: what has not started does not, what runs ends after its step\n";
  return 0;
}

Result<int> rollout_history(Session& session, const RolloutHistoryOptions& options) {
  auto format = OutputFormat::parse(options.output);
  if (!format) return fail(format.error());
  auto name = find_rollout_name(session, options.arguments, "rollout history");
  if (!name) return fail(name.error());
  std::string deployment = name->name;
  if (name->is_rollout) {
    auto rollout = session.api().get<api::Rollout>(session.ns(), name->name);
    if (!rollout) return fail(rollout.error());
    deployment = rollout->spec.tenant_deployment_ref.name;
  }
  auto rollouts = rollouts_of(session, deployment);
  if (!rollouts) return fail(rollouts.error());
  if (!format->is_table()) {
    json items = json::array();
    for (const api::Rollout& rollout : *rollouts) items.push_back(api::encode(rollout));
    auto printed = print_object(*format, {{"apiVersion", "v1"}, {"kind", "List"}, {"items", items}},
                                nullptr, session.out());
    return printed ? Result<int>(0) : fail(printed.error());
  }
  session.out() << deployment_label(deployment) << "\n";
  print_history(*rollouts, session.now(), session.out());
  return 0;
}

}  // namespace tidelock::cli
