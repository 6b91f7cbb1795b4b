// SPDX-License-Identifier: Apache-2.0
// `tidectl plan`: the planner's rows over the objects as they are now, or as manifests would make
// them; their hash; how long it will take.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "controller/api/codec.h"
#include "controller/cli/as_if.h"
#include "controller/cli/facts.h"
#include "controller/cli/outlook.h"
#include "controller/cli/printer.h"
#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;
using planner::PlanRow;

constexpr int kChanges = 2;

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
    if (target == facts.targets.end()) continue;
    const auto* ready = api::find_condition(target->second->status.conditions, "Ready");
    if (ready != nullptr && ready->reason == kAssumed) {
      found.push_back("target " + name + " is new; the plan assumes that an agent will serve it");
    }
    if (tenants.size() < 2) continue;
    if (target->second->spec.max_concurrent == 1) {
      found.push_back(std::to_string(tenants.size()) + " tenants on " + name +
                      " run one by one; set maxConcurrent");
    }
  }
  return found;
}

std::string waits_text(const PlanRow& row) {
  std::string waits;
  for (const api::BlockedBy& record : row.blocked_by) {
    const std::string named =
        record.name.starts_with(record.kind + " ") ? record.name : record.kind + " " + record.name;
    waits += (waits.empty() ? "" : ", ") + named;
  }
  return waits;
}

