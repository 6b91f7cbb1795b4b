// SPDX-License-Identifier: Apache-2.0
#include "controller/api/int_or_percent.h"

#include <catch2/catch.hpp>
#include <limits>

namespace tidelock::api {
namespace {

constexpr int kMost = std::numeric_limits<int>::max();

struct Row {
  IntOrPercent share;
  int members;
  int expected;
};

constexpr IntOrPercent percent(int value) { return {value, true}; }
constexpr IntOrPercent number(int value) { return {value, false}; }

void check(int (*resolve)(IntOrPercent, int, int), int minimum, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    INFO(row.share.value << (row.share.percent ? "%" : "") << " of " << row.members);
    CHECK(resolve(row.share, row.members, minimum) == row.expected);
  }
}

}  // namespace

TEST_CASE("concurrency and steps round down, are at least one and at most all", "[api][share]") {
  check(resolve_floor, 1,
        {{number(1), 10, 1},
         {number(10), 10, 10},
         {number(11), 10, 10},
         {number(kMost), 10, 10},
         {percent(1), 10, 1},      // 0.1
         {percent(1), 99, 1},      // 0.99
         {percent(1), 100, 1},
         {percent(1), 199, 1},     // 1.99
         {percent(1), 200, 2},
         {percent(25), 10, 2},     // 2.5
         {percent(25), 3, 1},      // 0.75
         {percent(33), 3, 1},      // 0.99
         {percent(34), 3, 1},      // 1.02
         {percent(99), 10, 9},     // 9.9
         {percent(99), 100, 99},
         {percent(100), 10, 10},
         {percent(100), 1, 1},
         {percent(100), kMost, kMost},
         {percent(50), kMost, kMost / 2},
         {percent(1), kMost, kMost / 100},
         {percent(50), 0, 1},      // whoever joins later may start
         {number(3), 0, 1}});
}

TEST_CASE("maxFailures and the other bounds round down and may be none", "[api][share]") {
  check(resolve_floor, 0,
        {{number(0), 10, 0},
         {number(1), 10, 1},
         {number(10), 10, 10},
         {number(11), 10, 10},
         {percent(0), 10, 0},
         {percent(0), kMost, 0},
         {percent(9), 10, 0},      // 0.9
         {percent(10), 10, 1},
         {percent(19), 10, 1},     // 1.9
         {percent(10), 9, 0},      // 0.9
         {percent(10), 19, 1},     // 1.9
         {percent(99), 1, 0},
         {percent(100), 1, 1},
         {percent(100), 10, 10},
         {percent(100), kMost, kMost},
         {percent(99), kMost, 2126008810},  // 2126008810.53
         {percent(50), 0, 0},
         {number(3), 0, 0}});
}

TEST_CASE("minSucceeded rounds up, is at least one and at most all", "[api][share]") {
  check(resolve_ceil, 1,
        {{number(1), 10, 1},
         {number(10), 10, 10},
         {number(11), 10, 10},
         {number(kMost), 10, 10},
         {percent(1), 10, 1},      // 0.1
         {percent(10), 10, 1},
         {percent(11), 10, 2},     // 1.1
         {percent(1), 100, 1},
         {percent(1), 101, 2},     // 1.01
         {percent(50), 3, 2},      // 1.5
         {percent(99), 10, 10},    // 9.9
         {percent(99), 100, 99},
         {percent(100), 10, 10},
         {percent(1), 1, 1},
         {percent(100), kMost, kMost},
         {percent(99), kMost, 2126008811},
         {percent(50), 0, 0},      // there is nobody who could
         {number(3), 0, 0}});
}

TEST_CASE("shares that validation refuses stay inside the bounds", "[api][share]") {
  CHECK(resolve_floor(number(0), 10, 1) == 1);
  CHECK(resolve_floor(number(-5), 10, 1) == 1);
  CHECK(resolve_floor(number(-5), 10, 0) == 0);
  CHECK(resolve_floor(percent(0), 10, 1) == 1);
  CHECK(resolve_floor(percent(-5), 10, 0) == 0);
  CHECK(resolve_floor(percent(101), 10, 0) == 10);
  CHECK(resolve_floor(percent(kMost), kMost, 0) == kMost);
  CHECK(resolve_ceil(number(-5), 10, 1) == 1);
  CHECK(resolve_ceil(percent(0), 10, 1) == 1);
  CHECK(resolve_ceil(percent(101), 10, 1) == 10);
  CHECK(resolve_ceil(percent(101), -1, 1) == 0);
}

}  // namespace tidelock::api
