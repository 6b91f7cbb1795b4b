// SPDX-License-Identifier: Apache-2.0
// `tidectl why`: the planner's record of what an installation, a tenant or a task waits for.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/codec.h"
#include "controller/cli/facts.h"
#include "controller/cli/printer.h"
#include "controller/cli/task_report.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;
using Installation = std::shared_ptr<const api::Installation>;

// "inst/NAME", "tenant/NAME" and "task/NAME" name one kind; a bare name may be any of them.
struct Asked {
  std::string kind;  // installation | tenant | task | empty
  std::string name;
};

Result<Asked> parse_asked(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return Asked{"", text};
  const std::string kind = text.substr(0, text.find('.') < slash ? text.find('.') : slash);
  const std::string name = text.substr(slash + 1);
  for (const char* one : {"installation", "installations", "inst"}) {
    if (kind == one) return Asked{"installation", name};
  }
  for (const char* one : {"tenant", "tenants", "ten"}) {
    if (kind == one) return Asked{"tenant", name};
  }
  for (const char* one : {"deploymenttask", "deploymenttasks", "task"}) {
    if (kind == one) return Asked{"task", name};
  }
  return usage("why is about an installation, a tenant or a task, not a " + kind);
}

std::vector<Installation> find_installations(const Facts& facts, const Asked& asked) {
  const auto may_be = [&](const char* kind) { return asked.kind.empty() || asked.kind == kind; };
  if (may_be("installation")) {
    auto found = facts.installations.find(asked.name);
    if (found != facts.installations.end()) return {found->second};
  }
  if (may_be("task")) {
    auto task = facts.tasks.find(asked.name);
    if (task != facts.tasks.end()) {
      auto found = facts.installations.find(task->second->spec.installation);
      if (found != facts.installations.end()) return {found->second};
    }
  }
  std::vector<Installation> all;
  if (!may_be("tenant")) return all;
  for (const auto& [name, installation] : facts.installations) {
    const auto& tenant = installation->spec.tenant_ref;
    if (tenant && tenant->name == asked.name) all.push_back(installation);
  }
  return all;
}

// What to say of one that waits for nothing.
std::string moving_text(const Facts& facts, const api::Installation& installation) {
  auto task = facts.tasks.find(installation.status.task);
  if (task != facts.tasks.end() && !api::is_terminal(task->second->status.phase)) {
    const api::DeploymentTask& running = *task->second;
    return std::string(api::to_string(running.status.phase)) + ": " + running.metadata.name + " " +
           task_position(running);
  }
  const api::Condition* stalled = api::find_condition(installation.status.conditions, "Stalled");
  if (stalled != nullptr && stalled->status)
    return "failed: " + stalled->reason + ": " + stalled->message;
  const std::string& version = installation.status.actual_release;
  if (version.empty()) return "not waiting; nothing is installed yet";
  if (version == installation.spec.version) return "not waiting; " + version + " is installed";
  return "not waiting; " + version + " is installed, " + installation.spec.version + " is desired";
}

json record_json(const api::Installation& installation,
                 const std::vector<api::BlockedBy>& records) {
  json blocked = json::array();
  for (const api::BlockedBy& record : records) blocked.push_back(blocked_json(record));
  return {{"installation", installation.metadata.name},
          {"task", installation.status.task},
          {"tenant", installation.spec.tenant_ref ? installation.spec.tenant_ref->name : ""},
          {"target", installation.spec.target_ref.name},
          {"blockedBy", blocked}};
}

}  // namespace

Result<int> why(Session& session, const WhyOptions& options) {
  auto format = OutputFormat::parse(options.output);
  if (!format) return fail(format.error());
  auto asked = parse_asked(options.name);
  if (!asked) return fail(asked.error());
  auto facts = fetch_facts(session, session.ns());
  if (!facts) return fail(facts.error());
  const auto installations = find_installations(**facts, *asked);
  if (installations.empty()) {
    if ((*facts)->tenants.contains(asked->name)) {
      return usage("tenant \"" + asked->name +
                   "\" has no installation: no tenant deployment selects it");
    }
    return usage("no installation, tenant or task \"" + asked->name + "\" in the " + session.ns() +
                 " namespace");
  }
  json shown = json::array();
  for (const Installation& installation : installations) {
    const auto records = (*facts)->planner.why(installation->metadata.name, session.now());
    const std::string pair = pair_text(installation->spec);
    shown.push_back(record_json(*installation, records));
    if (!format->is_table()) continue;
    if (records.empty())
      session.out() << pair << ": " << moving_text(**facts, *installation) << "\n";
    for (const api::BlockedBy& record : records) {
      session.out() << blocked_line(pair, record) << "\n";
    }
  }
  if (format->is_table()) return 0;
  auto printed = print_object(*format, shown, nullptr, session.out());
  return printed ? Result<int>(0) : Result<int>(fail(printed.error()));
}

}  // namespace tidelock::cli
