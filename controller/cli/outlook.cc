// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/outlook.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "controller/base/limits.h"
#include "controller/cli/gate_list.h"
#include "controller/planner/plan_hash.h"

namespace tidelock::cli {
namespace {

using planner::PlanRow;

constexpr Duration kHorizon = std::chrono::hours(24 * 30);

// Mean times of steps that have run.
class StepTimes {
 public:
  explicit StepTimes(const Facts& facts) {
    for (const auto& [name, task] : facts.tasks) {
      // Only there does a skipped step mean that there was nothing to do.
      if (task->status.phase != api::TaskPhase::Succeeded) continue;
      for (const api::StepStatus& step : task->status.steps) add(task->spec, step);
    }
  }

  std::optional<Duration> of(const api::DeploymentTask& task, std::size_t index) const {
    const api::Step& step = task.spec.steps[index].step;
    if (step.when == "Failure") return Duration{};
    auto here = here_.find({task.spec.project, task.spec.target, step.name});
    if (here != here_.end()) return here->second.value();
    auto anywhere = anywhere_.find({task.spec.project, step.name});
    if (anywhere != anywhere_.end()) return anywhere->second.value();
    return std::nullopt;
  }

 private:
  struct Mean {
    Duration sum{};
    int count = 0;
    Duration value() const { return sum / count; }
  };

  void add(const api::DeploymentTaskSpec& task, const api::StepStatus& step) {
    Duration time{};
    if (step.phase == api::StepPhase::Succeeded) {
      if (!step.started_at || !step.finished_at || *step.finished_at < *step.started_at) return;
      time = *step.finished_at - *step.started_at;
    } else if (step.phase != api::StepPhase::Skipped) {
      return;
    }
    for (Mean* mean :
         {&here_[{task.project, task.target, step.name}], &anywhere_[{task.project, step.name}]}) {
      mean->sum += time;
      ++mean->count;
    }
  }

  std::map<std::tuple<std::string, std::string, std::string>, Mean> here_;
  std::map<std::tuple<std::string, std::string>, Mean> anywhere_;
};

// As many people as the gate asks for approve it, for the plan as it is then.
void approve(planner::Rehearsal& rehearsal, const api::Rollout& rollout, const Gate& gate) {
  for (int person = 1; person <= gate.spec.required; ++person) {
    api::Approval word;
    word.metadata.name = "forecast-" + rollout.metadata.name + "-" + gate.spec.approval + "-" +
                         std::to_string(person);
    word.metadata.ns = rollout.metadata.ns;
    word.spec.rollout_ref.name = rollout.metadata.name;
    word.spec.gate = gate.spec.approval;
    word.spec.plan_hash = rollout.status.plan_hash;
    word.spec.approver = "forecast-" + std::to_string(person);
    rehearsal.add(std::move(word));
  }
}

// The gate at which a rollout stands, opened; false when none does.
bool open_next_gate(planner::Rehearsal& rehearsal, std::vector<std::string>& opened) {
  std::vector<api::Approval> approvals;
  for (const auto& [name, approval] : rehearsal.facts().approvals) approvals.push_back(*approval);
  for (const auto& [name, rollout] : rehearsal.facts().rollouts) {
    if (rollout->status.phase != "Progressing" || !rollout->status.reason.starts_with("Approval")) {
      continue;
    }
    for (const Gate& gate : gates_of(*rollout, approvals, rehearsal.now())) {
      // What somebody has rejected is not for us to assume.
      if (gate.state.open || !gate.state.rejected_by.empty()) continue;
      opened.push_back(gate.spec.approval);
      approve(rehearsal, *rollout, gate);
      return true;
    }
  }
  return false;
}

void count_in(Forecast::Wave& wave, const planner::Rehearsal::Times& times) {
  ++wave.pairs;
  if (times.started) wave.start = std::min(wave.start.value_or(kNever), *times.started);
  if (!times.finished) return;
  ++wave.done;
  wave.finish = std::max(wave.finish.value_or(TimePoint{}), *times.finished);
}

std::string first_wait(planner::Rehearsal& rehearsal, const std::string& installation) {
  for (const api::BlockedBy& record : rehearsal.planner().why(installation, rehearsal.now())) {
    return record.kind + " " + record.name;
  }
  return {};
}

}  // namespace

Result<Outlook> look_ahead(const Facts& facts, TimePoint now) {
  Outlook outlook;
  outlook.rehearsal = std::make_unique<planner::Rehearsal>(facts, now);
  // Pairs whose object goes at once are seen only before.
  std::map<std::string, PlanRow> going;
  for (PlanRow& row : outlook.rehearsal->planner().rows(now)) {
    if (is_change(row)) going.emplace(row.installation, std::move(row));
  }
  if (!outlook.rehearsal->settle()) {
    return fail(Reason::InternalError, "the plan does not come to rest");
  }
  outlook.rows = outlook.rehearsal->planner().rows(now);
  outlook.strategies = outlook.rehearsal->planner().strategies(now);
  for (const PlanRow& row : outlook.rows) going.erase(row.installation);
  for (auto& [name, row] : going) outlook.rows.push_back(std::move(row));
  return outlook;
}

std::string hash_of(const Outlook& outlook, const std::vector<PlanRow>& rows) {
  return planner::plan_hash(rows, outlook.strategies);
}

Forecast forecast(Outlook& outlook, const Facts& facts, const std::vector<PlanRow>& rows) {
  Forecast found;
  const auto changes = std::count_if(rows.begin(), rows.end(), is_change);
  if (changes > kForecastPairsMax) {
    found.unknown = std::to_string(changes) + " pairs change, and at most " +
                    std::to_string(kForecastPairsMax) + " are looked at";
    return found;
  }
  planner::Rehearsal& rehearsal = *outlook.rehearsal;
  const StepTimes known(facts);
  const TimePoint begin = rehearsal.now();
  const auto step_time = [&](const api::DeploymentTask& task, std::size_t step) {
    return known.of(task, step);
  };
  const auto play = [&] {
    return rehearsal.run(step_time, begin + kHorizon, limits::kForecastEventsMax);
  };
  bool ended = play();
  while (ended && rehearsal.unknown().empty() && open_next_gate(rehearsal, found.gates)) {
    ended = play();
  }
  if (!rehearsal.unknown().empty()) {
    found.unknown = "nobody knows yet how long " + rehearsal.unknown() + " takes";
  } else if (!ended) {
    found.unknown = "it would take too long to find out";
  }
  std::map<std::string, Forecast::Wave> waves;
  for (const PlanRow& row : rows) {
    if (!is_change(row)) continue;
    const auto times = rehearsal.times().find(row.installation);
    const auto pair =
        times == rehearsal.times().end() ? planner::Rehearsal::Times{} : times->second;
    count_in(found.all, pair);
    Forecast::Wave& wave = waves[row.wave];
    wave.name = row.wave;
    count_in(wave, pair);
    if (!pair.finished && found.waits_for.empty()) {
      found.waits_for = first_wait(rehearsal, row.installation);
    }
  }
  for (auto& [name, wave] : waves) found.waves.push_back(std::move(wave));
  if (found.waves.size() < 2) found.waves.clear();
  std::stable_sort(found.waves.begin(), found.waves.end(), [](const auto& a, const auto& b) {
    return a.start.value_or(kNever) < b.start.value_or(kNever);
  });
  return found;
}

}  // namespace tidelock::cli
