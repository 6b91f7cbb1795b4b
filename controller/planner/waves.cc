// SPDX-License-Identifier: Apache-2.0
#include "controller/planner/waves.h"

#include <algorithm>
#include <limits>

#include "controller/api/codec.h"
#include "controller/api/int_or_percent.h"
#include "controller/api/selector.h"
#include "controller/planner/gates.h"

namespace tidelock::planner {
namespace {

using api::BlockedBy;
using api::OnFailure;
using api::RolloutStatus;
using api::WavePhase;
using api::WaveSpec;
using api::WaveStatus;

template <class T>
std::optional<T> either(const std::optional<T>& own, const std::optional<T>& general) {
  return own ? own : general;
}

// One rollout while it is looked at.
class Run {
 public:
  Run(const RolloutInput& in, TimePoint now)
      : in_(in),
        now_(now),
        strategy_(in.rollout.spec.strategy),
        waves_(in.waves),
        known_(in.rollout.status),
        opened_(waves_.size()) {}

  RolloutOutcome go() {
    begin();
    if (out_.reset) return std::move(out_);
    for (std::size_t i = 0; i < waves_.size(); ++i) count(i);
    if (in_.rollout.spec.cancel) {
      cancel();
    } else if (in_.held) {
      roll_back();
    } else if (stopped()) {
      over_ = true;
      out_.stalled = known_.reason;
    } else {
      advance();
    }
    open_waves();
    track_progress();
    finish();
    return std::move(out_);
  }

 private:
  RolloutStatus& status() { return out_.status; }
  WaveStatus& wave(std::size_t i) { return out_.status.waves[i]; }
  const WaveCounts& counts(std::size_t i) const { return in_.counts[i]; }
  const std::string& name() const { return in_.rollout.metadata.name; }

  // A rollout that was left and is wished for again starts anew; what people said of it before does not count.
  void begin() {
    status() = known_;
    out_.waves.resize(waves_.size());
    const bool anew = known_.phase == "Superseded" || api::find_condition(known_.conditions, kCurrent) != nullptr ||
                      (!in_.held && rolled_back_before() && known_.phase.starts_with("Roll"));
    const auto& spec = in_.rollout.spec;
    out_.reset = anew && (spec.cancel || !spec.accepted_failures.empty());
    if (out_.reset) return;
    bool fits = known_.waves.size() == waves_.size();
    for (std::size_t i = 0; fits && i < waves_.size(); ++i) fits = known_.waves[i].name == waves_[i].name;
    if (anew || !fits) {
      fresh_ = true;
      auto conditions = std::move(status().conditions);
      std::erase_if(conditions, [](const auto& condition) { return condition.type == kCurrent; });
      status() = {};
      status().conditions = std::move(conditions);
      for (const auto& one : waves_) status().waves.emplace_back().name = one.name;
    }
    status().observed_generation = in_.rollout.metadata.generation;
    if (!status().started_at) status().started_at = now_;
    if (!status().progress_at) status().progress_at = now_;
    status().plan_hash = in_.plan_hash;
  }

  void count(std::size_t i) {
    const WaveCounts& c = counts(i);
    WaveStatus& w = wave(i);
    w.members = c.members();
    w.succeeded = c.of(Progress::Succeeded) + c.of(Progress::Settled);
    // What has failed a wave stays counted there, also when it gets well again.
    const int failed = c.of(Progress::Failed) + c.of(Progress::Refused);
    w.failed = w.phase == WavePhase::Failed ? std::max(w.failed, failed) : failed;
    w.unreachable = c.of(Progress::Unreachable);
    w.running = c.of(Progress::Updating) + c.of(Progress::Verifying);
    w.waiting = c.of(Progress::Waiting);
    w.held = c.of(Progress::Held);
  }

  bool any_running() const {
    return std::any_of(in_.counts.begin(), in_.counts.end(),
                       [](const auto& c) { return c.of(Progress::Updating) > 0; });
  }

  void cancel() {
    over_ = true;
    set(any_running() ? "Progressing" : "Cancelled", "Cancelled");
  }

