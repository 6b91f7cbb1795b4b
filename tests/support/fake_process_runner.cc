// SPDX-License-Identifier: Apache-2.0
#include "tests/support/fake_process_runner.h"

#include <algorithm>

#include "controller/base/invariant.h"

namespace tidelock::testing {

FakeProcessRunner::FakeProcessRunner(TimePoint now, Decide decide, Wake wake)
    : now_(now), decide_(std::move(decide)), wake_(std::move(wake)) {}

TimePoint FakeProcessRunner::next_of(const Live& live) const {
  if (live.exited) return std::min(live.gone, live.killed);
  const TimePoint started = intervals_[live.interval].started;
  const TimePoint end = std::min(started + live.script.duration, live.killed);
  if (live.output_sent == live.script.output.size()) return end;
  return std::min(end, started + live.script.output[live.output_sent].first);
}

TimePoint FakeProcessRunner::next_due() const {
  TimePoint due = kNever;
  for (const auto& [id, live] : live_) due = std::min(due, next_of(live));
  return due;
}

void FakeProcessRunner::advance_to(TimePoint now) {
  INVARIANT(now >= now_);
  while (true) {
    const TimePoint due = next_due();
    if (due > now) break;
    now_ = std::max(now_, due);
    // The map is in order of ids, so the first one due is the right one.
    const auto next = std::find_if(live_.begin(), live_.end(),
                                   [&](const auto& entry) { return next_of(entry.second) <= due; });
    step(next->first, next->second);
    if (next->second.exited && next->second.gone <= now_) live_.erase(next);
  }
  now_ = now;
}

// One thing that is due: an output, the exit, or the end of what lingered.
void FakeProcessRunner::step(ProcessId id, Live& live) {
  if (live.killed <= now_) return end_by(id, live, SIGKILL);
  if (live.exited) return;
  const TimePoint started = intervals_[live.interval].started;
  const auto& output = live.script.output;
  const bool output_due = live.output_sent < output.size() &&
                          output[live.output_sent].first <= live.script.duration &&
                          started + output[live.output_sent].first <= now_;
  if (output_due) {
    tell(live, {id, ProcessEvent::Kind::Output, output[live.output_sent++].second, 0, 0});
    return;
  }
  exit(id, live, live.script.exit_code, 0, live.script.lingers);
  if (live.script.effect) live.script.effect();
}

void FakeProcessRunner::exit(ProcessId id, Live& live, int exit_code, int signal,
                             Duration lingers) {
  ProcessInterval& interval = intervals_[live.interval];
  interval.ended = now_;
  interval.exit_code = exit_code;
  interval.signal = signal;
  live.exited = true;
  live.gone = now_ + lingers;
  tell(live, {id, ProcessEvent::Kind::Exited, "", exit_code, signal});
}

void FakeProcessRunner::tell(const Live& live, ProcessEvent event) {
  if (!live.heard) return;
  events_.push_back(std::move(event));
  if (wake_) wake_();
}

void FakeProcessRunner::agent_crashed() {
  events_.clear();
  for (auto& [id, live] : live_) live.heard = false;
}

void FakeProcessRunner::machine_crashed() {
  agent_crashed();
  for (auto& [id, live] : live_) {
    if (!live.exited) exit(id, live, 128 + SIGKILL, SIGKILL, Duration{0});
  }
  live_.clear();
}

void FakeProcessRunner::set_unprobeable(const std::string& lock_file, bool unprobeable) {
  if (unprobeable) {
    unprobeable_.insert(lock_file);
  } else {
    unprobeable_.erase(lock_file);
  }
}

std::size_t FakeProcessRunner::running() const {
  return static_cast<std::size_t>(std::count_if(
      live_.begin(), live_.end(), [](const auto& entry) { return !entry.second.exited; }));
}

Result<ProcessId> FakeProcessRunner::start(const ProcessSpec& spec) {
  for (const auto& [id, live] : live_) {
    if (holds(live, spec.lock_file)) {
      return fail(Reason::Conflict, spec.lock_file + ": held by an earlier process");
    }
  }
  ProcessScript script = decide_(spec);
  if (!script.start) return fail(script.start.error());
  const ProcessId id = next_id_++;
  Live live;
  live.interval = intervals_.size();
  live.script = std::move(script);
  intervals_.push_back({id, spec, now_, kNever, 0, 0});
  live_.emplace(id, std::move(live));
  return id;
}

void FakeProcessRunner::signal(ProcessId id, int signal_number) {
  const auto found = live_.find(id);
  if (found == live_.end() || found->second.exit_taken || !found->second.heard) return;
  Live& live = found->second;
  const bool deadly = signal_number == SIGKILL ||
                      (signal_number == SIGTERM && !live.script.ignores_sigterm);
  if (!deadly) return;
  if (signal_number == SIGKILL) {
    if (!kill(id, live)) return;
  } else {
    end_by(id, live, signal_number);
  }
  if (live.exited && live.gone <= now_) live_.erase(found);
}

// False: it takes its time to die.
bool FakeProcessRunner::kill(ProcessId id, Live& live) {
  if (live.script.outlives_kill == Duration{0}) {
    end_by(id, live, SIGKILL);
    return true;
  }
  live.killed = std::min(live.killed, now_ + live.script.outlives_kill);
  return false;
}

// A process that is killed takes its family along, others leave behind what lingers.
void FakeProcessRunner::end_by(ProcessId id, Live& live, int signal_number) {
  const bool whole_family = signal_number == SIGKILL;
  if (!live.exited) {
    exit(id, live, 128 + signal_number, signal_number,
         whole_family ? Duration{0} : live.script.lingers);
  }
  if (whole_family) live.gone = now_;
}

std::vector<ProcessEvent> FakeProcessRunner::poll() {
  std::vector<ProcessEvent> taken = std::exchange(events_, {});
  for (const ProcessEvent& event : taken) {
    const auto found = live_.find(event.id);
    if (event.kind == ProcessEvent::Kind::Exited && found != live_.end()) {
      found->second.exit_taken = true;
    }
  }
  return taken;
}

bool FakeProcessRunner::holds(const Live& live, const std::string& lock_file) const {
  return intervals_[live.interval].spec.lock_file == lock_file;
}

bool FakeProcessRunner::alive(const std::string& lock_file) const {
  return std::any_of(live_.begin(), live_.end(),
                     [&](const auto& entry) { return holds(entry.second, lock_file); });
}

Liveness FakeProcessRunner::probe(const std::string& lock_file) {
  if (unprobeable_.contains(lock_file)) return Liveness::Unknown;
  return alive(lock_file) ? Liveness::Alive : Liveness::Dead;
}

void FakeProcessRunner::kill_holders(const std::string& lock_file) {
  for (auto next = live_.begin(); next != live_.end();) {
    const auto current = next++;
    if (!holds(current->second, lock_file)) continue;
    if (kill(current->first, current->second)) live_.erase(current);
  }
}

}  // namespace tidelock::testing
