// SPDX-License-Identifier: Apache-2.0
// The machine of a target: a disk, processes that outlive the agent, and the slow work of the agent's
// fetcher, all in virtual time. The agent may be killed inside any operation of the disk; the machine may
// lose power.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/agent/fetcher.h"
#include "tests/simulation/node.h"
#include "tests/support/fake_fetcher.h"
#include "tests/support/fake_process_runner.h"
#include "tests/support/memory_disk.h"

namespace tidelock::simulation {

// The agent's view of the disk: counts operations, and kills the agent before the one that is chosen.
class KillerDisk final : public Disk {
 public:
  KillerDisk(Disk& inner, std::function<void()> kill) : inner_(inner), kill_(std::move(kill)) {}
  void kill_at(std::uint64_t n) { countdown_ = n; }

  Result<std::string> read_file(const std::string& path, std::size_t bytes_max) override;
  Result<void> write_file(const std::string& path, std::string_view bytes, int mode) override;
  Result<void> append_file(const std::string& path, std::string_view bytes) override;
  Result<void> truncate_file(const std::string& path, std::uint64_t size) override;
  Result<void> make_directories(const std::string& path, int mode) override;
  Result<void> make_scratch_directories(const std::string& path, int mode) override;
  Result<void> write_scratch_file(const std::string& path, std::string_view bytes,
                                  int mode) override;
  Result<void> remove_all(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> replace_symlink(const std::string& link, const std::string& target) override;
  Result<std::string> read_symlink(const std::string& path) override;
  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<void> sync_tree(const std::string& path) override;

 private:
  Disk& counted();

  Disk& inner_;
  std::function<void()> kill_;
  std::uint64_t countdown_ = 0;  // 0 = nothing is planned
};

// Jobs of one life of an agent; each is done some time after its start, or never.
class SimFetcher final : public agent::Fetcher {
 public:
  SimFetcher(Kernel& kernel, testing::FakeFetcher& packages, Wake wake,
             std::function<void()> killed);
  Duration slow_max = std::chrono::milliseconds(20);

  agent::Ticket start(const agent::PackageJob& job) override;
  agent::Ticket start(const agent::HttpJob& job) override;
  agent::Ticket start(agent::DiskJob job) override;
  void cancel(agent::Ticket ticket) override;
  std::vector<agent::FetchDone> poll() override;

 private:
  struct State;
  agent::Ticket add(std::function<Result<std::string>()> run, bool cancellable, Duration time);

  Kernel& kernel_;
  testing::FakeFetcher& packages_;
  std::shared_ptr<State> state_;
};

class Machine;

// The agent's view of the processes: the machine is brought up to the present before each call.
class MachineProcesses final : public ProcessRunner {
 public:
  explicit MachineProcesses(Machine& machine) : machine_(machine) {}
  Result<ProcessId> start(const ProcessSpec& spec) override;
  void signal(ProcessId id, int signal_number) override;
  std::vector<ProcessEvent> poll() override;
  Liveness probe(const std::string& lock_file) override;
  void kill_holders(const std::string& lock_file) override;

 private:
  Machine& machine_;
};

class Machine {
 public:
  Machine(Kernel& kernel, testing::FakeProcessRunner::Decide decide);

  Kernel& kernel;
  testing::MemoryDisk disk;
  testing::FakeProcessRunner processes;
  testing::FakeFetcher packages;  // what the network has to download

  // Lets what is due happen, and plans the next time to look.
  void tend();
  void lose_power();

  TimePoint planned = kNever;
};

}  // namespace tidelock::simulation