  void roll_back() {
    over_ = true;
    const bool moving = in_.held_moving > 0;
    set(moving ? "RollingBack" : "RolledBack", "ReleaseHeld");
    out_.stalled = moving ? "" : "ReleaseHeld";
    api::set_condition(status().conditions, {"RolledBack", !moving, moving, "ReleaseHeld",
                                             "each pair goes back to its own previous good release", now_,
                                             in_.rollout.metadata.generation});
  }
  bool rolled_back_before() const {
    return api::find_condition(known_.conditions, "RolledBack") != nullptr;
  }

  bool stopped() const {
    return !fresh_ && known_.phase == "Failed" && known_.reason == "FailureBudgetExceeded";
  }

  void set(const std::string& phase, const std::string& reason) {
    status().phase = phase;
    status().reason = reason;
  }

  // ---- forward -------------------------------------------------------------------------------

  void advance() {
    set("Progressing", "");
    bool barrier = true;  // everything before is done
    for (std::size_t i = 0; i < waves_.size(); ++i) {
      advance_wave(i, barrier);
      const WavePhase phase = wave(i).phase;
      const bool done = phase == WavePhase::Succeeded || phase == WavePhase::Skipped;
      if (!done && barrier) first_open_ = i;
      barrier = barrier && done;
    }
    if (broken_) return fail_wave(*broken_, reason_);
    if (barrier) succeed();
    // A pause keeps from starting; where all is done there is nothing that it keeps.
    if (!in_.pause.empty() && !is_over(status().phase)) return set("Paused", "Paused");
    if (barrier) return;
    if (known_.phase == "Paused" && known_.reason == "FailureBudgetExceeded" && !fresh_ &&
        in_.rollout.spec.accepted_failures.empty()) {
      // Health that comes back is no reason to go on: a person says so.
      return halt("FailureBudgetExceeded");
    }
    if (!gate_reason_.empty()) status().reason = gate_reason_;
    if (refused_) {
      set("Failed", "PairsRefused");
      out_.stalled = "PairsFailed";
    }
  }

  void succeed() {
    const bool any = std::any_of(status().waves.begin(), status().waves.end(),
                                 [](const auto& w) { return w.phase == WavePhase::Succeeded; });
    if (!any) return;
    bool failed = false;
    bool beyond = false;
    bool moving = false;
    for (std::size_t i = 0; i < waves_.size(); ++i) {
      // Without a failure budget nobody has said that a failure is fine.
      failed = failed || (!limit_of_failures(i) && wave(i).failed > 0);
      // A wave passes within its budget, unless nothing stops it; what falls ill later is no failure of it.
      beyond = beyond || (strategy_.on_failure == OnFailure::Continue && over_budget(i));
      moving = moving || wave(i).running + wave(i).waiting > 0;
    }
    // What happens to its pairs afterwards is not the rollout's any more.
    if (known_.phase == "Succeeded" && !fresh_) return set("Succeeded", "");
    const bool was_over = known_.phase == "Failed";
    if (moving && !was_over) return;
    if (beyond) {
      set("Failed", "FailureBudgetExceeded");
    } else if (failed) {
      set("Failed", "PairsFailed");
    } else {
      set("Succeeded", "");
    }
  }

  std::optional<int> limit_of_failures(std::size_t i) {
    return wave(i).resolved ? wave(i).resolved->max_failures : std::nullopt;
  }

  void advance_wave(std::size_t i, bool barrier) {
    WaveStatus& w = wave(i);
    const WaveCounts& c = counts(i);
    const bool idle = c.of(Progress::Settled) == c.members();
    if (w.phase == WavePhase::Skipped && !idle) w.phase = WavePhase::Pending;
    // Reopened when there is something to do again: a target is back, what was missing is there.
    const bool tried = c.of(Progress::Failed) > 0;
    if (w.phase == WavePhase::Failed && !tried && (w.failed == 0 || unfinished(c) > 0)) {
      w.phase = WavePhase::Running;
      w.failed = c.of(Progress::Refused);
    }
    switch (w.phase) {
      case WavePhase::Pending:
        if (barrier) start_wave(i, idle);
        break;
      case WavePhase::Running:
      case WavePhase::Soaking:
      case WavePhase::Gated:
        check_wave(i);
        break;
      case WavePhase::Failed:
        note_broken(i, "NoSuccessInWave");
        break;
      case WavePhase::Succeeded:
      case WavePhase::Skipped:
        break;
    }
  }

