// SPDX-License-Identifier: Apache-2.0
// Runs every script of this folder. TIDELOCK_REWRITE=1 writes what really is printed into them:
// only commit such a change when you can say why each line moved.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/planner_script.h"

TEST_CASE("every scenario script prints what it says", "[scenario]") {
  namespace fs = std::filesystem;
  std::vector<fs::path> scripts;
  for (const auto& entry :
       fs::directory_iterator(fs::path(TIDELOCK_SOURCE_DIR) / "tests/scenario")) {
    if (entry.path().extension() == ".txt") scripts.push_back(entry.path());
  }
  std::sort(scripts.begin(), scripts.end());
  REQUIRE(scripts.size() >= 3);
  for (const auto& path : scripts) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    const std::string printed = tidelock::testing::run_script(text.str());
    INFO(path.filename().string());
    if (std::getenv("TIDELOCK_REWRITE") != nullptr) {
      std::ofstream(path) << printed;
    } else {
      CHECK(printed == text.str());
    }
  }
}
