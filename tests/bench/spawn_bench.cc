// SPDX-License-Identifier: Apache-2.0
// How many processes per second the real ProcessRunner starts and reaps, 10 at once, beside
// `xargs -P10`. Usage: spawn_bench [processes] [megabytes of memory the parent holds]
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "controller/base/invariant.h"
#include "controller/platform/event_loop.h"
#include "controller/platform/process_runner.h"
#include "tests/support/temp_folder.h"

using namespace tidelock;

namespace {

constexpr int kAtOnce = 10;

double seconds_of(const auto& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void run_all(const std::string& folder, int processes) {
  platform::Waker waker;
  platform::PosixProcessRunner runner(waker.handle());
  std::vector<std::string> free_locks;
  for (int i = 0; i < kAtOnce; ++i) free_locks.push_back(folder + "/lock" + std::to_string(i));
  std::map<ProcessId, std::string> running;
  int started = 0;
  while (started < processes || !running.empty()) {
    while (started < processes && !free_locks.empty()) {
      const auto id = runner.start({{"/bin/true"}, {}, "/", free_locks.back()});
      INVARIANT(id.has_value());
      running.emplace(*id, free_locks.back());
      free_locks.pop_back();
      ++started;
    }
    waker.wait_until(kNever);
    for (const ProcessEvent& event : runner.poll()) {
      if (event.kind != ProcessEvent::Kind::Exited) continue;
      free_locks.push_back(running.at(event.id));
      running.erase(event.id);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int processes = argc > 1 ? std::atoi(argv[1]) : 5000;
  const std::size_t megabytes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  const std::string count = std::to_string(processes);
  const std::string xargs = "seq " + count + " | xargs -n1 -P10 /bin/true";

  const double theirs = seconds_of([&] { INVARIANT(std::system(xargs.c_str()) == 0); });
  std::vector<char> memory(megabytes << 20, 'x');  // touched: fork() would copy its page tables
  const testing::TempFolder folder;
  const double ours = seconds_of([&] { run_all(folder.path(), processes); });
  std::printf("xargs -P10    %8.0f processes/s\n", processes / theirs);
  std::printf("ProcessRunner %8.0f processes/s with %zu MB held, %.2f times xargs\n",
              processes / ours, megabytes, theirs / ours);
  return memory.empty() || memory.back() == 'x' ? 0 : 1;
}
