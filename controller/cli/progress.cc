// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/progress.h"

#include <algorithm>
#include <ostream>

#include "controller/cli/facts.h"
#include "controller/cli/text_table.h"

namespace tidelock::cli {
namespace {

constexpr std::size_t kPairLinesMax = 20;
constexpr int kBarColumns = 20;
constexpr int kPairBarColumns = 10;
constexpr int kWidthMin = 20;
constexpr int kWidthDefault = 100;

std::string bar(int done, int all, int columns) {
  const int filled = all <= 0 ? 0 : columns * std::min(done, all) / all;
  std::string text;
  for (int i = 0; i < columns; ++i) text += i < filled ? "█" : "░";
  return text;
}

int finished_steps(const api::DeploymentTask& task) {
  return static_cast<int>(std::count_if(
      task.status.steps.begin(), task.status.steps.end(), [](const api::StepStatus& step) {
        return step.phase == api::StepPhase::Succeeded || step.phase == api::StepPhase::Skipped;
      }));
}

// By the grant: the agent reports a step only when it ends.
std::string running_step(const api::DeploymentTask& task) {
  const auto& grant = task.status.grant;
  if (!grant || grant->step_count == 0) return {};
  const auto index = static_cast<std::size_t>(grant->step);
  return index < task.spec.steps.size() ? task.spec.steps[index].step.name : std::string{};
}

std::string counts(const api::TenantDeploymentStatus& status) {
  return std::to_string(status.ready) + " of " + std::to_string(status.desired) +
         " pairs are ready, " + std::to_string(status.updating) + " updating, " +
         std::to_string(status.waiting) + " waiting, " + std::to_string(status.failed) + " failed";
}

// Those that move first, then those that wait, then failures; what is ready needs no line.
std::vector<PairProgress> interesting(std::vector<PairProgress> pairs) {
  using State = PairProgress::State;
  std::erase_if(pairs, [](const PairProgress& pair) { return pair.state == State::Ready; });
  const auto rank = [](const PairProgress& pair) {
    return pair.state == State::Failed ? 0 : pair.state == State::Running ? 1 : 2;
  };
  std::stable_sort(pairs.begin(), pairs.end(),
                   [&](const PairProgress& a, const PairProgress& b) { return rank(a) < rank(b); });
  return pairs;
}

}  // namespace

PairProgress pair_progress(const api::Installation& installation, const api::DeploymentTask* task) {
  using State = PairProgress::State;
  PairProgress pair;
  pair.name = pair_text(installation.spec);
  const api::Condition* ready = api::find_condition(installation.status.conditions, "Ready");
  const api::Condition* stalled = api::find_condition(installation.status.conditions, "Stalled");
  if (ready != nullptr && ready->status) {
    pair.state = State::Ready;
    return pair;
  }
  const bool active = task != nullptr && !api::is_terminal(task->status.phase);
  if (task != nullptr) {
    pair.steps = static_cast<int>(task->spec.steps.size());
    pair.steps_done = finished_steps(*task);
  }
  if (!installation.status.blocked_by.empty()) {
    pair.text = installation.status.blocked_by.front().message;
  } else if (active && task->status.phase == api::TaskPhase::Running) {
    pair.state = State::Running;
    pair.text = running_step(*task);
  } else if (stalled != nullptr && stalled->status) {
    pair.state = State::Failed;
    pair.text = stalled->message;
  }
  return pair;
}

std::string wave_text(const api::WaveStatus& wave) {
  std::string text = wave.name + ": " + std::string(api::to_string(wave.phase)) + ", " +
                     std::to_string(wave.succeeded) + " of " + std::to_string(wave.members) +
                     " succeeded";
  const auto add = [&](int count, const char* what) {
    if (count > 0) text += ", " + std::to_string(count) + " " + what;
  };
  add(wave.failed, "failed");
  add(wave.unreachable, "unreachable");
  add(wave.running, "running");
  add(wave.waiting, "waiting");
  add(wave.held, "held");
  return text;
}

// Before it has begun there is nothing to say about a wave.
void Progress::plain_waves(const api::Rollout& rollout) {
  for (const api::WaveStatus& wave : rollout.status.waves) {
    if (wave.phase == api::WavePhase::Pending) continue;
    const std::string text = wave_text(wave);
    std::string& last = last_of_wave_[wave.name];
    if (text == last) continue;
    last = text;
    plain("Wave " + text);
  }
}

void Progress::show(const api::TenantDeployment& deployment, const api::Rollout* rollout,
                    const std::string& waits, const std::vector<PairProgress>& pairs) {
  pairs_ = pairs;
  const api::TenantDeploymentStatus& status = deployment.status;
  // One wave of everything says nothing that the deployment does not.
  const bool waves = rollout != nullptr && !rollout->spec.strategy.waves.empty();
  if (!live()) {
    if (waves) plain_waves(*rollout);
    if (!waves || rollout->status.waves.empty()) {
      plain("Waiting for rollout of \"" + deployment.metadata.name +
            "\" to finish: " + counts(status) + "...");
    }
    if (!waits.empty()) plain("Waiting: " + waits);
    return;
  }
  std::vector<std::string> lines{bar(status.ready, status.desired, kBarColumns) + "  " +
                                 deployment.metadata.name + ": " + counts(status)};
  if (waves) {
    for (const api::WaveStatus& wave : rollout->status.waves) {
      lines.push_back(bar(wave.succeeded, wave.members, kPairBarColumns) + "  wave " +
                      wave_text(wave));
    }
  }
  if (!waits.empty()) lines.push_back(waits);
  std::vector<PairProgress> shown = interesting(pairs);
  const std::size_t more = shown.size() > kPairLinesMax ? shown.size() - kPairLinesMax : 0;
  shown.resize(shown.size() - more);
  std::size_t width = 0;
  for (const PairProgress& pair : shown) width = std::max(width, text_width(pair.name));
  for (const PairProgress& pair : shown) {
    const bool failed = pair.state == PairProgress::State::Failed;
    lines.push_back(bar(pair.steps_done, pair.steps, kPairBarColumns) + "  " +
                    pad_right(pair.name, width) + "  " + std::to_string(pair.steps_done) + "/" +
                    std::to_string(pair.steps) + "  " + (failed ? "failed: " : "") + pair.text);
  }
  if (more > 0) lines.push_back("and " + std::to_string(more) + " more");
  draw(std::move(lines));
}

void Progress::plain(const std::string& line) {
  if (live() || line == last_line_) return;
  last_line_ = line;
  *environment_.out << line << "\n";
  environment_.out->flush();
}

void Progress::draw(std::vector<std::string> lines) {
  int width = environment_.width ? environment_.width() : 0;
  if (width < kWidthMin) width = kWidthDefault;
  for (std::string& line : lines) line = clip(line, static_cast<std::size_t>(width) - 1);
  if (lines == drawn_) return;
  std::ostream& out = *environment_.out;
  if (!drawn_.empty()) out << "\x1b[" << drawn_.size() << "A";
  for (const std::string& line : lines) out << "\r" << line << "\x1b[K\n";
  out << "\x1b[J";
  out.flush();
  drawn_ = std::move(lines);
}

void Progress::finish() { drawn_.clear(); }

void Progress::show_failures(std::ostream& out) const {
  for (const PairProgress& pair : pairs_) {
    if (pair.state == PairProgress::State::Failed)
      out << "  " << pair.name << ": " << pair.text << "\n";
  }
}

}  // namespace tidelock::cli
