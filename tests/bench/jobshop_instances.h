// SPDX-License-Identifier: Apache-2.0
// Job shop instances and the best makespans known for them: ft06 and ft10 (Fisher & Thompson 1963), and
// the 80 of E. Taillard, "Benchmarks for basic scheduling problems", EJOR 64 (1993), made by the generator
// and the seeds published there. The lower bound published with each instance is checked against what the
// generator makes, so that no other instance can be measured by mistake.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "controller/base/invariant.h"

namespace tidelock::bench {

struct Operation {
  int machine = 0;
  int duration = 0;
};
struct JobShop {
  std::string name;
  int best = 0;  // makespan known
  int machines = 0;
  std::vector<std::vector<Operation>> jobs;
};

struct TaillardSeeds {
  int jobs, machines;
  std::int32_t times, routes;
  int lower_bound, best;
};

// ta01 … ta80. Best known makespans as of 2025; open instances: the lowest reported.
inline constexpr std::array<TaillardSeeds, 80> kTaillard{{
    {15, 15, 840612802, 398197754, 977, 1231}, {15, 15, 1314640371, 386720536, 942, 1244},
    {15, 15, 1227221349, 316176388, 921, 1218}, {15, 15, 342269428, 1806358582, 911, 1175},
    {15, 15, 1603221416, 1501949241, 940, 1224}, {15, 15, 1357584978, 1734077082, 889, 1238},
    {15, 15, 44531661, 1374316395, 935, 1227}, {15, 15, 302545136, 2092186050, 963, 1217},
    {15, 15, 1153780144, 1393392374, 982, 1274}, {15, 15, 73896786, 1544979948, 911, 1241},
    {20, 15, 533484900, 317419073, 1139, 1357}, {20, 15, 1894307698, 1474268163, 1251, 1367},
    {20, 15, 874340513, 509669280, 1178, 1342}, {20, 15, 1124986343, 1209573668, 1130, 1345},
    {20, 15, 1463788335, 529048107, 1148, 1339}, {20, 15, 1056908795, 25321885, 1181, 1360},
    {20, 15, 195672285, 1717580117, 1257, 1462}, {20, 15, 961965583, 1353003786, 1153, 1396},
    {20, 15, 1610169733, 1734469503, 1202, 1332}, {20, 15, 532794656, 998486810, 1186, 1348},
    {20, 20, 1035939303, 773961798, 1217, 1642}, {20, 20, 5997802, 1872541150, 1240, 1600},
    {20, 20, 1357503601, 722225039, 1185, 1557}, {20, 20, 806159563, 1166962073, 1271, 1644},
    {20, 20, 1902815253, 1879990068, 1256, 1595}, {20, 20, 1503184031, 1850351876, 1207, 1643},
    {20, 20, 1032645967, 99711329, 1331, 1680}, {20, 20, 229894219, 1158117804, 1269, 1603},
    {20, 20, 823349822, 108033225, 1267, 1625}, {20, 20, 1297900341, 489486403, 1212, 1584},
    {30, 15, 98640593, 1981283465, 1764, 1764}, {30, 15, 1839268120, 248890888, 1774, 1784},
    {30, 15, 573875290, 2081512253, 1729, 1791}, {30, 15, 1670898570, 788294565, 1828, 1828},
    {30, 15, 1118914567, 1074349202, 1729, 2007}, {30, 15, 178750207, 294279708, 1777, 1819},
    {30, 15, 1549372605, 596993084, 1771, 1771}, {30, 15, 798174738, 151685779, 1673, 1673},
    {30, 15, 553410952, 1329272528, 1641, 1795}, {30, 15, 1661531649, 1173386294, 1602, 1669},
    {30, 20, 1841414609, 1357882888, 1830, 2005}, {30, 20, 2116959593, 1546338557, 1761, 1937},
    {30, 20, 796392706, 1230864158, 1694, 1846}, {30, 20, 532496463, 254174057, 1787, 1979},
    {30, 20, 2020525633, 978943053, 1731, 1997}, {30, 20, 524444252, 185526083, 1856, 2004},
    {30, 20, 1569394691, 487269855, 1690, 1889}, {30, 20, 1460267840, 1631446539, 1744, 1937},
    {30, 20, 198324822, 1937476577, 1758, 1960}, {30, 20, 38071822, 1541985579, 1674, 1923},
    {50, 15, 17271, 718939, 2760, 2760}, {50, 15, 660481279, 449650254, 2756, 2756},
    {50, 15, 352229765, 949737911, 2717, 2717}, {50, 15, 1197518780, 166840558, 2797, 2839},
    {50, 15, 1376020303, 483922052, 2679, 2679}, {50, 15, 2106639239, 955932362, 2781, 2781},
    {50, 15, 1765352082, 1209982549, 2943, 2943}, {50, 15, 1105092880, 1349003108, 2885, 2885},
    {50, 15, 907248070, 919544535, 2655, 2655}, {50, 15, 2011630757, 1845447001, 2723, 2723},
    {50, 20, 8493988, 2738939, 2868, 2868}, {50, 20, 1991925010, 709517751, 2848, 2869},
    {50, 20, 342093237, 786960785, 2755, 2755}, {50, 20, 1634043183, 973178279, 2691, 2702},
    {50, 20, 341706507, 286513148, 2725, 2725}, {50, 20, 320167954, 1411193018, 2845, 2845},
    {50, 20, 1089696753, 298068750, 2812, 2825}, {50, 20, 433032965, 1589656152, 2764, 2784},
    {50, 20, 615974477, 331205412, 3063, 3071}, {50, 20, 236150141, 592292984, 2995, 2995},
    {100, 20, 302034063, 1203569070, 5464, 5464}, {100, 20, 1437643198, 1692025209, 5181, 5181},
    {100, 20, 1792475497, 1039908559, 5552, 5568}, {100, 20, 1647273132, 1012841433, 5339, 5339},
    {100, 20, 696480901, 1689682358, 5392, 5392}, {100, 20, 1785569423, 1092647459, 5342, 5342},
    {100, 20, 117806902, 739059626, 5436, 5436}, {100, 20, 1639154709, 1319962509, 5394, 5394},
    {100, 20, 2007423389, 749368241, 5358, 5358}, {100, 20, 682761130, 262763021, 5183, 5183},
}};

// Uniform in [low, high]: the linear congruential generator of the paper.
inline int taillard_draw(std::int32_t& seed, int low, int high) {
  constexpr std::int32_t a = 16807, b = 127773, c = 2836, m = 2147483647;
  seed = a * (seed % b) - (seed / b) * c;
  if (seed < 0) seed += m;
  return low + static_cast<int>(static_cast<double>(seed) / m * (high - low + 1));
}

// The longest job or the most loaded machine.
inline int lower_bound(const JobShop& shop) {
  std::vector<int> load(static_cast<std::size_t>(shop.machines));
  int bound = 0;
  for (const auto& job : shop.jobs) {
    int length = 0;
    for (const auto& [machine, duration] : job) {
      length += duration;
      load[static_cast<std::size_t>(machine)] += duration;
    }
    bound = std::max(bound, length);
  }
  return std::max(bound, *std::max_element(load.begin(), load.end()));
}

inline JobShop taillard(int number) {  // from 1
  const TaillardSeeds& seeds = kTaillard.at(static_cast<std::size_t>(number - 1));
  JobShop shop{(number < 10 ? "ta0" : "ta") + std::to_string(number), seeds.best, seeds.machines, {}};
  const auto machines = static_cast<std::size_t>(seeds.machines);
  shop.jobs.assign(static_cast<std::size_t>(seeds.jobs), std::vector<Operation>(machines));
  std::int32_t times = seeds.times, routes = seeds.routes;
  for (auto& job : shop.jobs) {
    for (auto& operation : job) operation.duration = taillard_draw(times, 1, 99);
  }
  for (auto& job : shop.jobs) {
    std::vector<int> route(machines);
    std::iota(route.begin(), route.end(), 0);
    for (int i = 0; i < seeds.machines; ++i) {
      std::swap(route[static_cast<std::size_t>(i)],
                route[static_cast<std::size_t>(taillard_draw(routes, i, seeds.machines - 1))]);
    }
    for (std::size_t i = 0; i < machines; ++i) job[i].machine = route[i];
  }
  INVARIANT(lower_bound(shop) == seeds.lower_bound);
  return shop;
}

// Machine and duration of each operation, a job per line.
inline JobShop parse(const std::string& name, int best, int machines, const char* text) {
  JobShop shop{name, best, machines, {}};
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream numbers(line);
    std::vector<Operation> job;
    for (Operation next; numbers >> next.machine >> next.duration;) job.push_back(next);
    INVARIANT(static_cast<int>(job.size()) == machines);
    shop.jobs.push_back(std::move(job));
  }
  return shop;
}

