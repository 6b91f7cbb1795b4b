// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/campaign.h"

#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <span>
#include <sstream>
#include <string>
#include <vector>

#include "controller/base/invariant.h"
#include "controller/base/log.h"
#include "tests/simulation/plants.h"
#include "tests/simulation/simulation.h"

namespace tidelock::simulation {
namespace {

constexpr const char* kUsage =
    "usage: simulation [--seed N | --seeds A..B] [--jobs N] [--trace] [--twice] [--canary]\n"
    "                  [--plant NAME | --plants] [--list-plants] [--probes] [--chunk N] [--log]\n"
    "  --seeds A..B   these seeds, over --jobs processes (all processors)\n"
    "  --chunk N      print the totals so far after every N seeds\n"
    "  --trace        print everything that happens\n"
    "  --twice        run each seed twice and compare the hashes of the traces\n"
    "  --plant NAME   with a planted bug: succeeds when a seed finds it\n"
    "  --plants       every planted bug, one after the other\n"
    "  --canary       a violation in every run: fails if nobody sees it\n"
    "  --probes       fail if a rare path was never reached\n";
constexpr int kFailuresShown = 10;
// Of the processor's time: a run that takes so long turns in a circle.
constexpr time_t kSecondsPerRunMax = 60;

struct Options {
  std::uint64_t first = 1;
  std::uint64_t last = 200;
  int jobs = 0;
  bool trace = false;
  bool twice = false;
  bool canary = false;
  bool probes = false;
  bool all_plants = false;
  bool quiet = false;
  bool stop_at_first = false;
  std::uint64_t chunk = 0;  // 0 = all seeds at once
  std::string plant;
};

struct Totals {
  std::uint64_t runs = 0, failures = 0, events = 0, processes = 0, watch_events = 0, writes = 0;
  std::uint64_t virtual_seconds = 0;
  std::uint64_t first_failure = 0;
  std::map<std::string, std::uint64_t> probes;
};

std::string command_of(const Options& options, std::uint64_t seed) {
  std::string command = "simulation --seed " + std::to_string(seed);
  if (!options.plant.empty()) command += " --plant " + options.plant;
  if (options.canary) command += " --canary";
  return command;
}

void report(const Options& options, std::uint64_t seed, const Violation& violation) {
  if (options.quiet) return;
  std::printf("FAILED: %s  # %s at %.3f s: %s\n", command_of(options, seed).c_str(),
              violation.invariant.c_str(),
              static_cast<double>((violation.at - testing::kEpoch).count()) / 1e6,
              violation.message.c_str());
  std::fflush(stdout);
}

void add(Totals& totals, const RunResult& result) {
  ++totals.runs;
  totals.events += result.events;
  totals.processes += result.processes;
  totals.watch_events += result.watch_events;
  totals.writes += result.writes;
  totals.virtual_seconds += static_cast<std::uint64_t>(result.virtual_time.count() / 1'000'000);
  for (const auto& [name, count] : result.probes) totals.probes[name] += count;
}

std::string text_of(const Totals& totals) {
  std::ostringstream out;
  out << totals.runs << ' ' << totals.failures << ' ' << totals.events << ' ' << totals.processes
      << ' ' << totals.watch_events << ' ' << totals.writes << ' ' << totals.virtual_seconds << ' '
      << totals.first_failure << '\n';
  for (const auto& [name, count] : totals.probes) out << count << ' ' << name << '\n';
  return out.str();
}

// What a process leaves behind, however it ends: memory that its parent sees.
struct Board {
  std::uint64_t seed = 0;     // at work
  bool found = false;         // a failure
  char totals[32 * 1024] = {};  // of the seeds before

