// SPDX-License-Identifier: Apache-2.0
// `tidectl describe`: one object for people: what it is, what it should be, how it is, what
// happened.
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/codec.h"
#include "controller/cli/errors.h"
#include "controller/cli/event_table.h"
#include "controller/cli/facts.h"
#include "controller/cli/fetch.h"
#include "controller/cli/human.h"
#include "controller/cli/json.h"
#include "controller/cli/resource_arguments.h"
#include "controller/cli/rollout_report.h"
#include "controller/cli/task_report.h"
#include "controller/cli/text_table.h"
#include "controller/cli/three_way.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

constexpr std::size_t kLabelWidth = 14;

class Describer {
 public:
  Describer(Session& session, const DescribeOptions& options)
      : session_(session), options_(options), out_(session.out()) {}

  Result<void> object(const Unit& unit, const json& object) {
    head(unit, object);
    json spec = member(object, "spec");
    json status = member(object, "status");
    if (unit.info->kind == "Secret") {
      sizes(object);
    } else {
      other_members(object);
    }
    if (spec.is_object() && !spec.empty()) section("Spec", spec);
    json conditions, steps, history;
    take(status, "conditions", conditions);
    take(status, "blockedBy", blocked_);
    take(status, "history", history);
    if (unit.info->kind == "DeploymentTask") take(status, "steps", steps);
    if (unit.info->kind == "Rollout" && status.is_object()) status.erase("waves");
    if (status.is_object() && !status.empty()) section("Status", status);
    print_conditions(conditions);
    print_history(history);
    if (steps.is_array()) print_steps(steps, session_.now(), out_);
    if (unit.info->kind == "Rollout") {
      if (auto done = waves_and_gates(object); !done) return done;
    }
    if (unit.info->kind == "Installation") {
      if (auto done = installation(unit, object); !done) return done;
    } else if (!elements(json{{"b", blocked_}}, "b").empty()) {
      out_ << "Blocked By:\n";
      print_human(blocked_, 2, out_);
    }
    return options_.show_events ? print_events(object) : Result<void>{};
  }

 private:
  void line(const std::string& label, const std::string& value) {
    out_ << pad_right(label + ":", kLabelWidth) << value << "\n";
  }

  void map_lines(const std::string& label, const json& map) {
    std::vector<std::string> lines;
    if (map.is_object()) {
      for (const auto& [key, value] : map.items()) {
        if (key == kLastApplied) continue;
        lines.push_back(key + (label == "Labels" ? "=" : ": ") +
                        (value.is_string() ? value.get<std::string>() : value.dump()));
      }
    }
    if (lines.empty()) lines.push_back("<none>");
    line(label, lines.front());
    for (std::size_t i = 1; i < lines.size(); ++i) {
      out_ << std::string(kLabelWidth, ' ') << lines[i] << "\n";
    }
  }

  void head(const Unit& unit, const json& object) {
    const json& metadata = member(object, "metadata");
    line("Name", name_of(object));
    if (unit.info->resource.namespaced) line("Namespace", namespace_of(object));
    map_lines("Labels", member(metadata, "labels"));
    map_lines("Annotations", member(metadata, "annotations"));
    line("API Version", unit.info->api_version());
    line("Kind", unit.info->kind);
    line("Created", time_and_age(text_at(metadata, "creationTimestamp"), session_.now()));
    if (metadata.contains("generation")) line("Generation", metadata["generation"].dump());
    const std::string deleted = text_at(metadata, "deletionTimestamp");
    if (!deleted.empty()) line("Deleting", "since " + time_and_age(deleted, session_.now()));
    for (const json& owner : elements(metadata, "ownerReferences")) {
      line("Owner", text_at(owner, "kind") + "/" + text_at(owner, "name"));
    }
    for (const json& finalizer : elements(metadata, "finalizers")) {
      if (finalizer.is_string()) line("Finalizer", finalizer.get<std::string>());
    }
  }

  void section(const std::string& title, const json& value) {
    out_ << title << ":\n";
    print_human(value, 2, out_);
  }

  // What core kinds have beside spec and status. Values of a Secret never appear.
  void other_members(const json& object) {
    json rest = json::object();
    for (const auto& [key, value] : object.items()) {
      if (key != "metadata" && key != "spec" && key != "status" && key != "apiVersion" &&
          key != "kind") {
        rest[key] = value;
      }
    }
    if (!rest.empty()) print_human(rest, 0, out_);
  }

  void sizes(const json& secret) {
    line("Type", text_at(secret, "type"));
    out_ << "Data:\n";
    const json& data = member(secret, "data");
    if (!data.is_object()) return;
    for (const auto& [key, value] : data.items()) {
      const std::string encoded = value.is_string() ? value.get<std::string>() : "";
      const auto padding =
          static_cast<std::size_t>(std::count(encoded.begin(), encoded.end(), '='));
      out_ << "  " << key << ":  " << encoded.size() / 4 * 3 - padding << " bytes\n";
    }
  }