  void start_wave(std::size_t i, bool idle) {
    WaveStatus& w = wave(i);
    if (idle) {
      w.phase = w.members == 0 ? WavePhase::Skipped : WavePhase::Succeeded;
      w.resolved = resolve(i);
      w.started_at = w.finished_at = now_;
      return;
    }
    if (!in_.unmatched.empty() && i == 0) return;
    if (!in_.pause.empty() || !gates_open(waves_[i].before, i)) return;
    w.phase = WavePhase::Running;
    w.resolved = resolve(i);
    w.started_at = now_;
    w.finished_at.reset();
  }

  api::WaveResolved resolve(std::size_t i) const {
    const WaveSpec& spec = waves_[i];
    const int planned = counts(i).members() - counts(i).of(Progress::Settled);
    api::WaveResolved resolved;
    resolved.members = planned;
    if (spec.concurrency) resolved.concurrency = api::resolve_floor(*spec.concurrency, planned, 1);
    if (spec.max_failures) resolved.max_failures = api::resolve_floor(*spec.max_failures, planned, 0);
    if (strategy_.unreachable.max)
      resolved.max_unreachable = api::resolve_floor(*strategy_.unreachable.max, planned, 0);
    if (spec.min_succeeded) resolved.min_succeeded = api::resolve_ceil(*spec.min_succeeded, planned, 1);
    for (const auto& step : spec.steps) resolved.steps.push_back(api::resolve_floor(step, planned, 1));
    return resolved;
  }

  // Those who were accepted by a person do not count; unreachable ones beyond their own limit do.
  bool over_budget(std::size_t i) {
    const WaveCounts& c = counts(i);
    const auto& resolved = wave(i).resolved;
    const int failed = c.of(Progress::Failed);
    int beyond = 0;
    if (resolved && resolved->max_unreachable)
      beyond = std::max(0, c.of(Progress::Unreachable) - *resolved->max_unreachable);
    const auto accepted = in_.rollout.spec.accepted_failures.find(waves_[i].name);
    const int counted =
        failed + beyond - (accepted == in_.rollout.spec.accepted_failures.end() ? 0 : accepted->second);
    const auto limit = limit_of_failures(i);
    return counted > (limit ? *limit : failed);
  }

  void check_wave(std::size_t i) {
    WaveStatus& w = wave(i);
    const WaveCounts& c = counts(i);
    if (over_budget(i)) note_broken(i, "FailureBudgetExceeded");
    if (unfinished(c) > 0) {
      w.phase = WavePhase::Running;
      return;
    }
    if (c.of(Progress::Refused) > 0) {
      // Nothing was tried there, so nothing has failed: it goes on when that is mended.
      w.phase = WavePhase::Running;
      refused_ = true;
      return;
    }
    const int present = c.members() - c.of(Progress::Settled);
    if (present == 0) {
      w.phase = c.members() == 0 ? WavePhase::Skipped : WavePhase::Succeeded;
      w.finished_at = now_;
      return;
    }
    const int wanted = std::min(w.resolved ? w.resolved->min_succeeded : 1, present);
    if (c.of(Progress::Succeeded) < wanted) {
      // With failures it stays so; targets that were away may come back.
      w.phase = WavePhase::Failed;
      note_broken(i, "NoSuccessInWave");
      return;
    }
    if (broken_ && *broken_ == i) {
      w.phase = WavePhase::Running;
      return;
    }
    if (const auto& soak = waves_[i].soak; soak && now_ < c.last_success + *soak) {
      w.phase = WavePhase::Soaking;
      soaking_ = true;
      out_.next = std::min(out_.next, c.last_success + *soak);
      return;
    }
    if (!gates_open(waves_[i].after, i)) {
      w.phase = WavePhase::Gated;
      return;
    }
    w.phase = WavePhase::Succeeded;
    w.finished_at = now_;
  }

  static int unfinished(const WaveCounts& c) {
    return c.of(Progress::Waiting) + c.of(Progress::Updating) + c.of(Progress::Verifying);
  }

