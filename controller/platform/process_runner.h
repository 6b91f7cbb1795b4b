// SPDX-License-Identifier: Apache-2.0
// Real child processes; see base/process.h for the contract. Linux 5.4 or later (pidfd).
//
// One thread with one epoll reads the pipes and reaps. A process whose unread output exceeds
// limits::kProcessUnreadBytesMax is not read from until poll() took what there is, so it blocks in
// write() like in a shell pipeline. Output after the exit (of a background child) is read and
// dropped, lest that child die of SIGPIPE. Destruction leaves processes alone: they outlive the
// agent, and the next one finds them by their lock files.
// As process 1 of a container it also reaps orphans that the kernel hands to it; nothing else in
// the program may start processes then.
#pragma once

#include <memory>

#include "controller/base/process.h"
#include "controller/base/time.h"

namespace tidelock::platform {

struct ProcessRunnerOptions {
  enum class Orphans { Auto, Reap, Ignore };  // Auto: reap them if we are process 1
  Orphans orphans = Orphans::Auto;
};

class PosixProcessRunner final : public ProcessRunner {
 public:
  using Options = ProcessRunnerOptions;

  // `wake` is called from the runner's thread whenever poll() has something new.
  explicit PosixProcessRunner(Wake wake, Options options = {});
  ~PosixProcessRunner() override;
  PosixProcessRunner(const PosixProcessRunner&) = delete;
  PosixProcessRunner& operator=(const PosixProcessRunner&) = delete;

  Result<ProcessId> start(const ProcessSpec& spec) override;
  // Signals other than SIGKILL have no effect once the process itself is gone.
  void signal(ProcessId id, int signal_number) override;
  std::vector<ProcessEvent> poll() override;
  Liveness probe(const std::string& lock_file) override;
  void kill_holders(const std::string& lock_file) override;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace tidelock::platform