  static void take(json& from, const char* name, json& into) {
    into = member(from, name);
    if (from.is_object()) from.erase(name);
  }

  void print_conditions(const json& conditions) {
    if (!conditions.is_array() || conditions.empty()) return;
    out_ << "Conditions:\n";
    TextTable table(2);
    table.row({"TYPE", "STATUS", "REASON", "SINCE", "MESSAGE"});
    for (const json& condition : conditions) {
      table.row({text_at(condition, "type"), text_at(condition, "status"),
                 text_at(condition, "reason"),
                 age_of(text_at(condition, "lastTransitionTime"), session_.now()),
                 text_at(condition, "message")});
    }
    table.print(out_);
  }

  void print_history(const json& history) {
    if (!history.is_array() || history.empty()) return;
    out_ << "History:\n";
    TextTable table(2);
    table.row({"VERSION", "ATTEMPT", "PHASE", "FINISHED"});
    for (const json& entry : history) {
      table.row({text_at(entry, "version"), std::to_string(integer_at(entry, "attempt")),
                 text_at(entry, "phase"), text_at(entry, "finishedAt")});
    }
    table.print(out_);
  }

  // Why it waits, in the words of `why`; and its newest task.
  Result<void> installation(const Unit& unit, const json& object) {
    if (facts_ == nullptr || facts_ns_ != unit.ns) {
      auto facts = fetch_facts(session_, namespace_of(object));
      if (!facts) return fail(facts.error());
      facts_ = std::move(*facts);
      facts_ns_ = unit.ns;
    }
    const std::string name = name_of(object);
    auto found = facts_->installations.find(name);
    if (found == facts_->installations.end()) return {};
    const auto records = facts_->planner.why(name, session_.now());
    if (!records.empty()) {
      out_ << "Blocked By:\n";
      for (const api::BlockedBy& record : records) {
        out_ << "  " << blocked_line(pair_text(found->second->spec), record) << "\n";
      }
    }
    auto task = facts_->tasks.find(found->second->status.task);
    if (task != facts_->tasks.end()) print_task(*task->second, session_.now(), out_);
    return {};
  }

  Result<void> waves_and_gates(const json& object) {
    auto rollout = api::decode<api::Rollout>(object);
    if (!rollout) return fail(rollout.error());
    auto approvals = approvals_of(session_, namespace_of(object), rollout->metadata.name);
    if (!approvals) return fail(approvals.error());
    print_waves(*rollout, out_);
    print_gates(gates_of(*rollout, *approvals, session_.now()), out_);
    return {};
  }

  Result<void> print_events(const json& object) {
    auto events = fetch_events(session_, object);
    if (!events) return fail(events.error());
    if (events->empty()) {
      out_ << "Events:       <none>\n";
      return {};
    }
    out_ << "Events:\n";
    TextTable table(2);
    table.row({"TYPE", "REASON", "AGE", "FROM", "MESSAGE"});
    for (const EventRow& event : *events) {
      table.row({event.type, event.reason, event.age(session_.now()), event.source, event.message});
    }
    table.print(out_);
    return {};
  }

  Session& session_;
  const DescribeOptions& options_;
  std::ostream& out_;
  json blocked_;
  std::unique_ptr<Facts> facts_;
  std::string facts_ns_;
};

}  // namespace

Result<int> describe(Session& session, const DescribeOptions& options) {
  auto discovery = session.discovery();
  if (!discovery) return fail(discovery.error());
  auto selections = parse_selections(**discovery, options.arguments, "describe");
  if (!selections) return fail(selections.error());
  auto units = units_of(session, *selections, {options.selector, "", options.all_namespaces, 0});
  if (!units) return fail(units.error());
  Describer describer(session, options);
  int code = 0;
  bool any = false;
  for (Fetched& fetched : fetch_units(session, *units, kAcceptJson)) {
    if (!fetched.document) {
      if (fetched.document.error().code == kNoAnswer) return fail(fetched.document.error());
      session.err() << error_text(fetched.document.error()) << "\n";
      code = 1;
      continue;
    }
    const bool list = fetched.unit.name.empty();
    const json single = list ? json() : json::array({*fetched.document});
    for (const json& item : list ? elements(*fetched.document, "items") : single) {
      if (any) session.out() << "\n\n";
      any = true;
      if (auto done = describer.object(fetched.unit, item); !done) return fail(done.error());
    }
  }
  if (!any && code == 0) session.err() << "No resources found\n";
  return code;
}

}  // namespace tidelock::cli
