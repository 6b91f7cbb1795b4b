// SPDX-License-Identifier: Apache-2.0
// `tidectl timeline`: a Gantt in text of the newest tasks, from the times in their status.
#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include "controller/api/codec.h"
#include "controller/cli/facts.h"
#include "controller/cli/gantt.h"
#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

constexpr int kWidthMin = 20;
constexpr int kWidthDefault = 100;
constexpr std::size_t kChartMin = 20;
constexpr std::size_t kWaitLinesMax = 30;

using Task = std::shared_ptr<const api::DeploymentTask>;

// One pair and its attempts, oldest first.
struct Row {
  std::string name;
  std::vector<Task> tasks;
};

std::vector<Row> find_rows(const Facts& facts, const api::TenantDeployment* deployment) {
  std::map<std::string, Row> rows;  // by installation
  for (const auto& [name, installation] : facts.installations) {
    if (deployment != nullptr && !belongs_to(*deployment, installation->spec)) continue;
    rows[name].name = pair_text(installation->spec);
  }
  std::map<std::string, int> newest;
  for (const auto& [name, task] : facts.tasks) {
    int& attempt = newest[task->spec.installation];
    attempt = std::max(attempt, task->spec.attempt);
  }
  for (const auto& [name, task] : facts.tasks) {
    auto row = rows.find(task->spec.installation);
    if (row == rows.end()) continue;
    // All attempts of the newest rollout; without one, the newest attempt.
    const bool same = deployment != nullptr && !deployment->status.rollout.empty() &&
                      task->spec.rollout == deployment->status.rollout;
    if (same || task->spec.attempt == newest[task->spec.installation])
      row->second.tasks.push_back(task);
  }
  std::vector<Row> found;
  for (auto& [name, row] : rows) {
    std::sort(row.tasks.begin(), row.tasks.end(),
              [](const Task& a, const Task& b) { return a->spec.attempt < b->spec.attempt; });
    if (!row.tasks.empty()) found.push_back(std::move(row));
  }
  return found;
}

char wait_mark(const std::string& kind) {
  return kind == "Lock" ? kMarkLock : kind == "Budget" ? kMarkBudget : kMarkOther;
}

// Waits of all grants; the newest grant's may not have reached the step yet.
std::vector<api::StepWait> waits_of(const api::DeploymentTask& task) {
  std::vector<api::StepWait> waits;
  for (const api::StepStatus& step : task.status.steps) {
    waits.insert(waits.end(), step.waits.begin(), step.waits.end());
  }
  if (task.status.grant) {
    for (const api::StepWait& wait : task.status.grant->waits) {
      if (std::find(waits.begin(), waits.end(), wait) == waits.end()) waits.push_back(wait);
    }
  }
  return waits;
}

TimePoint first_time(const api::DeploymentTask& task) {
  TimePoint first = task.spec.requested_at;
  if (first == TimePoint{} && task.metadata.creation_timestamp)
    first = *task.metadata.creation_timestamp;
  return first;
}

TimePoint last_time(const api::DeploymentTask& task, TimePoint now) {
  if (!api::is_terminal(task.status.phase)) return now;
  TimePoint last = task.status.finished_at.value_or(first_time(task));
  for (const api::StepStatus& step : task.status.steps) {
    if (step.finished_at) last = std::max(last, *step.finished_at);
  }
  return last;
}

void add_bars(const api::DeploymentTask& task, TimePoint now, std::vector<Bar>& bars) {
  const TimePoint end = last_time(task, now);
  const auto& grant = task.status.grant;
  const TimePoint started = grant ? grant->granted_at : end;
  char queue = kMarkOther;
  if (!task.status.blocked_by.empty()) queue = wait_mark(task.status.blocked_by.front().kind);
  bars.push_back({first_time(task), started, queue});
  if (grant && !api::is_terminal(task.status.phase) && grant->step_count == 0) {
    bars.push_back({grant->step_granted_at, end, queue});
  }
  for (const api::StepWait& wait : waits_of(task))
    bars.push_back({wait.from, wait.until, wait_mark(wait.kind)});
  for (std::size_t i = 0; i < task.status.steps.size(); ++i) {
    const api::StepStatus& step = task.status.steps[i];
    if (!step.started_at) continue;
    bars.push_back({*step.started_at, step.finished_at.value_or(end), step_mark(i)});
  }
}

std::string seconds(Duration duration) {
  return format_duration(duration / std::chrono::milliseconds(10) * std::chrono::milliseconds(10));
}

std::string result_text(const Row& row, TimePoint now) {
  const api::DeploymentTask& task = *row.tasks.back();
  std::string text(api::to_string(task.status.phase));
  if (row.tasks.size() > 1) text += " (attempt " + std::to_string(task.spec.attempt) + ")";
  return text + " " + seconds(last_time(task, now) - first_time(*row.tasks.front()));
}

class Timeline {
 public:
  Timeline(Session& session, const Facts& facts, std::vector<Row> rows)
      : session_(session), facts_(facts), rows_(std::move(rows)), now_(session.now()) {}

