// SPDX-License-Identifier: Apache-2.0
// Shares of budgets (fair_share.h) and lines whose order they change (waiting_line.h).
#include "controller/planner/fair_share.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>

#include "controller/base/random.h"
#include "controller/planner/admission_state.h"

namespace tidelock::planner {
namespace {

// What admission grants of `count` requests of each rollout, told in this order, under one budget.
class Contenders {
 public:
  Contenders() : admission_([](const std::string&) { return LockRules{}; }) {}
  void budget(const std::string& name, int max) { admission_.set_budget(name, max); }
  void ask(const std::string& rollout, int count, std::vector<std::string> budgets,
           int priority = 0) {
    for (int i = 0; i < count; ++i) {
      Request request;
      request.task = rollout + "-" + std::to_string(++asked_ + 1000);
      request.rollout = rollout;
      request.priority = priority;
      request.requested_at = TimePoint(Duration(asked_));
      request.waiting = true;
      request.budgets = budgets;
      admission_.update(requests_[request.task] = request);
    }
  }
  // The tasks that run, by rollout, once admission has been asked.
  std::map<std::string, int> running() {
    for (const auto& task : admission_.run(TimePoint{}).granted) {
      auto& request = requests_.at(task);
      request.waiting = false;
      request.started = request.uses_slot = true;
      admission_.update(request);
      granted_.push_back(task);
    }
    std::map<std::string, int> counts;
    for (const auto& [task, request] : requests_) {
      if (request.uses_slot) ++counts[request.rollout];
    }
    return counts;
  }
  auto asking(const std::string& rollout) const {
    return std::count_if(requests_.begin(), requests_.end(),
                         [&](const auto& entry) { return entry.second.rollout == rollout; });
  }
  void finish_oldest() {
    admission_.remove(granted_.front());
    requests_.erase(granted_.front());
    granted_.pop_front();
  }
  void finish(const std::string& rollout) {
    const auto one = std::find_if(requests_.begin(), requests_.end(), [&](const auto& entry) {
      return entry.second.rollout == rollout && entry.second.uses_slot;
    });
    REQUIRE(one != requests_.end());
    admission_.remove(one->first);
    requests_.erase(one);
  }

