// SPDX-License-Identifier: Apache-2.0
// Child processes as the agent needs them: start, watch, kill the whole family, prove it is gone.
//
// A process runs as the leader of its own session and group and reads /dev/null. It and all its
// descendants inherit an open, flock()ed file (`lock_file`); the lock is free iff the last of them
// is gone. So "is anything of that step still alive?" has an answer after a crash of the agent.
// Real in platform/ (posix_spawn + pidfd), scripted in tests/support/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"

namespace tidelock {

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH
  std::map<std::string, std::string> environment;  // complete: nothing is inherited
  std::string working_directory;
  std::string lock_file;  // created if absent
};

using ProcessId = std::uint64_t;  // ours, never reused in one run of the program; not the pid

struct ProcessEvent {
  enum class Kind { Output, Exited };
  ProcessId id = 0;
  Kind kind = Kind::Output;
  std::string bytes;       // Output: stdout and stderr in the order in which they came
  int exit_code = 0;       // Exited: 0–255, or 128 + signal
  int signal = 0;          // Exited: the signal that ended it, or 0
};

enum class Liveness { Alive, Dead, Unknown };

// Not thread-safe, except that the Wake it was given is called from its own threads.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;

  // Conflict: an earlier process or its child still holds the lock file; nothing was started.
  virtual Result<ProcessId> start(const ProcessSpec& spec) = 0;
  // Sends a signal to the process group; SIGKILL also reaches descendants that left the group. No
  // effect once poll() has returned the exit: what may be left then is for kill_holders.
  virtual void signal(ProcessId id, int signal_number) = 0;
  // What happened since the last call, in order; never blocks. Exited is the last event of an id
  // and comes after the output that was written before the exit (bounded drain, so a background
  // child that keeps the pipe open does not delay it).
  virtual std::vector<ProcessEvent> poll() = 0;
  // Dead: nobody holds the lock, or the file does not exist. Unknown: it cannot be told.
  virtual Liveness probe(const std::string& lock_file) = 0;
  // Kills whatever still holds the lock of an earlier run of the agent, best effort.
  virtual void kill_holders(const std::string& lock_file) = 0;
};

}  // namespace tidelock
