// SPDX-License-Identifier: Apache-2.0
#include "controller/api/semver.h"

#include <catch2/catch.hpp>

namespace tidelock::api {
namespace {

Version version(std::string_view text) {
  const auto parsed = Version::parse(text);
  if (!parsed) FAIL(parsed.error().message);
  return *parsed;
}

bool contains(std::string_view range, std::string_view text) {
  const auto parsed = VersionRange::parse(range);
  if (!parsed) FAIL(range << ": " << parsed.error().message);
  return parsed->contains(version(text));
}

}  // namespace

TEST_CASE("versions are read as semver.org wants them", "[api][semver]") {
  for (const char* text : {"0.0.0", "1.2.3", "1.2.3-rc.1", "1.2.3-0", "1.2.3--", "1.2.3-a-b.c",
                           "1.2.3+build.01", "1.2.3-rc+b", "9007199254740991.0.0"}) {
    INFO(text);
    REQUIRE(Version::parse(text));
    CHECK(Version::parse(text)->to_string() == text);
  }
  for (const char* text : {"", "1", "1.2", "1.2.3.4", "v1.2.3", "01.2.3", "1.02.3", "1.2.3-", "1.2.3-01",
                           "1.2.3-a..b", "1.2.3+", "1.2.3-a_b", " 1.2.3", "1.2.3 ", "1.2.x", "-1.2.3",
                           "9007199254740992.0.0", "1.2.3-rc+b+c"}) {
    INFO(text);
    CHECK_FALSE(Version::parse(text));
  }
}

TEST_CASE("versions are ordered as semver.org orders them", "[api][semver]") {
  const std::vector<std::string> rising = {
      "0.0.1",      "0.9.0",        "1.0.0-0",  "1.0.0-1",    "1.0.0-9", "1.0.0-10", "1.0.0-alpha",
      "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
      "1.0.0-rc.1", "1.0.0",        "1.0.1",    "1.2.0",      "1.10.0",  "2.0.0",    "10.0.0"};
  for (std::size_t i = 0; i < rising.size(); ++i) {
    for (std::size_t j = 0; j < rising.size(); ++j) {
      INFO(rising[i] << " and " << rising[j]);
      CHECK(((version(rising[i]) <=> version(rising[j])) < 0) == (i < j));
      CHECK((version(rising[i]) == version(rising[j])) == (i == j));
    }
  }
  CHECK(version("1.0.0+a") == version("1.0.0+b"));
}

TEST_CASE("ranges contain what npm's ranges contain", "[api][semver]") {
  const auto [range, inside, outside] =
      GENERATE(table<std::string, std::vector<std::string>, std::vector<std::string>>({
          {"1.2.3", {"1.2.3", "1.2.3+b"}, {"1.2.4", "1.2.2", "1.2.3-rc"}},
          {"=1.2.3", {"1.2.3"}, {"1.2.4"}},
          {"~1.4", {"1.4.0", "1.4.9"}, {"1.5.0", "1.3.9", "2.4.0", "1.4.5-rc"}},
          {"~1.4.2", {"1.4.2", "1.4.9"}, {"1.4.1", "1.5.0"}},
          {"~1", {"1.0.0", "1.9.9"}, {"2.0.0", "0.9.0"}},
          {"^1.2.3", {"1.2.3", "1.9.0"}, {"1.2.2", "2.0.0", "2.0.0-rc"}},
          {"^0.2.3", {"0.2.3", "0.2.9"}, {"0.3.0", "0.2.2"}},
          {"^0.0.3", {"0.0.3"}, {"0.0.4", "0.0.2"}},
          {"^0.0", {"0.0.0", "0.0.9"}, {"0.1.0"}},
          {"^0", {"0.0.0", "0.9.9"}, {"1.0.0"}},
          {"^2", {"2.0.0", "2.9.0"}, {"3.0.0", "1.9.0"}},
          {"1.x", {"1.0.0", "1.9.9"}, {"2.0.0", "0.9.9"}},
          {"1.2.*", {"1.2.0", "1.2.9"}, {"1.3.0"}},
          {"1", {"1.0.0", "1.9.9"}, {"2.0.0"}},
          {"*", {"0.0.0", "99.0.0"}, {"1.0.0-rc"}},
          {">=1.2 <2", {"1.2.0", "1.99.0"}, {"1.1.9", "2.0.0", "2.0.0-rc"}},
          {">= 1.2  < 2", {"1.2.0"}, {"2.0.0"}},
          {">1.2", {"1.3.0", "2.0.0"}, {"1.2.0", "1.2.9"}},
          {">1.2.3", {"1.2.4"}, {"1.2.3"}},
          {"<=1.2", {"1.2.9", "0.1.0"}, {"1.3.0"}},
          {"<=1.2.3", {"1.2.3"}, {"1.2.4"}},
          {"<1", {"0.9.9"}, {"1.0.0"}},
          {"1.2 - 1.4", {"1.2.0", "1.4.9"}, {"1.1.9", "1.5.0"}},
          {"1.2.3 - 1.4.5", {"1.2.3", "1.4.5"}, {"1.2.2", "1.4.6"}},
          {"1.2.3 - 2", {"1.2.3", "2.9.9"}, {"3.0.0"}},
          {"1.0 || 3.x", {"1.0.5", "3.1.0"}, {"1.1.0", "2.0.0"}},
          {"^1.2.3-rc.2", {"1.2.3-rc.2", "1.2.3-rc.10", "1.2.3", "1.3.0"}, {"1.2.3-rc.1", "1.3.0-rc.3"}},
          {">=1.0.0-0", {"1.0.0-alpha", "1.0.0"}, {"1.1.0-alpha"}},
          {"<*", {}, {"0.0.0", "1.0.0"}},
      }));
  INFO(range);
  for (const std::string& each : inside) {
    INFO(each);
    CHECK(contains(range, each));
  }
  for (const std::string& each : outside) {
    INFO(each);
    CHECK_FALSE(contains(range, each));
  }
}

TEST_CASE("what is no range is refused", "[api][semver]") {
  for (const char* text : {"", " ", "latest", "1.2.3.4", "~>", "~", "=>1", "1 - ", "a || b", "1.2-rc", ">=01.0.0"}) {
    INFO(text);
    CHECK_FALSE(VersionRange::parse(text));
  }
}

}  // namespace tidelock::api
