// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/rollout_report.h"

#include <ostream>

#include "controller/api/codec.h"
#include "controller/cli/json.h"
#include "controller/cli/text_table.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

std::string number(const std::optional<int>& value, const char* none) {
  return value ? std::to_string(*value) : none;
}

std::string joined(const std::set<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "<none>" : text;
}

}  // namespace

void print_waves(const api::Rollout& rollout, std::ostream& out) {
  if (rollout.status.waves.empty()) return;
  out << "Waves:\n";
  TextTable table(2);
  table.row({"NAME", "PHASE", "PAIRS", "SUCCEEDED", "FAILED", "UNREACHABLE", "RUNNING", "WAITING", "HELD",
             "AT ONCE", "MAX FAILURES", "MIN SUCCEEDED", "STARTED"});
  for (const api::WaveStatus& wave : rollout.status.waves) {
    const api::WaveResolved* resolved = wave.resolved ? &*wave.resolved : nullptr;
    table.row({wave.name, std::string(api::to_string(wave.phase)), std::to_string(wave.members),
               std::to_string(wave.succeeded), std::to_string(wave.failed),
               std::to_string(wave.unreachable), std::to_string(wave.running),
               std::to_string(wave.waiting), std::to_string(wave.held),
               resolved == nullptr ? "-" : number(resolved->concurrency, "all"),
               resolved == nullptr ? "-" : number(resolved->max_failures, "any"),
               resolved == nullptr ? "-" : std::to_string(resolved->min_succeeded),
               wave.started_at ? format_time(*wave.started_at) : "-"});
  }
  table.print(out);
}

void print_gates(const std::vector<Gate>& gates, std::ostream& out) {
  if (gates.empty()) return;
  out << "Gates:\n";
  TextTable table(2);
  table.row({"GATE", "WAVE", "REQUIRED", "APPROVED BY", "STATE"});
  for (const Gate& gate : gates) {
    table.row({gate.spec.approval, (gate.before ? "before " : "after ") + gate.wave,
               std::to_string(gate.spec.required), joined(gate.state.approved_by), gate.text()});
  }
  table.print(out);
}

void add_wave_column(json& table) {
  if (text_at(table, "kind") != "Table" || !table["rows"].is_array()) return;
  table["columnDefinitions"].push_back({{"name", "Waves"}, {"type", "string"}, {"priority", 1}});
  for (json& row : table["rows"]) {
    std::string text;
    const json& status = member(member(row, "object"), "status");
    for (const json& wave : elements(status, "waves")) {
      text += (text.empty() ? "" : ", ") + text_at(wave, "name") + ":" + text_at(wave, "phase") +
              " " + std::to_string(integer_at(wave, "succeeded")) + "/" +
              std::to_string(integer_at(wave, "members"));
    }
    row["cells"].push_back(text);
  }
}

}  // namespace tidelock::cli
