// SPDX-License-Identifier: Apache-2.0
// What a run begins with after a restart of the agent: the status in the API, and where the journal
// knows more, the journal.
#include <algorithm>

#include "controller/agent/task_run.h"

#include "controller/base/plant.h"

namespace tidelock::agent {
namespace {

// In which any of them ran: those of a group ran together. They are in the order of their starts.
Duration time_of_all(const std::vector<api::StepStatus>& steps) {
  Duration all{0};
  TimePoint counted_until;
  for (const api::StepStatus& step : steps) {
    if (!step.started_at || !step.finished_at || *step.finished_at <= counted_until) continue;
    all += *step.finished_at - std::max(*step.started_at, counted_until);
    counted_until = *step.finished_at;
  }
  return all;
}

}  // namespace

void TaskRun::recover(const TaskRecord* record) {
  const std::vector<api::StepStatus>& known = task_->status.steps;
  for (std::size_t i = 0; i < spec().steps.size(); ++i) {
    const std::string& name = spec().steps[i].step.name;
    const bool same = i < known.size() && known[i].name == name;
    steps_.push_back(same ? known[i] : api::StepStatus{});
    steps_.back().name = name;
  }
  executed_ = time_of_all(steps_);
  started_at_ = task_->status.started_at;
  orphaned_ = task_->status.phase == api::TaskPhase::Orphaned;
  if (record != nullptr && !TIDELOCK_PLANT(IgnoreJournal)) {
    fence_ = api::fence_from_integer(record->fence);
    folder_ = record->release_folder;
    if (task_->status.grant) hold_locks(*task_->status.grant);
    for (const auto& [index, step] : record->steps) recover_step(index, step);
  }
  for (api::StepStatus& step : steps_) {
    const bool in_flight = std::any_of(runs_.begin(), runs_.end(), [&](const StepRun& run) {
      return run.status().name == step.name;
    });
    if (step.phase != api::StepPhase::Running || in_flight) continue;
    step.phase = api::StepPhase::Interrupted;
    step.message = "the journal of the agent that ran it is lost";
    stage_ = Stage::Running;
  }
  // Everything was done but the end.
  if (!steps_.empty() && first_pending() < 0) stage_ = Stage::Running;
  // Between two steps nobody holds a step lock, whatever the last grant says.
  if (stage_ == Stage::Idle) free_step_locks();
}

void TaskRun::recover_step(int index, const StepRecord& record) {
  if (index < 0 || index >= static_cast<int>(steps_.size())) return;
  api::StepStatus& step = steps_[static_cast<std::size_t>(index)];
  const bool reported = step.attempt > record.attempt ||
                        (step.attempt == record.attempt && step.phase != api::StepPhase::Running);
  if (reported) return;
  stage_ = Stage::Running;
  if (!started_at_) started_at_ = record.started_at;
  if (record.result) {
    step = *record.result;
    step.name = spec().steps[static_cast<std::size_t>(index)].step.name;
    return;
  }
  step.phase = api::StepPhase::Running;
  step.attempt = record.attempt;
  step.started_at = record.started_at;
  step.finished_at.reset();
  step.retry_at.reset();
  const bool first = runs_.empty();
  group_started_ = first ? record.started_at : std::min(group_started_, record.started_at);
  runs_.push_back(StepRun::adopted(context_, *task_, index, step, record));
}

}  // namespace tidelock::agent
