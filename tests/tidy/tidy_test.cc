// SPDX-License-Identifier: Apache-2.0
// Rules about the tree itself: who may include whom, calls that belong to platform/, headers, READMEs.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;
using Folders = std::set<std::string>;

const fs::path kRoot = TIDELOCK_SOURCE_DIR;

// The include table of controller/README.md.
const std::map<std::string, Folders> kMayInclude{
    {"base", {}},
    {"api", {"base"}},
    {"planner", {"base", "api"}},
    {"store", {"base"}},
    {"http", {"base"}},
    {"platform", {"base"}},
    {"apiserver", {"base", "api", "store", "http"}},
    {"client", {"base", "api", "http"}},
    {"logs", {"base", "api", "http"}},
    {"reconciler", {"base", "api", "planner", "client"}},
    {"agent", {"base", "api", "client"}},
    {"cli", {"base", "api", "client", "planner", "http"}},
};

// Third-party headers that only one folder, or one file, may see.
const std::map<std::string, std::string> kThirdParty{
    {"spdlog/", "controller/base/log"},     {"yaml-cpp/", "controller/api/yaml.cc"},
    {"cpprest/", "controller/http/"},       {"pplx/", "controller/http/"},
    {"boost/", "controller/http/"},         {"sqlite3.h", "controller/store/database"},
    {"archive.h", "controller/agent/"},     {"archive_entry.h", "controller/agent/"},
    {"curl/", "controller/agent/"},         {"sodium.h", "controller/agent/"},
    {"absl/", "controller/base/time_zone.cc"},
};

// Calls that make a run depend on the machine; each says what to use instead.
struct Ban {
  std::string pattern;
  std::string instead;
};
const std::vector<Ban> kBans{
    {R"(system_clock::now|steady_clock::now|\bgettimeofday\(|\bclock_gettime\(|\btime\((nullptr|NULL|0)\))",
     "a Clock argument"},
    {R"(sleep_for|sleep_until|\busleep\(|\bnanosleep\(|[^_.a-z]sleep\()", "a deadline returned from step()"},
    {R"(random_device|\brand\(\)|\bsrand\(|mt19937|uniform_int_distribution)", "a Random argument"},
    {R"(std::regex)", "RE2"},
};

std::string path_in_tree(const fs::path& path) { return fs::relative(path, kRoot).generic_string(); }

Lines read_lines(const fs::path& path) {
  std::ifstream file(path);
  Lines lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<fs::path> sources(const std::string& folder) {
  std::vector<fs::path> found;
  if (!fs::exists(kRoot / folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / folder)) {
    const auto extension = entry.path().extension();
    if (entry.is_regular_file() && (extension == ".h" || extension == ".cc")) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

// The part of a line that is code: without a // comment and without string literals.
std::string code_of(const std::string& line) {
  static const std::regex strings(R"("([^"\\]|\\.)*")");
  std::string code = std::regex_replace(line, strings, "\"\"");
  return code.substr(0, code.find("//"));
}

std::string include_of(const std::string& line) {
  static const std::regex include(R"(^\s*#include\s+["<]([^">]+)[">])");
  std::smatch match;
  return std::regex_search(line, match, include) ? match[1].str() : "";
}

std::string folder_of(const std::string& path) {
  if (path.rfind("controller/", 0) != 0) return "";
  const auto rest = path.substr(11);
  return rest.substr(0, rest.find('/'));
}

void report(const std::vector<std::string>& problems) {
  std::ostringstream text;
  for (const auto& problem : problems) text << problem << "\n";
  INFO(text.str());
  CHECK(problems.empty());
}

// The problems of one file's includes.
std::vector<std::string> include_problems(const std::string& file, const Lines& lines) {
  std::vector<std::string> problems;
  const std::string folder = folder_of(file);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string included = include_of(lines[i]);
    const std::string to = folder_of(included);
    const std::string where = file + ":" + std::to_string(i + 1) + ": ";
    if (!to.empty() && to != folder && folder != "main") {
      const auto allowed = kMayInclude.find(folder);
      if (allowed == kMayInclude.end()) {
        problems.push_back(where + folder + " is not in the include table");
      } else if (allowed->second.count(to) == 0) {
        problems.push_back(where + folder + " may not include " + to);
      }
    }
    for (const auto& [header, place] : kThirdParty) {
      if (included.rfind(header, 0) == 0 && file.rfind(place, 0) != 0) {
        problems.push_back(where + included + " belongs to " + place);
      }
    }
  }
  return problems;
}

std::vector<std::string> ban_problems(const std::string& file, const Lines& lines) {
  std::vector<std::string> problems;
  for (const Ban& ban : kBans) {
    const std::regex pattern(ban.pattern);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (std::regex_search(code_of(lines[i]), pattern)) {
        problems.push_back(file + ":" + std::to_string(i + 1) + ": use " + ban.instead);
      }
    }
  }
  return problems;
}

}  // namespace

TEST_CASE("folders include only what the include table allows", "[tidy]") {
  std::vector<std::string> problems;
  for (const auto& path : sources("controller")) {
    for (auto& problem : include_problems(path_in_tree(path), read_lines(path))) problems.push_back(problem);
  }
  report(problems);
}

TEST_CASE("time, randomness and sleeps stay in platform", "[tidy]") {
  std::vector<std::string> problems;
  for (const auto& path : sources("controller")) {
    if (folder_of(path_in_tree(path)) == "platform") continue;
    for (auto& problem : ban_problems(path_in_tree(path), read_lines(path))) problems.push_back(problem);
  }
  report(problems);
}

TEST_CASE("tests do not sleep", "[tidy]") {
  std::vector<std::string> problems;
  for (const auto& path : sources("tests")) {
    if (path_in_tree(path).rfind("tests/tidy/", 0) == 0 || path_in_tree(path).rfind("tests/bench/", 0) == 0) continue;
    const Lines lines = read_lines(path);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].find("sleep_for") != std::string::npos) {
        problems.push_back(path_in_tree(path) + ":" + std::to_string(i + 1) + ": wait for an event instead");
      }
    }
  }
  report(problems);
}