  void write(const Totals& sums) {
    const std::string text = text_of(sums);
    INVARIANT(text.size() < sizeof totals);
    std::memcpy(totals, text.c_str(), text.size() + 1);
  }
};

// Whoever uses more from now on dies by SIGPROF; 0 = no limit.
void limit_time(time_t seconds) {
  const ::itimerval limit{{0, 0}, {seconds, 0}};
  INVARIANT(::setitimer(ITIMER_PROF, &limit, nullptr) == 0);
}

// One process's share: every `jobs`-th seed from `first` on.
Totals run_share(const Options& options, std::uint64_t first, int jobs, std::span<Board> boards = {},
                 std::size_t own = 0) {
  Totals totals;
  const auto found = [](const Board& board) { return board.found; };
  for (std::uint64_t seed = first; seed <= options.last; seed += static_cast<std::uint64_t>(jobs)) {
    if (options.stop_at_first && std::any_of(boards.begin(), boards.end(), found)) break;
    if (!boards.empty()) boards[own].seed = seed;
    limit_time(kSecondsPerRunMax);
    RunOptions run{seed, options.trace, options.canary};
    RunResult result = run_simulation(run);
    if (options.twice && !result.violation) {
      run.trace = false;
      const RunResult again = run_simulation(run);
      if (again.trace_hash != result.trace_hash) {
        result.violation = Violation{"the same seed is the same run",
                                     "the hashes of two traces differ", testing::kEpoch};
      }
    }
    add(totals, result);
    if (options.trace) std::printf("swarm: %s\n", result.swarm.c_str());
    if (result.violation) {
      if (totals.failures++ < kFailuresShown) report(options, seed, *result.violation);
      if (totals.first_failure == 0) totals.first_failure = seed;
    }
    if (boards.empty()) continue;
    boards[own].found = totals.failures > 0;
    boards[own].write(totals);
  }
  limit_time(0);
  return totals;
}

void note_failure(Totals& totals, std::uint64_t seed) {
  if (totals.first_failure == 0 || seed < totals.first_failure) totals.first_failure = seed;
}

void read_totals(const std::string& text, Totals& totals) {
  std::istringstream in(text);
  Totals one;
  in >> one.runs >> one.failures >> one.events >> one.processes >> one.watch_events >> one.writes >>
      one.virtual_seconds >> one.first_failure;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    const auto space = line.find(' ');
    totals.probes[line.substr(space + 1)] += std::strtoull(line.c_str(), nullptr, 10);
  }
  totals.runs += one.runs;
  totals.failures += one.failures;
  totals.events += one.events;
  totals.processes += one.processes;
  totals.watch_events += one.watch_events;
  totals.writes += one.writes;
  totals.virtual_seconds += one.virtual_seconds;
  if (one.first_failure != 0) note_failure(totals, one.first_failure);
}

// A world is one thread, so a process per processor. One that broke an INVARIANT or hung has failed with
// the seed it was at; another goes on behind that.
class Workers {
 public:
  Workers(const Options& options, int jobs) : options_(options), jobs_(jobs) {
    void* memory = ::mmap(nullptr, sizeof(Board) * static_cast<std::size_t>(jobs), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    INVARIANT(memory != MAP_FAILED);
    boards_ = {new (memory) Board[static_cast<std::size_t>(jobs)], static_cast<std::size_t>(jobs)};
  }
  ~Workers() { ::munmap(boards_.data(), boards_.size_bytes()); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  Totals run() {
    for (std::size_t i = 0; i < boards_.size(); ++i) start(i, options_.first + i);
    Totals totals;
    while (!children_.empty()) {
      int status = 0;
      const pid_t ended = ::waitpid(-1, &status, 0);
      const auto child = children_.find(ended);
      if (child == children_.end()) continue;
      const std::size_t own = child->second;
      children_.erase(child);
      read_totals(boards_[own].totals, totals);
      boards_[own].totals[0] = '\0';
      if (status != 0) broke(own, totals);
    }
    return totals;
  }

 private:
  void start(std::size_t own, std::uint64_t first) {
    std::fflush(stdout);
    const pid_t child = ::fork();
    INVARIANT(child >= 0);
    if (child == 0) {
      run_share(options_, first, jobs_, boards_, own);
      std::fflush(stdout);
      ::_exit(0);
    }
    children_[child] = own;
  }

  void broke(std::size_t own, Totals& totals) {
    const std::uint64_t seed = boards_[own].seed;
    ++totals.runs;
    ++totals.failures;
    note_failure(totals, seed);
    report(options_, seed, {"a run ends", "aborted, or without end", testing::kEpoch});
    boards_[own].found = true;
    const std::uint64_t next = seed + static_cast<std::uint64_t>(jobs_);
    if (!options_.stop_at_first && next <= options_.last) start(own, next);
  }

  const Options& options_;
  const int jobs_;
  std::span<Board> boards_;
  std::map<pid_t, std::size_t> children_;
};

Totals run_all(const Options& options) {
  const std::uint64_t seeds = options.last - options.first + 1;
  const auto jobs = std::min(static_cast<std::uint64_t>(options.jobs), seeds);
  return Workers(options, static_cast<int>(jobs)).run();
}

bool probes_reached(const Totals& totals) {
  bool all = true;
  for (const std::string& probe : expected_probes()) {
    if (totals.probes.contains(probe)) continue;
    std::printf("FAILED: never reached: %s\n", probe.c_str());
    all = false;
  }
  return all;
}

void print_totals(std::uint64_t first, std::uint64_t last, const Totals& totals, double seconds) {
  std::printf("%llu runs, %llu failed, seeds %llu..%llu: %.1f s, %.1f seeds/s, %.0f x real time\n",
              static_cast<unsigned long long>(totals.runs),
              static_cast<unsigned long long>(totals.failures),
              static_cast<unsigned long long>(first), static_cast<unsigned long long>(last), seconds,
              static_cast<double>(totals.runs) / seconds,
              static_cast<double>(totals.virtual_seconds) / seconds);
  std::printf("%llu events, %llu acknowledged writes, %llu watch events, %llu processes\n",
              static_cast<unsigned long long>(totals.events),
              static_cast<unsigned long long>(totals.writes),
              static_cast<unsigned long long>(totals.watch_events),
              static_cast<unsigned long long>(totals.processes));
  std::fflush(stdout);
}

int run_plant(Options options) {
  if (!set_plant(options.plant)) {
    std::fprintf(stderr, "no plant is named %s\n", options.plant.c_str());
    return 2;
  }
  options.quiet = options.all_plants;
  options.stop_at_first = true;
  const Totals totals = run_all(options);
  set_plant("");
  if (totals.failures == 0) {
    std::printf("FAILED: plant %s was not found in seeds %llu..%llu\n", options.plant.c_str(),
                static_cast<unsigned long long>(options.first),
                static_cast<unsigned long long>(options.last));
    return 1;
  }
  std::printf("plant %-28s found by seed %llu (%llu runs)\n", options.plant.c_str(),
              static_cast<unsigned long long>(totals.first_failure),
              static_cast<unsigned long long>(totals.runs));
  std::fflush(stdout);
  return 0;
}

int run_plants(Options options) {
  int missed = 0;
  for (const std::string& name : plant_names()) {
    options.plant = name;
    missed += run_plant(options) != 0 ? 1 : 0;
  }
  std::printf("%zu plants, %d not found\n", plant_names().size(), missed);
  return missed == 0 ? 0 : 1;
}

int run_seeds(const Options& options) {
  const auto started = std::chrono::steady_clock::now();
  Totals totals;
  Options part = options;
  for (std::uint64_t next = options.first; next <= options.last; next = part.last + 1) {
    part.first = next;
    part.last = options.chunk == 0 ? options.last : std::min(options.last, next + options.chunk - 1);
    read_totals(text_of(options.trace ? run_share(part, part.first, 1) : run_all(part)), totals);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    print_totals(options.first, part.last, totals, took.count());
  }
  if (options.canary) return totals.failures == totals.runs && totals.runs > 0 ? 0 : 1;
  const bool reached = !options.probes || probes_reached(totals);
  if (options.probes) {
    for (const auto& [name, count] : totals.probes) {
      std::printf("%10llu  %s\n", static_cast<unsigned long long>(count), name.c_str());
    }
  }
  return totals.failures == 0 && reached ? 0 : 1;
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const bool has_value = i + 1 < argc;
    if (flag == "--seed" && has_value) {
      options.first = options.last = std::strtoull(argv[++i], nullptr, 10);
    } else if (flag == "--seeds" && has_value) {
      char* end = nullptr;
      options.first = std::strtoull(argv[++i], &end, 10);
      options.last = std::strncmp(end, "..", 2) == 0 ? std::strtoull(end + 2, nullptr, 10) : 0;
      if (options.last < options.first) return false;
    } else if (flag == "--jobs" && has_value) {
      options.jobs = std::atoi(argv[++i]);
    } else if (flag == "--chunk" && has_value) {
      options.chunk = std::strtoull(argv[++i], nullptr, 10);
    } else if (flag == "--plant" && has_value) {
      options.plant = argv[++i];
    } else if (flag == "--plants") {
      options.all_plants = true;
    } else if (flag == "--trace") {
      options.trace = true;
    } else if (flag == "--twice") {
      options.twice = true;
    } else if (flag == "--canary") {
      options.canary = true;
    } else if (flag == "--probes") {
      options.probes = true;
    } else if (flag == "--log") {
      set_log_level(LogLevel::Debug);
    } else if (flag == "--list-plants") {
      for (const std::string& name : plant_names()) std::printf("%s\n", name.c_str());
      std::exit(0);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

int run_campaign(int argc, char** argv) {
  set_log_level(LogLevel::Off);
  Options options;
  if (!parse(argc, argv, options)) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (options.jobs <= 0) options.jobs = static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)));
  if (options.all_plants) return run_plants(options);
  if (!options.plant.empty() && !options.trace) return run_plant(options);
  if (!options.plant.empty() && !set_plant(options.plant)) return 2;
  return run_seeds(options);
}

}  // namespace tidelock::simulation
