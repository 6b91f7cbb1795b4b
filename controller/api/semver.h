// SPDX-License-Identifier: Apache-2.0
// Semantic versions (semver.org 2.0.0) and npm-style ranges: ~1.4, ^2, >=1.2 <2, 1.x, a || b, a - b.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace tidelock::api {

struct Version {
  std::uint64_t major = 0, minor = 0, patch = 0;
  std::vector<std::string> prerelease;
  std::string build;  // ignored in comparisons
  static Result<Version> parse(std::string_view text);
  std::string to_string() const;
  std::strong_ordering operator<=>(const Version& other) const;
  bool operator==(const Version& other) const { return (*this <=> other) == 0; }
};

class VersionRange {
 public:
  static Result<VersionRange> parse(std::string_view text);
  // Pre-releases match only when a comparator of the same major.minor.patch has one, as in npm.
  bool contains(const Version& version) const;

 private:
  friend class RangeParser;
  struct Comparator {
    enum class Operator { Less, LessEqual, Equal, GreaterEqual, Greater } op;
    Version version;
  };
  std::vector<std::vector<Comparator>> alternatives_;
};

}  // namespace tidelock::api