  void note_broken(std::size_t i, const std::string& reason) {
    if (broken_) return;
    if (reason == "FailureBudgetExceeded" && strategy_.on_failure == OnFailure::Continue) return;
    broken_ = i;
    reason_ = reason;
  }

  void fail_wave(std::size_t i, const std::string& reason) {
    const bool may_roll_back = !rolled_back_before();
    switch (strategy_.on_failure) {
      case OnFailure::RollbackWave:
        if (may_roll_back) return hold({waves_[i].name}, reason);
        break;
      case OnFailure::RollbackAll:
        if (may_roll_back) return hold({}, reason);
        break;
      case OnFailure::Stop:
        over_ = true;
        [[fallthrough]];
      case OnFailure::Continue:
        set("Failed", reason);
        out_.stalled = reason;
        return;
      case OnFailure::Pause:
        break;
    }
    // No word of a person can make a wave pass that has no success.
    if (reason == "NoSuccessInWave") {
      set("Failed", reason);
      out_.stalled = reason;
      return;
    }
    halt(reason);
  }

  void hold(std::vector<std::string> waves, const std::string& reason) {
    set("RollingBack", reason);
    over_ = true;
    out_.hold = std::move(waves);
  }

  void halt(const std::string& reason) {
    set("Paused", reason);
    out_.stalled = reason;
  }

  // ---- gates ---------------------------------------------------------------------------------

  bool gates_open(const std::vector<api::GateSpec>& gates, std::size_t i) {
    for (const auto& gate : gates) {
      const GateState state = gate_state(gate, in_.approvals, in_.plan_hash, now_);
      out_.next = std::min(out_.next, state.changes_at);
      if (state.open) continue;
      BlockedBy blocked;
      blocked.kind = "Approval";
      blocked.name = gate.approval;
      blocked.since = gate_since(i);
      blocked.message = "waits for Approval " + gate.approval + " of rollout " + name() + " (" +
                        std::to_string(state.given()) + " of " + std::to_string(gate.required) + " given)";
      gate_reason_ = "Approval";
      if (!state.rejected_by.empty()) {
        gate_reason_ = "ApprovalRejected";
        blocked.message += ", rejected by " + state.rejected_by;
      } else if (state.stale) {
        gate_reason_ = "ApprovalStale";
        blocked.message += "; what was approved before is not what would be done now (ApprovalStale)";
      }
      opened_[i] = std::move(blocked);
      return false;
    }
    return true;
  }

  TimePoint gate_since(std::size_t i) const {
    TimePoint since = *out_.status.started_at;
    if (i > 0 && out_.status.waves[i - 1].finished_at) since = *out_.status.waves[i - 1].finished_at;
    return std::max(since, counts(i).last_success);
  }

  // ---- who may start -------------------------------------------------------------------------

  void open_waves() {
    for (std::size_t i = 0; i < waves_.size(); ++i) {
      WaveOpening& opening = out_.waves[i];
      opening.blocked = why_closed(i);
      if (opening.blocked) continue;
      // Only what the API holds counts; until it does nothing is known.
      const bool stands = !fresh_ && is_open(known_.waves[i].phase) && known_.waves[i].resolved;
      opening.open = stands && is_open(wave(i).phase);
      if (!opening.open) continue;
      if (strategy_.membership.added == api::MembersAdded::NextRollout) opening.joined_until = wave(i).started_at;
      limit(i, *known_.waves[i].resolved, opening);
    }
  }

  static bool is_open(WavePhase phase) {
    return phase == WavePhase::Running || phase == WavePhase::Soaking || phase == WavePhase::Gated ||
           phase == WavePhase::Succeeded || phase == WavePhase::Skipped;
  }

  BlockedBy because(const char* kind, const std::string& what, std::string message) const {
    BlockedBy blocked;
    blocked.kind = kind;
    blocked.name = what;
    blocked.since = *out_.status.started_at;
    blocked.message = std::move(message);
    return blocked;
  }

