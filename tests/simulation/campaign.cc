// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/campaign.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

#include "controller/base/log.h"
#include "tests/simulation/plants.h"
#include "tests/simulation/simulation.h"

namespace tidelock::simulation {
namespace {

constexpr const char* kUsage =
    "usage: simulation [--seed N | --seeds A..B] [--jobs N] [--trace] [--twice] [--canary]\n"
    "                  [--plant NAME | --plants] [--list-plants] [--probes] [--log]\n"
    "  --seeds A..B   these seeds, over --jobs processes (all processors)\n"
    "  --trace        print everything that happens\n"
    "  --twice        run each seed twice and compare the hashes of the traces\n"
    "  --plant NAME   with a planted bug: succeeds when a seed finds it\n"
    "  --plants       every planted bug, one after the other\n"
    "  --canary       a violation in every run: fails if nobody sees it\n"
    "  --probes       fail if a rare path was never reached\n";
constexpr int kFailuresShown = 10;
// Of real time: a run that takes so long turns in a circle.
constexpr unsigned kSecondsPerRunMax = 60;

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

// What a broken INVARIANT leaves behind: the line that reproduces it.
char abort_line[256];
void on_abort(int) {
  const auto ignored = ::write(STDOUT_FILENO, abort_line, std::strlen(abort_line));
  (void)ignored;
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

// One process's share: every `jobs`-th seed.
Totals run_share(const Options& options, int share, int jobs) {
  Totals totals;
  for (std::uint64_t seed = options.first + static_cast<std::uint64_t>(share);
       seed <= options.last; seed += static_cast<std::uint64_t>(jobs)) {
    std::snprintf(abort_line, sizeof abort_line, "FAILED: %s  # aborted, or without end\n",
                  command_of(options, seed).c_str());
    ::alarm(kSecondsPerRunMax);
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
    if (!result.violation) continue;
    if (totals.failures++ < kFailuresShown) report(options, seed, *result.violation);
    if (totals.first_failure == 0) totals.first_failure = seed;
    if (options.stop_at_first) break;
  }
  ::alarm(0);
  return totals;
}

void write_totals(int file, const Totals& totals) {
  std::ostringstream out;
  out << totals.runs << ' ' << totals.failures << ' ' << totals.events << ' ' << totals.processes
      << ' ' << totals.watch_events << ' ' << totals.writes << ' ' << totals.virtual_seconds << ' '
      << totals.first_failure << '\n';
  for (const auto& [name, count] : totals.probes) out << count << ' ' << name << '\n';
  const std::string text = out.str();
  for (std::size_t at = 0; at < text.size();) {
    const auto written = ::write(file, text.data() + at, text.size() - at);
    if (written <= 0) return;
    at += static_cast<std::size_t>(written);
  }
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
  if (one.first_failure != 0 &&
      (totals.first_failure == 0 || one.first_failure < totals.first_failure)) {
    totals.first_failure = one.first_failure;
  }
}

std::string read_all(int file) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const auto got = ::read(file, buffer, sizeof buffer);
    if (got <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

// A process per processor, since a world is one thread.
Totals run_all(const Options& options) {
  const int jobs = static_cast<int>(
      std::min<std::uint64_t>(static_cast<std::uint64_t>(options.jobs), options.last - options.first + 1));
  std::fflush(stdout);
  std::vector<std::pair<pid_t, int>> children;
  for (int share = 0; share < jobs; ++share) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);
      std::signal(SIGABRT, on_abort);
      std::signal(SIGALRM, [](int) {
        on_abort(0);
        ::_exit(142);
      });
      std::signal(SIGSEGV, [](int) {
        on_abort(0);
        ::_exit(139);
      });
      write_totals(ends[1], run_share(options, share, jobs));
      std::fflush(stdout);
      ::_exit(0);
    }
    ::close(ends[1]);
    children.emplace_back(child, ends[0]);
  }
  Totals totals;
  for (const auto& [child, end] : children) {
    const std::string text = read_all(end);
    ::close(end);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (status == 0) {
      read_totals(text, totals);
    } else {
      ++totals.failures;
    }
  }
  return totals;
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

void print_totals(const Options& options, const Totals& totals, double seconds) {
  std::printf("%llu runs, %llu failed, seeds %llu..%llu: %.1f s, %.1f seeds/s, %.0f x real time\n",
              static_cast<unsigned long long>(totals.runs),
              static_cast<unsigned long long>(totals.failures),
              static_cast<unsigned long long>(options.first),
              static_cast<unsigned long long>(options.last), seconds,
              static_cast<double>(totals.runs) / seconds,
              static_cast<double>(totals.virtual_seconds) / seconds);
  std::printf("%llu events, %llu acknowledged writes, %llu watch events, %llu processes\n",
              static_cast<unsigned long long>(totals.events),
              static_cast<unsigned long long>(totals.writes),
              static_cast<unsigned long long>(totals.watch_events),
              static_cast<unsigned long long>(totals.processes));
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
  // Seed 0: a process broke an INVARIANT or hung, and named its seed itself.
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
  const Totals totals = options.trace ? run_share(options, 0, 1) : run_all(options);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  print_totals(options, totals, took.count());
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
