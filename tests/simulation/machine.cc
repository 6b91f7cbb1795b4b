// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/machine.h"

#include <utility>

namespace tidelock::simulation {

// ---- the disk ---------------------------------------------------------------------------------

Disk& KillerDisk::counted() {
  if (countdown_ > 0 && --countdown_ == 0) kill_();  // does not come back
  return inner_;
}

Result<std::string> KillerDisk::read_file(const std::string& path, std::size_t bytes_max) {
  return counted().read_file(path, bytes_max);
}
Result<void> KillerDisk::write_file(const std::string& path, std::string_view bytes, int mode) {
  return counted().write_file(path, bytes, mode);
}
Result<void> KillerDisk::append_file(const std::string& path, std::string_view bytes) {
  return counted().append_file(path, bytes);
}
Result<void> KillerDisk::truncate_file(const std::string& path, std::uint64_t size) {
  return counted().truncate_file(path, size);
}
Result<void> KillerDisk::make_directories(const std::string& path, int mode) {
  return counted().make_directories(path, mode);
}
Result<void> KillerDisk::make_scratch_directories(const std::string& path, int mode) {
  return counted().make_scratch_directories(path, mode);
}
Result<void> KillerDisk::write_scratch_file(const std::string& path, std::string_view bytes,
                                            int mode) {
  return counted().write_scratch_file(path, bytes, mode);
}
Result<void> KillerDisk::remove_all(const std::string& path) { return counted().remove_all(path); }
Result<void> KillerDisk::rename(const std::string& from, const std::string& to) {
  return counted().rename(from, to);
}
Result<void> KillerDisk::replace_symlink(const std::string& link, const std::string& target) {
  return counted().replace_symlink(link, target);
}
Result<std::string> KillerDisk::read_symlink(const std::string& path) {
  return counted().read_symlink(path);
}
Result<FileInfo> KillerDisk::stat(const std::string& path) { return counted().stat(path); }
Result<std::vector<DirectoryEntry>> KillerDisk::list(const std::string& path) {
  return counted().list(path);
}
Result<void> KillerDisk::sync_tree(const std::string& path) { return counted().sync_tree(path); }

// ---- the fetcher ------------------------------------------------------------------------------

struct SimFetcher::State {
  Wake wake;
  std::function<void()> killed;
  agent::Ticket next = 1;
  std::vector<agent::FetchDone> done;
  std::map<agent::Ticket, bool> running;  // → cancelled
};

SimFetcher::SimFetcher(Kernel& kernel, testing::FakeFetcher& packages, Wake wake,
                       std::function<void()> killed)
    : kernel_(kernel), packages_(packages), state_(std::make_shared<State>()) {
  state_->wake = std::move(wake);
  state_->killed = std::move(killed);
}

agent::Ticket SimFetcher::add(std::function<Result<std::string>()> run, bool cancellable,
                              Duration time) {
  const agent::Ticket ticket = state_->next++;
  state_->running[ticket] = false;
  // The state is gone with the life that asked: what was not done by then is never done.
  kernel_.after(time, [ticket, cancellable, run = std::move(run),
                       weak = std::weak_ptr<State>(state_)] {
    const auto state = weak.lock();
    if (state == nullptr) return;
    const bool cancelled = state->running[ticket];
    state->running.erase(ticket);
    if (cancelled && cancellable) {
      state->done.push_back({ticket, fail(Reason::Timeout, "cancelled")});
    } else {
      try {
        state->done.push_back({ticket, run()});
      } catch (const Killed&) {
        return state->killed();
      }
    }
    state->wake();
  });
  return ticket;
}

agent::Ticket SimFetcher::start(const agent::PackageJob& job) {
  return add(
      [this, job] {
        packages_.start(job);
        return packages_.poll().front().result;
      },
      true, kernel_.between(Duration{1000}, slow_max * 20));
}
agent::Ticket SimFetcher::start(const agent::HttpJob& job) {
  return add(
      [this, job] {
        packages_.start(job);
        return packages_.poll().front().result;
      },
      true, kernel_.between(Duration{1000}, slow_max * 20));
}
agent::Ticket SimFetcher::start(agent::DiskJob job) {
  return add(std::move(job), false, kernel_.between(Duration{100}, slow_max));
}
void SimFetcher::cancel(agent::Ticket ticket) {
  const auto found = state_->running.find(ticket);
  if (found != state_->running.end()) found->second = true;
}
std::vector<agent::FetchDone> SimFetcher::poll() { return std::exchange(state_->done, {}); }

// ---- processes --------------------------------------------------------------------------------

Result<ProcessId> MachineProcesses::start(const ProcessSpec& spec) {
  machine_.tend();
  auto started = machine_.processes.start(spec);
  machine_.tend();
  return started;
}
void MachineProcesses::signal(ProcessId id, int signal_number) {
  machine_.tend();
  machine_.processes.signal(id, signal_number);
}
std::vector<ProcessEvent> MachineProcesses::poll() {
  machine_.tend();
  return machine_.processes.poll();
}
Liveness MachineProcesses::probe(const std::string& lock_file) {
  machine_.tend();
  return machine_.processes.probe(lock_file);
}
void MachineProcesses::kill_holders(const std::string& lock_file) {
  machine_.tend();
  machine_.processes.kill_holders(lock_file);
}

// ---- the machine ------------------------------------------------------------------------------

Machine::Machine(Kernel& world, testing::FakeProcessRunner::Decide decide)
    : kernel(world), processes(world.now(), std::move(decide)), packages(disk) {}

void Machine::tend() {
  processes.advance_to(kernel.now());
  const TimePoint due = processes.next_due();
  if (due == kNever || due >= planned) return;
  planned = due;
  kernel.at(due, [this, due] {
    if (planned == due) planned = kNever;
    tend();
  });
}

void Machine::lose_power() {
  processes.advance_to(kernel.now());
  processes.machine_crashed();
  disk.crash();
  packages.agent_crashed();
}

}  // namespace tidelock::simulation
