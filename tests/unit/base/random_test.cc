// SPDX-License-Identifier: Apache-2.0
#include "controller/base/random.h"

#include <catch2/catch.hpp>
#include <limits>
#include <set>
#include <vector>

using namespace tidelock;

namespace {
// Hands out given numbers, for the edges that a real generator hits once in an age.
class ScriptedRandom final : public Random {
 public:
  explicit ScriptedRandom(std::vector<std::uint64_t> numbers) : numbers_(std::move(numbers)) {}
  std::uint64_t next() override { return numbers_.at(at_++); }

 private:
  std::vector<std::uint64_t> numbers_;
  std::size_t at_ = 0;
};
}  // namespace

TEST_CASE("the same seed gives the same numbers on every platform", "[base][random]") {
  SeededRandom zero{0};  // the published sequence of xoshiro256** seeded by splitmix64(0)
  CHECK(zero.next() == 0x99ec5f36cb75f2b4);
  CHECK(zero.next() == 0xbf6e1f784956452a);
  CHECK(zero.next() == 0x1a5f849d4933e6e0);
  SeededRandom a{7};
  SeededRandom b{7};
  SeededRandom c{8};
  CHECK(a.next() == b.next());
  CHECK(a.next() != c.next());
}

TEST_CASE("below reaches every number and none beyond", "[base][random]") {
  SeededRandom random{1};
  std::vector<int> hits(10);
  for (int i = 0; i < 10'000; ++i) ++hits.at(random.below(10));
  for (const int count : hits) CHECK((count > 800 && count < 1200));
  CHECK(random.below(1) == 0);
}

TEST_CASE("below drops the numbers that would favour small remainders", "[base][random]") {
  // 2^64 mod 3 is 1: the number 0 is dropped, 1 is kept.
  CHECK(ScriptedRandom{{0, 1}}.below(3) == 1);
  CHECK(ScriptedRandom{{2, 1}}.below(3) == 2);
  CHECK(ScriptedRandom{{UINT64_MAX}}.below(4) == 3);
}

TEST_CASE("between includes both ends of any range", "[base][random]") {
  SeededRandom random{2};
  std::set<std::int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(random.between(-2, 2));
  CHECK(seen == std::set<std::int64_t>{-2, -1, 0, 1, 2});
  CHECK(random.between(5, 5) == 5);
  constexpr auto kLow = std::numeric_limits<std::int64_t>::min();
  constexpr auto kHigh = std::numeric_limits<std::int64_t>::max();
  CHECK(ScriptedRandom{{0}}.between(kLow, kHigh) == kLow);
  CHECK(ScriptedRandom{{UINT64_MAX}}.between(kLow, kHigh) == kHigh);
}

TEST_CASE("a chance of zero never comes and a chance of one always", "[base][random]") {
  CHECK_FALSE(ScriptedRandom{{0}}.chance(0.0));
  CHECK(ScriptedRandom{{UINT64_MAX}}.chance(1.0));
  CHECK_FALSE(ScriptedRandom{{1ULL << 63}}.chance(0.5));
  CHECK(ScriptedRandom{{(1ULL << 63) - 1}}.chance(0.5));
}

TEST_CASE("a uuid has the version 4 form", "[base][random]") {
  CHECK(ScriptedRandom{{0, 0}}.uuid() == "00000000-0000-4000-8000-000000000000");
  CHECK(ScriptedRandom{{UINT64_MAX, UINT64_MAX}}.uuid() == "ffffffff-ffff-4fff-bfff-ffffffffffff");
  CHECK(ScriptedRandom{{0x0123456789abcdef, 0x0123456789abcdef}}.uuid() ==
        "01234567-89ab-4def-8123-456789abcdef");
}
