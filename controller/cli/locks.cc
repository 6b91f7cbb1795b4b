// SPDX-License-Identifier: Apache-2.0
// `tidectl locks`: every lock that is held or waited for, with holders and the queue.
#include <nlohmann/json.hpp>
#include <ostream>

#include "controller/api/codec.h"
#include "controller/cli/facts.h"
#include "controller/cli/printer.h"
#include "controller/cli/task_report.h"
#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;
using planner::LockHolder;
using planner::LockView;
using planner::LockWaiter;

std::string since_text(TimePoint since, TimePoint now) {
  return format_time(since) + " (" + format_age(std::max(now - since, Duration::zero())) + ")";
}

// The step that the holder is at, 1-based; of a deployment-level lock that of its task.
int step_number(const Facts& facts, const LockHolder& holder) {
  if (holder.step_number > 0) return holder.step_number;
  auto task = facts.tasks.find(holder.task);
  if (task == facts.tasks.end() || !task->second->status.grant) return 0;
  return task->second->status.grant->step + 1;
}

std::string step_name(const Facts& facts, const LockHolder& holder) {
  if (!holder.step.empty()) return holder.step;
  auto task = facts.tasks.find(holder.task);
  const int number = step_number(facts, holder);
  if (task == facts.tasks.end() || number == 0) return "";
  const auto& steps = task->second->spec.steps;
  const auto index = static_cast<std::size_t>(number - 1);
  return index < steps.size() ? steps[index].step.name : "";
}

// "Exclusive"; of a counted lock how much of it, "1 of 10".
std::string how_text(const LockView& lock, const LockHolder& holder) {
  if (holder.mode == api::LockMode::Exclusive) return "Exclusive";
  if (lock.capacity) return std::to_string(holder.units) + " of " + std::to_string(*lock.capacity);
  return holder.units > 1 ? std::to_string(holder.units) + " units" : "Shared";
}

// A pair's own lock and directory: held by whatever runs, of interest only when somebody waits. And a
// lock that nobody holds: who waits for others too stands in its line, but not because of it.
bool is_private(const LockView& lock) {
  if (lock.holders.empty()) return true;
  return lock.group.empty() && lock.waiters.empty() &&
         (lock.instance.starts_with("pair/") || lock.instance.find("/path/") != std::string::npos);
}

json lock_json(const Facts& facts, const LockView& lock) {
  json holders = json::array();
  for (const LockHolder& holder : lock.holders) {
    holders.push_back({{"task", holder.task},
                       {"step", step_name(facts, holder)},
                       {"stepNumber", step_number(facts, holder)},
                       {"level", holder.step.empty() ? "Deployment" : "Step"},
                       {"mode", std::string(api::to_string(holder.mode))},
                       {"units", holder.units},
                       {"since", format_micro_time(holder.since)}});
  }
  json waiters = json::array();
  for (const LockWaiter& waiter : lock.waiters) {
    waiters.push_back({{"task", waiter.task},
                       {"position", waiter.position},
                       {"since", format_micro_time(waiter.since)}});
  }
  json shown{{"instance", lock.instance},
             {"group", lock.group},
             {"holders", holders},
             {"waiters", waiters}};
  shown["capacity"] = lock.capacity ? json(*lock.capacity) : json();
  return shown;
}

void print_lock(const Facts& facts, const LockView& lock, TimePoint now, std::ostream& out) {
  out << lock.instance;
  if (lock.capacity) out << "  capacity " << *lock.capacity;
  out << "  " << lock.holders.size() << " holding, " << lock.waiters.size() << " waiting\n";
  TextTable table(2);
  for (const LockHolder& holder : lock.holders) {
    const int number = step_number(facts, holder);
    const std::string name = step_name(facts, holder);
    table.row({"held by", holder.task,
               number == 0
                   ? ""
                   : "step " + std::to_string(number) + (name.empty() ? "" : " (" + name + ")"),
               how_text(lock, holder), "since " + since_text(holder.since, now)});
  }
  for (const LockWaiter& waiter : lock.waiters) {
    table.row({"position " + std::to_string(waiter.position), waiter.task, "", "waits",
               "since " + since_text(waiter.since, now)});
  }
  table.print(out);
}

}  // namespace

Result<int> locks(Session& session, const LocksOptions& options) {
  auto format = OutputFormat::parse(options.output);
  if (!format) return fail(format.error());
  auto facts = fetch_facts(session, session.ns());
  if (!facts) return fail(facts.error());
  std::vector<LockView> found = (*facts)->planner.locks(session.now());
  if (!options.instance.empty()) {
    std::erase_if(found, [&](const LockView& lock) { return lock.instance != options.instance; });
  }
  if (!format->is_table()) {
    json shown = json::array();
    for (const LockView& lock : found) shown.push_back(lock_json(**facts, lock));
    auto printed = print_object(*format, shown, nullptr, session.out());
    return printed ? Result<int>(0) : Result<int>(fail(printed.error()));
  }
  if (found.empty()) {
    session.err() << (options.instance.empty()
                          ? "No lock is held or waited for.\n"
                          : "Lock " + options.instance +
                                " is free: nobody holds it or waits for it.\n");
  }
  std::size_t hidden = 0;
  for (const LockView& lock : found) {
    if (options.instance.empty() && !options.all && is_private(lock)) {
      ++hidden;
    } else {
      print_lock(**facts, lock, session.now(), session.out());
    }
  }
  if (hidden > 0) {
    session.out() << hidden << " locks that hold nobody up are not shown; --all shows them\n";
  }
  return 0;
}

}  // namespace tidelock::cli
