// SPDX-License-Identifier: Apache-2.0
// A picture of measurements as SVG text: one small plot per series, both axes logarithmic and all the same.
#pragma once

#include <string>
#include <vector>

namespace tidelock::bench {

struct Point {
  double x = 1, median = 1, p99 = 1;
};
struct Series {
  std::string name;
  std::vector<Point> points;
};

std::string small_multiples(const std::string& title, const std::vector<Series>& all);

}  // namespace tidelock::bench