  std::optional<BlockedBy> why_closed(std::size_t i) {
    const std::string me = "Rollout " + name();
    if (over_) {
      return because("Hold", me, me + " is over: " + status().phase + " (" + status().reason + ")");
    }
    const bool halted = status().phase == "Paused" && status().reason != "Paused";
    if (halted || (status().phase == "Failed" && !refused_)) {
      return because("Pause", me, me + " is " + (halted ? "paused: " : "over: ") + status().reason +
                                      (broken_ ? " in wave " + waves_[*broken_].name : ""));
    }
    const auto& unreachable = strategy_.unreachable;
    const bool shut = unreachable.policy == api::UnreachablePolicy::Skip && !unreachable.catch_up;
    if (shut && wave(i).phase == WavePhase::Succeeded) {
      return because("Unreachable", waves_[i].name,
                     "wave " + waves_[i].name + " of rollout " + name() + " is done and waits for nobody (catchUp: false)");
    }
    if (wave(i).phase != WavePhase::Pending) return std::nullopt;
    if (opened_[i]) return opened_[i];
    if (first_open_ && *first_open_ < i) {
      const std::string& before = waves_[*first_open_].name;
      if (opened_[*first_open_]) return opened_[*first_open_];
      return because("Wave", before, "waits for wave " + before + " of rollout " + name());
    }
    if (!in_.unmatched.empty()) {
      return because("Wave", me, "no wave takes pair " + in_.unmatched + ": nothing of " + me +
                                     " starts");
    }
    if (!in_.pause.empty()) return because("Pause", in_.pause, in_.pause + " is paused");
    return std::nullopt;
  }

  void limit(std::size_t i, const api::WaveResolved& resolved, WaveOpening& opening) {
    const WaveCounts& c = counts(i);
    const auto lower = [&](int most, const char* kind) {
      if (opening.window && *opening.window <= most) return;
      opening.window = std::max(0, most);
      opening.window_kind = kind;
    };
    if (strategy_.max_in_flight) {
      lower(*strategy_.max_in_flight, "InFlight");
      opening.slots = resolved.concurrency;
    } else if (resolved.concurrency) {
      lower(*resolved.concurrency, "InFlight");
    }
    if (!resolved.steps.empty()) lower(ramp(c, resolved.steps), "Wave");
    if (!strategy_.max_starts_per_minute) return;
    const RecentStarts& starts = in_.starts;
    lower(c.of(Progress::Updating) + *strategy_.max_starts_per_minute - starts.count, "Pacing");
    if (starts.count > 0) out_.next = std::min(out_.next, starts.oldest + kPacingPeriod);
  }

  // A step of the ramp begins when everything of the steps before has an end.
  static int ramp(const WaveCounts& c, const std::vector<int>& steps) {
    const int ended = c.of(Progress::Succeeded) + c.of(Progress::Failed) + c.of(Progress::Unreachable);
    std::int64_t allowed = 0;
    for (std::size_t k = 0; allowed <= ended; ++k) {
      if (k >= steps.size()) {
        const std::int64_t last = steps.back();
        allowed += ((ended - allowed) / last + 1) * last;
      } else {
        allowed += steps[k];
      }
    }
    return static_cast<int>(std::min<std::int64_t>(allowed - ended - c.of(Progress::Verifying),
                                                   std::numeric_limits<int>::max()));
  }

  // ---- progress ------------------------------------------------------------------------------

  // progress_at moves on by all the time in which nothing was allowed to start, or the rollout was over.
  void track_progress() {
    int terminal = 0;
    for (const auto& c : in_.counts) {
      for (const auto progress :
           {Progress::Settled, Progress::Succeeded, Progress::Failed, Progress::Unreachable, Progress::Held}) {
        terminal += c.of(progress);
      }
    }
    const bool over = is_over(status().phase);
    const bool halted =
        !over && (status().phase == "Paused" || !gate_reason_.empty() || soaking_ || in_.windowed);
    auto stands_since = status().halted_at;
    if (!stands_since && !fresh_ && !over && is_over(known_.phase)) stands_since = known_.finished_at;
    if (stands_since && !halted) {
      *status().progress_at += now_ - *stands_since;
      status().halted_at.reset();
    }
    if (terminal > status().terminal) {
      status().terminal = terminal;
      status().progress_at = now_;
      if (status().halted_at) status().halted_at = now_;
    }
    if (halted && !status().halted_at) status().halted_at = stands_since.value_or(now_);
    if (over || halted || !strategy_.progress_deadline) return;
    const TimePoint deadline = *status().progress_at + *strategy_.progress_deadline;
    if (now_ < deadline) {
      out_.next = std::min(out_.next, deadline);
    } else if (out_.stalled.empty()) {
      out_.stalled = "ProgressDeadlineExceeded";
      if (status().reason.empty()) status().reason = out_.stalled;
    }
  }

