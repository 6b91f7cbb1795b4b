// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/task_report.h"

#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/codec.h"
#include "controller/cli/json.h"
#include "controller/cli/text_table.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

std::string duration_text(const json& step, TimePoint now) {
  auto started = parse_time(text_at(step, "startedAt"));
  if (!started) return "";
  auto finished = parse_time(text_at(step, "finishedAt"));
  const Duration took = (finished ? *finished : now) - *started;
  const auto tenth = std::chrono::milliseconds(100);
  return format_duration(took / tenth * tenth);
}

}  // namespace

void print_steps(const json& steps, TimePoint now, std::ostream& out) {
  if (!steps.is_array() || steps.empty()) return;
  out << "Steps:\n";
  TextTable table(2);
  table.row({"NAME", "PHASE", "ATTEMPT", "TOOK", "EXIT", "MESSAGE"});
  for (const json& step : steps) {
    const json& code = member(step, "exitCode");
    std::string message = text_at(step, "message");
    for (char& c : message) {
      if (c == '\n') c = ' ';
    }
    table.row({text_at(step, "name"), text_at(step, "phase"),
               std::to_string(integer_at(step, "attempt")), duration_text(step, now),
               code.is_number() ? code.dump() : "", message});
  }
  table.print(out);
}

void print_task(const api::DeploymentTask& task, TimePoint now, std::ostream& out) {
  out << "Task:         " << task.metadata.name << "\n";
  out << "  Phase:      " << api::to_string(task.status.phase) << "\n";
  out << "  Attempt:    " << task.spec.attempt << "\n";
  out << "  Version:    " << task.spec.version << "\n";
  if (!task.status.reason.empty()) out << "  Reason:     " << task.status.reason << "\n";
  if (!task.status.message.empty()) out << "  Message:    " << task.status.message << "\n";
  print_steps(elements(api::encode_status(task), "steps"), now, out);
}

std::string task_position(const api::DeploymentTask& task) {
  const auto& grant = task.status.grant;
  if (!grant) return "not started";
  const auto index = static_cast<std::size_t>(grant->step);
  std::string text = "step " + std::to_string(grant->step + 1);
  if (index < task.spec.steps.size()) text += " (" + task.spec.steps[index].step.name + ")";
  return grant->step_count == 0 ? "parked before " + text : text;
}

}  // namespace tidelock::cli