TEST_CASE("the tidy rules find what they are for", "[tidy]") {
  CHECK(include_problems("controller/planner/x.cc", {"#include \"controller/client/api_client.h\""}) ==
        std::vector<std::string>{"controller/planner/x.cc:1: planner may not include client"});
  CHECK(include_problems("controller/agent/x.cc", {"#include <boost/asio.hpp>"}).size() == 1);
  CHECK(include_problems("controller/http/x.cc", {"#include <boost/asio.hpp>"}).empty());
  CHECK(ban_problems("f", {"auto t = std::chrono::system_clock::now();"}).size() == 1);
  CHECK(ban_problems("f", {"// system_clock::now is banned", "log(\"sleep(1)\");"}).empty());
  CHECK(ban_problems("f", {"  sleep(1);"}).size() == 1);
  CHECK(ban_problems("f", {"std::this_thread::sleep_for(1s);"}).size() == 1);
}

TEST_CASE("every source file names its licence first and every header guards itself", "[tidy]") {
  std::vector<std::string> problems;
  for (const char* top : {"controller", "tests"}) {
    for (const auto& path : sources(top)) {
      const Lines lines = read_lines(path);
      if (lines.empty() || lines[0] != "// SPDX-License-Identifier: Apache-2.0") {
        problems.push_back(path_in_tree(path) + ": the first line is not the licence line");
      }
      if (path.extension() == ".h" && std::find(lines.begin(), lines.end(), "#pragma once") == lines.end()) {
        problems.push_back(path_in_tree(path) + ": no #pragma once");
      }
    }
  }
  report(problems);
}

TEST_CASE("every folder of the controller has a README of at most 20 lines", "[tidy]") {
  std::vector<std::string> problems;
  for (const auto& entry : fs::directory_iterator(kRoot / "controller")) {
    if (!entry.is_directory()) continue;
    const auto readme = entry.path() / "README.md";
    if (!fs::exists(readme)) {
      problems.push_back(path_in_tree(entry.path()) + ": no README.md");
    } else if (read_lines(readme).size() > 20) {
      problems.push_back(path_in_tree(readme) + ": more than 20 lines");
    }
  }
  report(problems);
}

TEST_CASE("files stay small enough to have one concept", "[tidy]") {
  constexpr std::size_t kLinesMax = 700;
  std::vector<std::string> problems;
  for (const auto& path : sources("controller")) {
    const std::size_t lines = read_lines(path).size();
    if (lines > kLinesMax) {
      problems.push_back(path_in_tree(path) + ": " + std::to_string(lines) + " lines; which noun is hiding in it?");
    }
  }
  report(problems);
}

TEST_CASE("no marker of unfinished work is left", "[tidy]") {
  std::vector<std::string> problems;
  const std::regex marker(R"(\b(TODO|FIXME|XXX|HACK)\b)");
  for (const auto& path : sources("controller")) {
    const Lines lines = read_lines(path);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (std::regex_search(lines[i], marker)) {
        problems.push_back(path_in_tree(path) + ":" + std::to_string(i + 1) + ": " + lines[i]);
      }
    }
  }
  report(problems);
}
