// SPDX-License-Identifier: Apache-2.0
// What one event costs the planner of a large namespace, and how much memory it keeps per pair.
// Usage: planner_scale [--plot FILE.svg] [pairs…]   (default 1000 10000 100000)
//
// Prints, and nothing here judges: median and p99 of each kind of event by size; beside it how much more it
// costs in the largest namespace than in the smallest, over how much more the logarithm of their sizes is (1 =
// it grows as the logarithm does). fleet.h says what is measured. The peer of the same run is one lookup in a
// std::map of all installations and a copy of what it finds.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include "tests/bench/fleet.h"
#include "tests/bench/plot.h"

namespace {

using namespace tidelock;
using bench::Cost;
using bench::Fleet;

constexpr int kAllMax = 100'000;  // pairs of which all are told of a release

struct Measured {
  int pairs = 0;
  double peer = 0;
  double load_seconds = 0;
  int discarded = 0;  // events
  Fleet::Memory bytes;
  std::map<std::string, Cost> costs;
};

Measured measure(int pairs) {
  Fleet fleet(pairs);
  Measured result{pairs, fleet.peer(), 0, 0, {}, {}};
  fleet.load();
  fleet.roll();
  if (pairs <= kAllMax) fleet.roll_all();
  result.load_seconds = fleet.load_seconds();
  result.discarded = fleet.discarded();
  result.bytes = fleet.bytes_per_pair();
  result.costs = fleet.costs();
  return result;
}

void print(const Measured& result) {
  const auto& bytes = result.bytes;
  std::printf("\n%d pairs, told in %.1f s; lookup and copy %.2f us; %d events discarded\n", result.pairs,
              result.load_seconds, result.peer, result.discarded);
  std::printf("bytes a pair: facts %.0f; planner at rest %.0f, with one percent rolling %.0f, all waiting %.0f\n",
              bytes.facts, bytes.at_rest, bytes.rolling, bytes.all_wait);
  std::printf("  %-32s %7s %10s %9s %8s %8s\n", "event", "count", "median us", "p99 us", "p99/med", "of peer");
  for (const auto& [name, cost] : result.costs) {
    std::printf("  %-32s %7zu %10.1f %9.1f %8.1f %8.1f\n", name.c_str(), cost.count, cost.median, cost.p99,
                cost.p99 / cost.median, cost.median / result.peer);
  }
  std::fflush(stdout);
}

void print_growth(const Measured& small, const Measured& large) {
  const double logarithms = std::log(large.pairs) / std::log(small.pairs);
  std::printf("\nfrom %d to %d pairs: the logarithm grows %.2f-fold, lookup and copy %.2f-fold, and\n", small.pairs,
              large.pairs, logarithms, large.peer / small.peer);
  std::printf("  %-32s %10s %10s %8s %12s\n", "median of", "us", "us", "ratio", "over log");
  for (const auto& [name, cost] : small.costs) {
    const auto found = large.costs.find(name);
    if (found == large.costs.end()) continue;
    const double ratio = found->second.median / cost.median;
    std::printf("  %-32s %10.1f %10.1f %8.2f %12.2f\n", name.c_str(), cost.median, found->second.median, ratio,
                ratio / logarithms);
  }
}

void plot(const std::vector<Measured>& results, const char* file) {
  std::vector<bench::Series> all;
  for (const auto& [name, cost] : results.front().costs) {
    bench::Series series{name, {}};
    for (const auto& result : results) {
      const auto found = result.costs.find(name);
      if (found == result.costs.end()) continue;
      series.points.push_back({static_cast<double>(result.pairs), found->second.median, found->second.p99});
    }
    all.push_back(std::move(series));
  }
  std::ofstream(file) << bench::small_multiples("Cost of one event in the planner, microseconds by pairs", all);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> sizes;
  const char* file = nullptr;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--plot") == 0 && i + 1 < argc) {
      file = argv[++i];
    } else {
      sizes.push_back(std::atoi(argv[i]));
    }
  }
  if (sizes.empty()) sizes = {1'000, 10'000, 100'000};
  std::vector<Measured> results;
  for (const int pairs : sizes) print(results.emplace_back(measure(pairs)));
  if (results.size() > 1) print_growth(results.front(), results.back());
  if (file != nullptr) plot(results, file);
  return 0;
}
