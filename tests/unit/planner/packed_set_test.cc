// SPDX-License-Identifier: Apache-2.0
// The ordered containers of a large namespace beside what they are like.
#include "controller/planner/packed_set.h"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "controller/base/random.h"
#include "controller/planner/member_tree.h"

namespace tidelock::planner {

TEST_CASE("a packed set is a set, whatever comes and goes", "[planner][memory]") {
  SeededRandom random(7);
  for (const std::uint64_t range : {10U, 300U, 5000U}) {
    PackedSet<int, std::less<>> packed;
    std::set<int> plain;
    for (int i = 0; i < 6000; ++i) {
      const int value = static_cast<int>(random.below(range));
      // First it grows, then it shrinks.
      if (random.chance(i < 3000 ? 0.7 : 0.3)) {
        CHECK(packed.insert(value) == plain.insert(value).second);
      } else {
        CHECK(packed.erase_key(value) == plain.erase(value));
      }
      const int key = static_cast<int>(random.below(range));
      const auto at = packed.lower_bound(key);
      const auto expected = plain.lower_bound(key);
      REQUIRE((at == packed.end()) == (expected == plain.end()));
      if (expected != plain.end()) CHECK(*at == *expected);
      CHECK(packed.contains(key) == (plain.count(key) != 0));
      if (i % 500 == 0) CHECK(std::vector<int>(packed.begin(), packed.end()) == std::vector<int>(plain.begin(), plain.end()));
    }
    CHECK(packed.size() == plain.size());
  }
}

TEST_CASE("a key that stands for several values finds the first of them, in whatever row", "[planner][memory]") {
  struct ByFirst {
    using is_transparent = void;
    using Pair = std::pair<int, int>;
    bool operator()(const Pair& a, const Pair& b) const { return a < b; }
    bool operator()(const Pair& a, int b) const { return a.first < b; }
    bool operator()(int a, const Pair& b) const { return a < b.first; }
  };
  PackedSet<std::pair<int, int>, ByFirst> packed;
  std::set<std::pair<int, int>, ByFirst> plain;
  SeededRandom random(5);
  for (int i = 0; i < 4000; ++i) {
    const std::pair<int, int> value{static_cast<int>(random.below(60)), static_cast<int>(random.below(40))};
    if (random.chance(0.6)) {
      CHECK(packed.insert(value) == plain.insert(value).second);
    } else {
      CHECK(packed.erase_key(value) == plain.erase(value));
    }
    const int key = static_cast<int>(random.below(60));
    const auto at = packed.lower_bound(key);
    const auto expected = plain.lower_bound(key);
    REQUIRE((at == packed.end()) == (expected == plain.end()));
    if (expected != plain.end()) CHECK(*at == *expected);
  }
}

TEST_CASE("what comes in order or in reverse is kept in order", "[planner][memory]") {
  PackedSet<int, std::less<>> up, down;
  for (int i = 0; i < 1000; ++i) {
    up.insert(i);
    down.insert(999 - i);
  }
  CHECK(std::vector<int>(up.begin(), up.end()) == std::vector<int>(down.begin(), down.end()));
  while (!up.empty()) up.erase(up.begin());
  CHECK(up.size() == 0);
  CHECK(up.begin() == up.end());
}

TEST_CASE("the sum of members depends on who they are, not on how they came", "[planner][hash]") {
  SeededRandom random(11);
  std::vector<std::unique_ptr<std::string>> names;
  for (int i = 0; i < 200; ++i) names.push_back(std::make_unique<std::string>("pair-" + std::to_string(1000 + i)));
  std::map<std::string, MemberTree::Member> members;
  MemberTree told;
  for (int i = 0; i < 2000; ++i) {
    const auto& name = *names[random.below(names.size())];
    if (random.chance(0.6)) {
      const MemberTree::Member member{&name, MemberTree::sum_of(name, random.chance(0.5) ? "first" : "", "sha256:11")};
      told.put(member);
      members[name] = member;
    } else {
      told.remove(name);
      members.erase(name);
    }
    std::vector<MemberTree::Member> all;
    for (const auto& [key, member] : members) all.push_back(member);
    MemberTree built;
    built.build(all);
    REQUIRE(told.sum() == built.sum());
  }
  const auto before = told.sum();
  told.put({names[0].get(), MemberTree::sum_of(*names[0], "other", "sha256:11")});
  CHECK(told.sum() != before);
}

}  // namespace tidelock::planner
