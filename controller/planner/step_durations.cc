// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/step_durations.h"

#include <algorithm>
#include <bit>

namespace tidelock::planner {
namespace {

constexpr int kSignificantBits = 4;

// So that medians settle: every change of one orders the waiting tasks of its project anew.
Duration rounded(Duration duration) {
  const auto ticks = static_cast<std::uint64_t>(std::max<Duration::rep>(duration.count(), 1));
  const int low = std::max(0, static_cast<int>(std::bit_width(ticks)) - kSignificantBits);
  const std::uint64_t half = low == 0 ? 0 : std::uint64_t{1} << (low - 1);
  return Duration(static_cast<Duration::rep>((ticks + half) >> low << low));
}

Duration median_of(const std::map<Duration, int>& counts, int total) {
  int before = 0;
  for (const auto& [duration, count] : counts) {
    before += count;
    if (2 * before >= total) return duration;
  }
  return {};
}

}  // namespace

bool orders_by_work(const api::RolloutStrategy& strategy) {
  const auto& by = strategy.order.by;
  return std::find(by.begin(), by.end(), kRemainingWork) != by.end();
}

void StepDurations::count(const api::DeploymentTask& task, int by) {
  if (!api::is_terminal(task.status.phase)) return;
  for (const auto& step : task.status.steps) {
    if (step.phase != api::StepPhase::Succeeded || !step.started_at || !step.finished_at) continue;
    Samples& samples = samples_[task.spec.project][step.name];
    const auto place = samples.counts.emplace(rounded(*step.finished_at - *step.started_at), 0).first;
    place->second += by;
    if (place->second == 0) samples.counts.erase(place);
    samples.total += by;
    const Duration median = median_of(samples.counts, samples.total);
    if (median != samples.median) changed_.insert(task.spec.project);
    samples.median = median;
  }
}

Duration StepDurations::median(const std::string& project, const std::string& step) const {
  const auto steps = samples_.find(project);
  if (steps == samples_.end()) return {};
  const auto samples = steps->second.find(step);
  return samples == steps->second.end() ? Duration{} : samples->second.median;
}

std::set<std::string> StepDurations::take_changed() { return std::exchange(changed_, {}); }

double StepDurations::work(const api::DeploymentTask& task, const StepGroup& next) const {
  const auto& steps = task.spec.steps;
  Duration first{}, remaining{}, group{};
  int groups = 0;
  for (std::size_t i = static_cast<std::size_t>(next.step); i < steps.size(); ++i) {
    const auto& step = steps[i].step;
    const bool joins = groups > 0 && step.start == api::StepStart::WithPrevious;
    if (!joins) {
      remaining += group;
      group = {};
      ++groups;
    }
    group = std::max(group, median(task.spec.project, step.name));
    if (groups == 1) first = group;
  }
  remaining += group;
  if (remaining == Duration{}) return 0;
  const double left = static_cast<double>(remaining.count());
  const double mean = left / groups;
  return (static_cast<double>(first.count()) + mean / 2) / left / left;
}

}  // namespace tidelock::planner
