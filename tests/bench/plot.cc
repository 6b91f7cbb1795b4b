// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/plot.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace tidelock::bench {
namespace {

constexpr int kColumns = 4;
constexpr double kWidth = 250, kHeight = 190, kLeft = 42, kTop = 26, kInnerWidth = 195, kInnerHeight = 130;
constexpr double kXMin = 3, kXMax = 6, kYMin = -1, kYMax = 4;  // powers of ten

double x_of(double value) { return kLeft + (std::log10(value) - kXMin) / (kXMax - kXMin) * kInnerWidth; }
double y_of(double value) {
  const double power = std::clamp(std::log10(std::max(value, 1e-9)), kYMin, kYMax);
  return kTop + (kYMax - power) / (kYMax - kYMin) * kInnerHeight;
}

void text(std::ostream& out, double x, double y, const char* anchor, const std::string& words) {
  out << "<text x='" << x << "' y='" << y << "' text-anchor='" << anchor << "'>" << words << "</text>\n";
}

void axes(std::ostream& out) {
  for (int power = static_cast<int>(kYMin); power <= kYMax; ++power) {
    const double y = y_of(std::pow(10, power));
    out << "<path class='grid' d='M" << kLeft << " " << y << "h" << kInnerWidth << "'/>\n";
    std::ostringstream label;
    label << std::pow(10, power);
    text(out, kLeft - 4, y + 3, "end", label.str());
  }
  for (int power = static_cast<int>(kXMin); power <= kXMax; ++power) {
    text(out, x_of(std::pow(10, power)), kTop + kInnerHeight + 13, "middle", "10^" + std::to_string(power));
  }
  out << "<path class='bound' d='M" << kLeft << " " << y_of(50) << "h" << kInnerWidth << "'/>\n";
}

void line(std::ostream& out, const Series& series, double Point::*value, const char* style) {
  std::ostringstream path;
  for (const auto& point : series.points) {
    const double x = x_of(point.x), y = y_of(point.*value);
    path << (path.tellp() == 0 ? "M" : "L") << x << " " << y;
    out << "<circle class='" << style << "' cx='" << x << "' cy='" << y << "' r='2.5'/>\n";
  }
  out << "<path class='" << style << "' d='" << path.str() << "'/>\n";
}

}  // namespace

std::string small_multiples(const std::string& title, const std::vector<Series>& all) {
  const int rows = (static_cast<int>(all.size()) + kColumns - 1) / kColumns;
  std::ostringstream out;
  out.precision(5);
  out << "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 " << kColumns * kWidth << " " << rows * kHeight + 40
      << "' font-family='sans-serif' font-size='10'>\n"
      << "<style>path{fill:none;stroke-width:1.5}.grid{stroke:#ddd;stroke-width:1}"
         ".bound{stroke:#b00;stroke-dasharray:3 3;stroke-width:1}"
         "path.median{stroke:#036}circle.median{fill:#036}path.p99{stroke:#c80}circle.p99{fill:#c80}</style>\n"
      << "<rect width='100%' height='100%' fill='white'/>\n";
  text(out, kLeft, 18, "start", title + ": median blue, p99 orange, 50 red");
  for (std::size_t i = 0; i < all.size(); ++i) {
    const int column = static_cast<int>(i) % kColumns, row = static_cast<int>(i) / kColumns;
    out << "<g transform='translate(" << column * kWidth << " " << row * kHeight + 30 << ")'>\n";
    text(out, kLeft, kTop - 8, "start", all[i].name);
    axes(out);
    line(out, all[i], &Point::median, "median");
    line(out, all[i], &Point::p99, "p99");
    out << "</g>\n";
  }
  out << "</svg>\n";
  return out.str();
}

}  // namespace tidelock::bench