void print_table(const std::vector<PlanRow>& rows, bool all, std::ostream& out) {
  const bool waves =
      std::any_of(rows.begin(), rows.end(), [](const PlanRow& row) { return !row.wave.empty(); });
  const auto shown = [](const std::string& text) { return text.empty() ? "<none>" : text; };
  TextTable table;
  const auto add = [&](std::vector<std::string> cells, const std::string& wave) {
    if (waves) cells.insert(cells.begin() + 1, wave);
    table.row(std::move(cells));
  };
  add({"ORDER", "TENANT", "TARGET", "PROJECT", "ENVIRONMENT", "ACTION", "FROM", "TO", "WAITS FOR"},
      "WAVE");
  for (const PlanRow& row : rows) {
    if (!all && !is_change(row)) continue;
    add({std::to_string(row.order), shown(row.tenant), row.target, row.project, row.environment,
         std::string(api::to_string(row.action)), shown(row.from), shown(row.to), waits_text(row)},
        shown(row.wave));
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

std::string pairs_text(int count) {
  return std::to_string(count) + (count == 1 ? " pair" : " pairs");
}

std::string gates_text(const std::vector<std::string>& gates) {
  std::string text;
  for (const std::string& gate : gates) text += (text.empty() ? "" : ", ") + gate;
  return text;
}

std::string in_time(TimePoint time, TimePoint now) {
  return time <= now ? "now" : "in " + format_age(time - now);
}

void print_forecast(const Forecast& forecast, TimePoint now, std::ostream& out) {
  if (!forecast.unknown.empty()) {
    out << "No forecast: " << forecast.unknown << ".\n";
    return;
  }
  const Forecast::Wave& all = forecast.all;
  out << "Forecast, by the mean time of past steps: ";
  if (all.done == all.pairs && all.finish) {
    out << "done " << in_time(*all.finish, now) << " (" << format_time(*all.finish) << ").\n";
  } else {
    out << all.done << " of " << pairs_text(all.pairs) << " done";
    if (all.finish) out << " " << in_time(*all.finish, now);
    out << (forecast.waits_for.empty() ? "" : ", then it waits for " + forecast.waits_for) << ".\n";
  }
  if (!forecast.gates.empty()) {
    out << "  if people approve at once: " << gates_text(forecast.gates) << "\n";
  }
  TextTable table(2);
  for (const Forecast::Wave& wave : forecast.waves) {
    table.row({wave.name.empty() ? "<none>" : wave.name, pairs_text(wave.pairs),
               wave.start ? "starts " + in_time(*wave.start, now) : "does not start",
               wave.done < wave.pairs ? std::to_string(wave.done) + " done"
               : wave.finish          ? "done " + in_time(*wave.finish, now)
                                      : ""});
  }
  table.print(out);
}

json wave_json(const Forecast::Wave& wave) {
  json shown{{"pairs", wave.pairs}, {"done", wave.done}};
  if (!wave.name.empty()) shown["name"] = wave.name;
  if (wave.start) shown["start"] = format_time(*wave.start);
  if (wave.finish) shown["finish"] = format_time(*wave.finish);
  return shown;
}

json forecast_json(const Forecast& forecast) {
  if (!forecast.unknown.empty()) return {{"unknown", forecast.unknown}};
  json shown = wave_json(forecast.all);
  if (!forecast.gates.empty()) shown["assumedApprovals"] = forecast.gates;
  if (!forecast.waits_for.empty()) shown["waitsFor"] = forecast.waits_for;
  for (const Forecast::Wave& wave : forecast.waves) shown["waves"].push_back(wave_json(wave));
  return shown;
}

// What `plan` shows, in either form.
struct Shown {
  std::vector<PlanRow> rows;
  std::vector<std::string> hints;
  std::string hash;
  std::optional<Forecast> forecast;  // absent without a change
};

void print_plan(const Shown& shown, const PlanOptions& options, TimePoint now, std::ostream& out) {
  if (shown.forecast || (options.all && !shown.rows.empty())) {
    print_table(shown.rows, options.all, out);
  }
  out << summary(shown.rows) << "\n";
  if (shown.forecast) print_forecast(*shown.forecast, now, out);
  for (const std::string& hint : shown.hints) out << "Hint: " << hint << "\n";
  out << "Plan hash: " << shown.hash << "\n";
}

json plan_json(const Shown& shown, const PlanOptions& options) {
  json document{{"planHash", shown.hash}, {"rows", json::array()}, {"hints", shown.hints}};
  for (const PlanRow& row : shown.rows) {
    if (options.all || is_change(row)) document["rows"].push_back(row_json(row));
  }
  if (shown.forecast) document["forecast"] = forecast_json(*shown.forecast);
  return document;
}

}  // namespace

Result<int> plan(Session& session, const PlanOptions& options) {
  auto format = OutputFormat::parse(options.output);
  if (!format) return fail(format.error());
  std::vector<ManifestObject> as_if;
  if (!options.files.files.empty()) {
    auto manifests = read_manifests(session.environment(), options.files);
    if (!manifests) return fail(manifests.error());
    as_if = std::move(*manifests);
  }
  auto ns = namespace_of_plan(session, as_if);
  if (!ns) return fail(ns.error());
  auto facts = fetch_facts(session, *ns, as_if);
  if (!facts) return fail(facts.error());
  auto outlook = look_ahead(**facts, session.now());
  if (!outlook) return fail(outlook.error());
  Shown shown{outlook->rows, {}, {}, {}};
  if (!options.deployment.empty()) {
    const std::string name = options.deployment.substr(options.deployment.find('/') + 1);
    if (!(*facts)->deployments.contains(name)) {
      return fail(Reason::NotFound, "tenantdeployments.tidelock.dev \"" + name + "\" not found");
    }
    std::erase_if(shown.rows, [&](const PlanRow& row) { return row.deployment != name; });
  }
  const bool changes = std::any_of(shown.rows.begin(), shown.rows.end(), is_change);
  shown.hints = hints(**facts, shown.rows);
  shown.hash = hash_of(*outlook, shown.rows);
  if (changes) shown.forecast = forecast(*outlook, **facts, shown.rows);
  if (format->is_table()) {
    print_plan(shown, options, session.now(), session.out());
  } else {
    auto printed = print_object(*format, plan_json(shown, options), nullptr, session.out());
    if (!printed) return fail(printed.error());
  }
  return changes ? kChanges : 0;
}

}  // namespace tidelock::cli
