// SPDX-License-Identifier: Apache-2.0
// `tidectl plan`: the planner's rows over the objects as they are now.
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "controller/api/codec.h"
#include "controller/cli/facts.h"
#include "controller/cli/printer.h"
#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;
using planner::PlanRow;

constexpr int kChanges = 2;

bool is_change(const PlanRow& row) { return row.action != api::Action::None; }

bool selected(const Facts& facts, const api::TenantDeployment& deployment, const PlanRow& row) {
  auto installation = facts.installations.find(row.installation);
  if (installation != facts.installations.end()) {
    return belongs_to(deployment, installation->second->spec);
  }
  if (row.project != deployment.spec.project_ref.name ||
      row.environment != deployment.spec.environment_ref.name ||
      row.tenant.empty() != deployment.spec.untenanted) {
    return false;
  }
  auto target = facts.targets.find(row.target);
  auto tenant = facts.tenants.find(row.tenant);
  const bool target_fits = target == facts.targets.end() ||
                           api::matches(deployment.spec.targets, target->second->metadata.labels);
  const bool tenant_fits = tenant == facts.tenants.end() || !deployment.spec.tenants ||
                           api::matches(*deployment.spec.tenants, tenant->second->metadata.labels);
  return target_fits && tenant_fits;
}

json row_json(const PlanRow& row) {
  json blocked = json::array();
  for (const api::BlockedBy& record : row.blocked_by) blocked.push_back(blocked_json(record));
  return {{"installation", row.installation},
          {"project", row.project},
          {"environment", row.environment},
          {"tenant", row.tenant},
          {"target", row.target},
          {"action", std::string(api::to_string(row.action))},
          {"from", row.from},
          {"to", row.to},
          {"wave", row.wave},
          {"order", row.order},
          {"blockedBy", blocked}};
}

// "10 tenants on web-01 run one by one; set maxConcurrent" for each target that makes them queue.
std::vector<std::string> hints(const Facts& facts, const std::vector<PlanRow>& rows) {
  std::map<std::string, std::set<std::string>> who;
  for (const PlanRow& row : rows) {
    if (is_change(row)) who[row.target].insert(row.tenant.empty() ? row.project : row.tenant);
  }
  std::vector<std::string> found;
  for (const auto& [name, tenants] : who) {
    auto target = facts.targets.find(name);
    if (target == facts.targets.end() || tenants.size() < 2) continue;
    if (target->second->spec.max_concurrent == 1) {
      found.push_back(std::to_string(tenants.size()) + " tenants on " + name +
                      " run one by one; set maxConcurrent");
    }
  }
  return found;
}

void print_table(const std::vector<PlanRow>& rows, bool all, std::ostream& out) {
  TextTable table;
  table.row(
      {"ORDER", "TENANT", "TARGET", "PROJECT", "ENVIRONMENT", "ACTION", "FROM", "TO", "WAITS FOR"});
  for (const PlanRow& row : rows) {
    if (!all && !is_change(row)) continue;
    std::string waits;
    for (const api::BlockedBy& record : row.blocked_by) {
      waits += (waits.empty() ? "" : ", ") + record.kind + " " + record.name;
    }
    const auto shown = [](const std::string& text) { return text.empty() ? "<none>" : text; };
    table.row({std::to_string(row.order), shown(row.tenant), row.target, row.project,
               row.environment, std::string(api::to_string(row.action)), shown(row.from),
               shown(row.to), waits});
  }
  table.print(out);
}

std::string summary(const std::vector<PlanRow>& rows) {
  std::map<std::string, int> counts;
  for (const PlanRow& row : rows) {
    if (is_change(row)) ++counts[std::string(api::to_string(row.action))];
  }
  if (counts.empty())
    return "No changes: " + std::to_string(rows.size()) + " pairs are as desired.";
  std::string text;
  for (const auto& [action, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + action;
  }
  return "Plan: " + text + ".";
}

}  // namespace

Result<int> plan(Session& session, const PlanOptions& options) {
  auto format = OutputFormat::parse(options.output);
  if (!format) return fail(format.error());
  auto facts = fetch_facts(session, session.ns());
  if (!facts) return fail(facts.error());
  std::vector<PlanRow> rows = (*facts)->planner.rows(session.now());
  if (!options.deployment.empty()) {
    const std::string name = options.deployment.substr(options.deployment.find('/') + 1);
    auto deployment = (*facts)->deployments.find(name);
    if (deployment == (*facts)->deployments.end()) {
      return fail(Reason::NotFound, "tenantdeployments.tidelock.dev \"" + name + "\" not found");
    }
    std::erase_if(rows,
                  [&](const PlanRow& row) { return !selected(**facts, *deployment->second, row); });
  }
  const bool changes = std::any_of(rows.begin(), rows.end(), is_change);
  const std::vector<std::string> found = hints(**facts, rows);
  if (format->is_table()) {
    if (changes || (options.all && !rows.empty())) print_table(rows, options.all, session.out());
    session.out() << summary(rows) << "\n";
    for (const std::string& hint : found) session.out() << "Hint: " << hint << "\n";
  } else {
    json shown{{"rows", json::array()}, {"hints", found}};
    for (const PlanRow& row : rows) {
      if (options.all || is_change(row)) shown["rows"].push_back(row_json(row));
    }
    if (auto printed = print_object(*format, shown, nullptr, session.out()); !printed) {
      return fail(printed.error());
    }
  }
  return changes ? kChanges : 0;
}

}  // namespace tidelock::cli