  void print() {
    TimePoint from = kNever, to = TimePoint::min();
    std::size_t names = 0, results = 0;
    for (const Row& row : rows_) {
      names = std::max(names, text_width(row.name));
      results = std::max(results, text_width(result_text(row, now_)));
      from = std::min(from, first_time(*row.tasks.front()));
      to = std::max(to, last_time(*row.tasks.back(), now_));
    }
    const std::size_t used = names + results + 4;
    const std::size_t all = width();
    const std::size_t columns = all > used + kChartMin ? all - used : kChartMin;
    std::ostream& out = session_.out();
    out << std::string(names + 2, ' ') << axis(columns, to - from) << "\n";
    for (const Row& row : rows_) {
      std::vector<Bar> bars;
      for (const Task& task : row.tasks) add_bars(*task, now_, bars);
      out << pad_right(row.name, names) << "  " << draw_bars(bars, from, to, columns) << "  "
          << result_text(row, now_) << "\n";
    }
    print_legend();
    print_waits();
  }

 private:
  std::size_t width() const {
    const int columns = session_.environment().width ? session_.environment().width() : 0;
    return static_cast<std::size_t>(columns < kWidthMin ? kWidthDefault : columns);
  }

  // "0s ─ … 12.5s" over the chart.
  static std::string axis(std::size_t columns, Duration length) {
    const std::string end = seconds(length);
    std::string text = "0s";
    if (columns > text.size() + end.size() + 1)
      text.append(columns - text.size() - end.size(), ' ');
    return text + end;
  }

  void print_legend() {
    std::set<std::string> legends;
    for (const Row& row : rows_) {
      std::string text;
      const auto& steps = row.tasks.back()->spec.steps;
      for (std::size_t i = 0; i < steps.size(); ++i) {
        text +=
            (text.empty() ? "" : "  ") + (std::string(1, step_mark(i)) + " " + steps[i].step.name);
      }
      legends.insert(text);
    }
    session_.out() << "\n";
    for (const std::string& text : legends) session_.out() << "Steps:  " << text << "\n";
    session_.out() << "Waits:  " << kMarkLock << " lock  " << kMarkBudget << " budget  "
                   << kMarkOther << " other\n";
  }

  std::string holder_text(const std::string& task) const {
    auto found = facts_.tasks.find(task);
    return found == facts_.tasks.end() ? task : pair_text(found->second->spec);
  }

  // Who waited for whom: one line per pair, cause and holder; then the sum per cause.
  void print_waits() {
    struct Sum {
      Duration time{};
      std::set<std::string> pairs;
    };
    std::map<std::string, Sum> causes;
    std::vector<std::string> lines;
    for (const Row& row : rows_) {
      std::map<std::string, Duration> mine;
      for (const Task& task : row.tasks) {
        for (const api::StepWait& wait : waits_of(*task)) {
          const std::string cause = wait.kind + " " + wait.name;
          const Duration took = std::max(wait.until - wait.from, Duration::zero());
          causes[cause].time += took;
          causes[cause].pairs.insert(row.name);
          mine[cause + (wait.holder.empty() ? "" : ", held by " + holder_text(wait.holder))] +=
              took;
        }
      }
      for (const auto& [cause, took] : mine) {
        lines.push_back("  " + row.name + " waited " + seconds(took) + " for " + cause);
      }
    }
    if (causes.empty()) {
      session_.out() << "\nNobody waited for anybody.\n";
      return;
    }
    session_.out() << "\nWho waited for whom:\n";
    const std::size_t shown = std::min(lines.size(), kWaitLinesMax);
    for (std::size_t i = 0; i < shown; ++i) session_.out() << lines[i] << "\n";
    if (shown < lines.size()) session_.out() << "  and " << lines.size() - shown << " more\n";
    for (const auto& [cause, sum] : causes) {
      session_.out() << "  in all " << seconds(sum.time) << " for " << cause << " ("
                     << sum.pairs.size() << (sum.pairs.size() == 1 ? " pair)" : " pairs)") << "\n";
    }
  }

  Session& session_;
  const Facts& facts_;
  std::vector<Row> rows_;
  TimePoint now_;
};

}  // namespace

Result<int> timeline(Session& session, const TimelineOptions& options) {
  auto facts = fetch_facts(session, session.ns());
  if (!facts) return fail(facts.error());
  const api::TenantDeployment* deployment = nullptr;
  if (!options.deployment.empty()) {
    const std::string name = options.deployment.substr(options.deployment.find('/') + 1);
    auto found = (*facts)->deployments.find(name);
    if (found == (*facts)->deployments.end()) {
      return fail(Reason::NotFound, "tenantdeployments.tidelock.dev \"" + name + "\" not found");
    }
    deployment = found->second.get();
  }
  std::vector<Row> rows = find_rows(**facts, deployment);
  if (rows.empty()) {
    session.err() << "No tasks found in " << session.ns() << " namespace.\n";
    return 0;
  }
  Timeline(session, **facts, std::move(rows)).print();
  return 0;
}

}  // namespace tidelock::cli
