// SPDX-License-Identifier: Apache-2.0
// A ProcessRunner in virtual time: every process has a duration and an exit code from a script.
//
// It stands for the target machine, so it outlives the agent: agent_crashed() forgets what the
// agent would have heard, not the processes. Nothing happens except in advance_to() and in calls
// of the interface. Not thread-safe.
#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controller/base/process.h"
#include "controller/base/time.h"

namespace tidelock::testing {

// What one process will do. Offsets count from its start.
struct ProcessScript {
  Duration duration{0};
  int exit_code = 0;
  std::vector<std::pair<Duration, std::string>> output = {};
  bool ignores_sigterm = false;
  Duration lingers{0};           // how long a background child outlives it and holds the lock
  Duration outlives_kill{0};     // SIGKILL ends it and what lingers only so much later
  std::function<void()> effect = {};  // run when it exits by itself, e.g. to write a file
  Result<void> start = {};       // an error: the process cannot be started
};

// One process as it was.
struct ProcessInterval {
  ProcessId id = 0;
  ProcessSpec spec;
  TimePoint started;
  TimePoint ended = kNever;  // of the process itself; kNever = still runs
  int exit_code = 0;
  int signal = 0;
};

class FakeProcessRunner final : public ProcessRunner {
 public:
  using Decide = std::function<ProcessScript(const ProcessSpec&)>;

  // Called for every start.
  FakeProcessRunner(TimePoint now, Decide decide, Wake wake = {});

  // --- test side ---
  // Lets everything happen that is due until `now`, in order of time, then of id.
  void advance_to(TimePoint now);
  // When the next output, exit or end of a lingering child is due.
  TimePoint next_due() const;
  // The agent died: its undelivered events are lost, later ones of these processes too, and their
  // ids stand for nothing.
  void agent_crashed();
  void set_wake(Wake wake) { wake_ = std::move(wake); }
  void set_decide(Decide decide) { decide_ = std::move(decide); }
  // The machine lost power: all processes end now, without effects and events.
  void machine_crashed();
  // probe() of this file answers Unknown from now on, or as it should again.
  void set_unprobeable(const std::string& lock_file, bool unprobeable);
  const std::vector<ProcessInterval>& intervals() const { return intervals_; }  // by start
  // Whether anything holds the lock, whatever probe() can tell.
  bool alive(const std::string& lock_file) const;
  std::size_t running() const;  // processes, without lingering children

  // --- ProcessRunner ---
  Result<ProcessId> start(const ProcessSpec& spec) override;
  void signal(ProcessId id, int signal_number) override;
  std::vector<ProcessEvent> poll() override;
  Liveness probe(const std::string& lock_file) override;
  void kill_holders(const std::string& lock_file) override;

 private:
  struct Live {
    std::size_t interval = 0;  // index into intervals_
    ProcessScript script;
    std::size_t output_sent = 0;
    bool heard = true;   // an agent listens
    bool exited = false;
    bool exit_taken = false;  // by poll()
    TimePoint gone;      // end of the lingering child; set at exit
    TimePoint killed = kNever;  // when a SIGKILL that was sent has its effect
  };

  TimePoint next_of(const Live& live) const;
  void step(ProcessId id, Live& live);
  void exit(ProcessId id, Live& live, int exit_code, int signal, Duration lingers);
  void tell(const Live& live, ProcessEvent event);
  void end_by(ProcessId id, Live& live, int signal_number);
  bool kill(ProcessId id, Live& live);
  bool holds(const Live& live, const std::string& lock_file) const;

  TimePoint now_;
  Decide decide_;
  Wake wake_;
  ProcessId next_id_ = 1;
  std::map<ProcessId, Live> live_;  // until nothing holds the lock any more
  std::vector<ProcessInterval> intervals_;
  std::vector<ProcessEvent> events_;
  std::set<std::string> unprobeable_;
};

}  // namespace tidelock::testing