  void finish() {
    if (!in_.unmatched.empty() && out_.stalled.empty()) {
      out_.stalled = "NoWaveForPair";
      if (status().reason.empty()) status().reason = out_.stalled;
    }
    if (!is_over(status().phase)) {
      status().finished_at.reset();
    } else if (!status().finished_at || status().phase != known_.phase) {
      status().finished_at = now_;
    }
    const bool progressing = !is_over(status().phase);
    api::set_condition(status().conditions,
                       {"Succeeded", status().phase == "Succeeded", progressing,
                        status().reason.empty() ? status().phase : status().reason, message(), now_,
                        in_.rollout.metadata.generation});
  }

  std::string message() {
    int members = 0, done = 0, failed = 0;
    for (const auto& w : status().waves) {
      members += w.members;
      done += w.succeeded;
      failed += w.failed;
    }
    std::string text = std::to_string(done) + " of " + std::to_string(members) + " done, " +
                       std::to_string(failed) + " failed";
    if (waves_.size() > 1 && first_open_) text += "; at wave " + waves_[*first_open_].name;
    if (!in_.unmatched.empty()) text += "; no wave takes pair " + in_.unmatched;
    return text;
  }

  const RolloutInput& in_;
  const TimePoint now_;
  const api::RolloutStrategy& strategy_;
  const std::vector<WaveSpec>& waves_;
  const RolloutStatus& known_;
  RolloutOutcome out_;
  bool over_ = false;  // nothing more of it starts
  bool fresh_ = false;
  std::vector<std::optional<BlockedBy>> opened_;  // by wave: the gate that it stands at
  std::optional<std::size_t> first_open_;         // the first wave that is not done
  std::optional<std::size_t> broken_;
  std::string reason_;       // of broken_
  std::string gate_reason_;  // somebody stands at a gate
  bool soaking_ = false;
  bool refused_ = false;  // all that is left of a wave cannot even be tried
};

}  // namespace

int WaveCounts::members() const {
  int sum = 0;
  for (const int count : by) sum += count;
  return sum;
}

bool is_over(const std::string& phase) {
  return phase == "Succeeded" || phase == "Failed" || phase == "Cancelled" || phase == "RolledBack" ||
         phase == "Superseded";
}

std::vector<WaveSpec> waves_of(const api::RolloutStrategy& strategy) {
  std::vector<WaveSpec> waves = strategy.waves;
  if (waves.empty()) waves.emplace_back().name = "all";
  for (auto& wave : waves) {
    wave.concurrency = either(wave.concurrency, strategy.concurrency);
    wave.max_failures = either(wave.max_failures, strategy.max_failures);
    wave.min_succeeded = either(wave.min_succeeded, strategy.min_succeeded);
    wave.min_healthy = either(wave.min_healthy, strategy.min_healthy);
    wave.soak = either(wave.soak, strategy.soak);
    if (wave.steps.empty()) wave.steps = strategy.steps;
  }
  return waves;
}

WavePlace wave_place(const std::vector<WaveSpec>& waves, const Labels& tenant, const Labels& target) {
  WavePlace place;
  for (std::size_t i = 0; i < waves.size(); ++i) {
    const auto& wave = waves[i];
    const bool remainder = !wave.tenants && !wave.targets;
    if (remainder && place.wave >= 0) continue;
    if (wave.tenants && !api::matches(*wave.tenants, tenant)) continue;
    if (wave.targets && !api::matches(*wave.targets, target)) continue;
    if (place.wave >= 0) {
      place.ambiguous = true;
      break;
    }
    place.wave = static_cast<int>(i);
  }
  return place;
}

RolloutOutcome advance_rollout(const RolloutInput& input, TimePoint now) { return Run(input, now).go(); }

}  // namespace tidelock::planner