 private:
  Admission admission_;
  std::map<std::string, Request> requests_;
  std::deque<std::string> granted_;
  int asked_ = 0;
};

}  // namespace

TEST_CASE(
    "a share is the budget by rollouts, rounded down, at least one; one rollout alone has none",
    "[planner][fair-share]") {
  CHECK(share_of(10, 2) == 5);
  CHECK(share_of(10, 3) == 3);
  CHECK(share_of(2, 3) == 1);
  CHECK(share_of(0, 2) == 1);
  CHECK(share_of(10, 1) == kNoShare);
  CHECK(share_of(std::nullopt, 7) == kNoShare);
}

TEST_CASE("shares say when somebody comes to his or falls below it, and only then",
          "[planner][fair-share]") {
  Shares shares;
  CHECK_FALSE(shares.set_max(4));
  Stake& a = shares.join("a");
  Stake& b = shares.join("b");
  CHECK_FALSE(shares.wait(a, 0, 1));
  CHECK_FALSE(shares.use(a, 3));  // nobody else waits
  CHECK(shares.wait(b, 0, 1));    // two each from now on
  CHECK(shares.contest(0).share == 2);
  CHECK_FALSE(shares.wait(b, 0, 1));
  CHECK_FALSE(shares.use(b, 1));
  CHECK(shares.use(b, 1));
  CHECK(shares.use(a, -2));
  CHECK(shares.set_max(2));
  CHECK(shares.contest(0).share == 1);
  CHECK_FALSE(shares.wait(b, 0, -1));
  CHECK(shares.wait(b, 0, -1));
  CHECK(shares.contest(0).share == kNoShare);
  CHECK_FALSE(shares.wait(b, 5, 1));  // another priority is another contest
}

TEST_CASE(
    "two rollouts have five slots of ten each while both wait, and all when the other does not",
    "[planner][fair-share]") {
  Contenders all;
  all.budget("cap", 10);
  all.ask("big", 100, {"cap"});
  all.ask("small", 8, {"cap"});
  CHECK(all.running() == std::map<std::string, int>{{"big", 5}, {"small", 5}});
  all.finish("small");
  CHECK(all.running() == std::map<std::string, int>{{"big", 5}, {"small", 5}});
  for (int i = 0; i < 2; ++i) all.finish("small"), all.running();
  CHECK(all.running() == std::map<std::string, int>{{"big", 5}, {"small", 5}});
  all.finish("small");  // none of it waits any more
  CHECK(all.running() == std::map<std::string, int>{{"big", 6}, {"small", 4}});
}

TEST_CASE("a rollout that joins waits for the next slots only, nobody is put out",
          "[planner][fair-share]") {
  Contenders all;
  all.budget("cap", 4);
  all.ask("old", 20, {"cap"});
  CHECK(all.running()["old"] == 4);
  all.ask("new", 20, {"cap"});
  CHECK(all.running() == std::map<std::string, int>{{"old", 4}});
  for (int i = 0; i < 2; ++i) all.finish("old"), all.running();
  CHECK(all.running() == std::map<std::string, int>{{"new", 2}, {"old", 2}});
}

TEST_CASE("a higher priority takes what it can, and its slots count as no one else's share",
          "[planner][fair-share]") {
  Contenders all;
  all.budget("cap", 6);
  all.ask("low", 10, {"cap"});
  all.ask("other", 10, {"cap"});
  all.ask("high", 4, {"cap"}, 1);
  CHECK(all.running() == std::map<std::string, int>{{"high", 4}, {"low", 2}});
  for (int i = 0; i < 4; ++i) all.finish("high"), all.running();
  CHECK(all.running() == std::map<std::string, int>{{"low", 3}, {"other", 3}});
}

TEST_CASE("who has his share of any contended budget that he asks goes last",
          "[planner][fair-share]") {
  Contenders all;
  all.budget("outer", 3);
  all.budget("inner", 2);
  all.ask("a", 1, {"outer", "inner"});
  all.ask("a", 3, {"outer"});
  CHECK(all.running() == std::map<std::string, int>{{"a", 3}});
  all.ask("a", 1, {"outer", "inner"});
  all.ask("b", 1, {"inner"});
  CHECK(all.running() == std::map<std::string, int>{{"a", 3}, {"b", 1}});
}

TEST_CASE("under a stream of new rollouts the oldest request is granted all the same",
          "[planner][fair-share]") {
  Contenders all;
  all.budget("cap", 2);
  all.ask("old", 3, {"cap"});
  for (int i = 0; i < 30; ++i) {
    all.ask("new" + std::to_string(i), 2, {"cap"});
    all.running();
    all.finish_oldest();
  }
  CHECK(all.asking("old") == 0);  // done long ago
}

TEST_CASE("a line answers as a sorted list does, also after shares changed",
          "[planner][fair-share]") {
  SeededRandom random(7);
  Contest contest{2, 2};
  for (int round = 0; round < 200; ++round) {
    std::deque<Stake> stakes(4);
    std::deque<Group> groups;
    std::deque<Entry> entries;
    for (int g = 0; g < 8; ++g)
      groups.push_back({{{&stakes[static_cast<std::size_t>(g % 4)], &contest}}, 0});
    Line line;
    std::vector<Entry*> list;
    for (int i = 0; i < 40; ++i) {
      const auto g = random.below(8);
      auto& entry = entries.emplace_back();
      entry.group = &groups[g];
      entry.key.priority = g < 4 ? 0 : 1;
      entry.key.requested_at = TimePoint(Duration(random.below(20)));
      entry.key.task = std::to_string(i);
      line.insert(entry);
      list.push_back(&entry);
      if (!random.chance(0.3)) continue;
      const auto gone = list.begin() + static_cast<std::ptrdiff_t>(random.below(list.size()));
      CHECK(line.erase(**gone));
      CHECK_FALSE(line.erase(**gone));
      list.erase(gone);
    }
    for (auto& stake : stakes) stake.used = static_cast<int>(random.below(4));
    std::sort(list.begin(), list.end(),
              [](const Entry* a, const Entry* b) { return before(*a, *b); });
    std::vector<Entry*> walked;
    for (auto* entry = line.first(); entry != nullptr; entry = line.after(*entry))
      walked.push_back(entry);
    REQUIRE(walked == list);
    REQUIRE(line.size() == list.size());
    if (list.empty()) continue;
    std::vector<const Entry*> plain(list.begin(), list.end());
    std::sort(plain.begin(), plain.end(), [](const Entry* a, const Entry* b) { return a->key < b->key; });
    CHECK(line.front(1'000) == plain);
    const std::size_t shown = std::min<std::size_t>(5, plain.size());
    CHECK(line.front(shown) == std::vector<const Entry*>(plain.begin(), plain.begin() + static_cast<std::ptrdiff_t>(shown)));
    for (std::size_t i = 0; i < plain.size(); ++i) CHECK(line.place(*plain[i], 1'000) == i + 1);
    CHECK(line.place(*plain.back(), shown) >= shown);
    CHECK(line.last() == list.back());
    const auto* candidate = list[random.below(list.size())];
    const auto odd = [](const Entry& entry) { return entry.key.task.size() == 1; };
    const auto expected =
        std::find_if(list.begin(), list.end(), [&](const Entry* entry) { return odd(*entry); });
    const bool stands = expected != list.end() && before(**expected, *candidate);
    CHECK(line.first_before(*candidate, odd) == (stands ? *expected : nullptr));
  }
}

}  // namespace tidelock::planner