inline JobShop ft06() {
  return parse("ft06", 55, 6,
               "2 1 0 3 1 6 3 7 5 3 4 6\n"
               "1 8 2 5 4 10 5 10 0 10 3 4\n"
               "2 5 3 4 5 8 0 9 1 1 4 7\n"
               "1 5 0 5 2 5 3 3 4 8 5 9\n"
               "2 9 1 3 4 5 5 4 0 3 3 1\n"
               "1 3 3 3 5 9 0 10 4 4 2 1");
}
inline JobShop ft10() {
  return parse("ft10", 930, 10,
               "0 29 1 78 2 9 3 36 4 49 5 11 6 62 7 56 8 44 9 21\n"
               "0 43 2 90 4 75 9 11 3 69 1 28 6 46 5 46 7 72 8 30\n"
               "1 91 0 85 3 39 2 74 8 90 5 10 7 12 6 89 9 45 4 33\n"
               "1 81 2 95 0 71 4 99 6 9 8 52 7 85 3 98 9 22 5 43\n"
               "2 14 0 6 1 22 5 61 3 26 4 69 8 21 7 49 9 72 6 53\n"
               "2 84 1 2 5 52 3 95 8 48 9 72 0 47 6 65 4 6 7 25\n"
               "1 46 0 37 3 61 2 13 6 32 5 21 9 32 8 89 7 30 4 55\n"
               "2 31 0 86 1 46 5 74 4 32 6 88 8 19 9 48 7 36 3 79\n"
               "0 76 1 69 3 76 5 51 2 85 9 11 6 40 7 89 4 26 8 74\n"
               "1 85 0 13 2 61 6 7 8 64 9 76 5 47 3 52 4 90 7 45");
}

}  // namespace tidelock::bench
