// SPDX-License-Identifier: Apache-2.0
// One rollout from wave to wave (semantics.md §4, §5): what its status is to be, and which waves may
// start pairs now. Pure. A wave is open only when the status that the API holds says so: then its
// numbers are fixed for good, whoever plans next.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/kinds.h"

namespace tidelock::planner {

// Where a pair stands in its rollout.
enum class Progress {
  Settled,      // was there before the rollout began
  Waiting,      // has not started, or waits for another attempt
  Updating,     // its task has started
  Verifying,    // installed; not yet healthy for long enough
  Succeeded,
  Failed,       // after all retries, or unhealthy, or over its time
  Unreachable,  // left out: its target has been away for too long
  Held,         // kept off the release by a ReleaseHold
  Refused,      // no task can be made: something it names is missing or wrong; nothing was tried
};
inline constexpr std::size_t kProgressCount = 9;

struct WaveCounts {
  std::array<int, kProgressCount> by{};
  TimePoint last_success;  // of those that are Succeeded now
  int of(Progress progress) const { return by[static_cast<std::size_t>(progress)]; }
  int members() const;
  bool operator==(const WaveCounts&) const = default;
};

// Starts of the last period, for pacing.
inline constexpr Duration kPacingPeriod = std::chrono::minutes(1);
struct RecentStarts {
  int count = 0;
  TimePoint oldest;
};

struct RolloutInput {
  const api::Rollout& rollout;
  const std::vector<api::WaveSpec>& waves;  // waves_of() its strategy
  const std::vector<WaveCounts>& counts;    // by wave; of as many at least
  std::string unmatched;  // the first pair that no wave takes; empty = none
  std::string pause;      // "Environment production": who keeps all of it from starting; empty = nobody
  std::string plan_hash;  // of now
  std::vector<const api::Approval*> approvals;  // that name this rollout
  RecentStarts starts;
  bool held = false;      // a ReleaseHold for its release exists
  int held_moving = 0;    // held pairs that are not yet where the hold wants them
  bool windowed = false;  // what waits, waits for a DeploymentWindow
};

struct WaveOpening {
  bool open = false;
  std::optional<api::BlockedBy> blocked;  // why it is not open; absent = that is not known yet
  // Most started and unfinished tasks of the wave, and what sets it: InFlight, Wave (its ramp), Pacing.
  std::optional<int> window;
  std::string window_kind = "InFlight";
  std::optional<TimePoint> joined_until;  // pairs that came later go with the next rollout
  std::optional<int> slots;  // most tasks that run a step; absent = the window alone counts
};

struct RolloutOutcome {
  api::RolloutStatus status;
  std::vector<WaveOpening> waves;
  // The release is to be held off: of these waves, empty = of all.
  std::optional<std::vector<std::string>> hold;
  bool reset = false;   // words of an earlier run stand in its spec; nothing goes on before they are gone
  std::string stalled;  // a reason when it will not go on by itself; empty = it does
  TimePoint next = kNever;
};
RolloutOutcome advance_rollout(const RolloutInput& input, TimePoint now);

// Condition of a rollout's status; False: another release was wished for since. What was decided then does
// not count when its release is wished for again.
inline constexpr const char* kCurrent = "Current";

// Whether a rollout's phase is one that it ends in.
bool is_over(const std::string& phase);

// The strategy's waves with all limits filled in; one of everything where it has none.
std::vector<api::WaveSpec> waves_of(const api::RolloutStrategy& strategy);

struct WavePlace {
  int wave = -1;           // -1 = none takes it
  bool ambiguous = false;  // another one would, too
};
using Labels = std::map<std::string, std::string>;
WavePlace wave_place(const std::vector<api::WaveSpec>& waves, const Labels& tenant, const Labels& target);

}  // namespace tidelock::planner
