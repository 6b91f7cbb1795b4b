// SPDX-License-Identifier: Apache-2.0
// The progress of a rollout: bars in place on a terminal, a line per change otherwise.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/cli/tidectl.h"

namespace tidelock::cli {

struct PairProgress {
  std::string name;  // "tenant-05 on web-01"
  enum class State { Ready, Running, Waiting, Failed } state = State::Waiting;
  int steps_done = 0;
  int steps = 0;
  std::string text;  // the step that runs, what it waits for, why it failed
};
// "canary: Running, 1 of 3 succeeded, 1 failed, 1 running"
std::string wave_text(const api::WaveStatus& wave);
PairProgress pair_progress(const api::Installation& installation, const api::DeploymentTask* task);

class Progress {
 public:
  explicit Progress(Environment& environment) : environment_(environment) {}
  bool live() const { return environment_.terminal; }
  // `rollout` (null: there is none yet) adds a line for each wave that has begun; `waits`, if not
  // empty, is what all of it waits for.
  void show(const api::TenantDeployment& deployment, const api::Rollout* rollout,
            const std::string& waits, const std::vector<PairProgress>& pairs);
  // A line that is printed once, while it is the newest; without effect on a terminal.
  void plain(const std::string& line);
  // Leaves what is on the terminal and starts below it.
  void finish();
  // A line for each failed pair of the last show().
  void show_failures(std::ostream& out) const;

 private:
  void draw(std::vector<std::string> lines);
  void plain_waves(const api::Rollout& rollout);

  Environment& environment_;
  std::string last_line_;
  std::map<std::string, std::string> last_of_wave_;
  std::vector<std::string> drawn_;
  std::vector<PairProgress> pairs_;
};

}  // namespace tidelock::cli
