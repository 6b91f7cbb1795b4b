// SPDX-License-Identifier: Apache-2.0
// The incremental admission against the one that computes everything from scratch, over random
// histories. TIDELOCK_HISTORIES=n runs more of them, TIDELOCK_SEED=s begins at s; a failure names its seed.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "controller/base/random.h"
#include "controller/planner/reference.h"
#include "tests/support/effort.h"

namespace tidelock::planner {
namespace {

constexpr int kSteps = 60;

// A small world of tasks that come, start, reach step boundaries, park, go on and end.
class History {
 public:
  explicit History(std::uint64_t seed)
      : random_(seed),
        admission_([this](const std::string& instance) { return rules_of(instance); }) {
    for (int i = 0; i < 5; ++i) {
      LockRules rules;
      rules.group = "g" + std::to_string(i);
      if (random_.chance(0.8)) rules.capacity = static_cast<int>(random_.between(1, 3));
      if (random_.chance(0.2)) rules.max_bypass = static_cast<int>(random_.between(1, 2));
      rules_["global/g" + std::to_string(i)] = rules;
    }
    for (const char* name : {"b0", "b1"}) set_budget(name);
    for (const char* name : {"w", "v"}) set_window(name);
    rollouts_ = random_.between(1, 4);
  }

  void run() {
    for (int i = 0; i < kSteps; ++i) {
      // After each event; and after several, as facts come in from elsewhere.
      const auto events = random_.chance(0.7) ? 1 : random_.between(2, 3);
      for (int e = 0; e < events; ++e) event();
      compare();
    }
  }

 private:
  LockRules rules_of(const std::string& instance) const {
    const auto place = rules_.find(instance);
    return place == rules_.end() ? LockRules{} : place->second;
  }
  void set_budget(const std::string& name) {
    budgets_[name] = static_cast<int>(random_.between(0, 6));
    admission_.set_budget(name, budgets_[name]);
  }

  void set_window(const std::string& name) {
    windows_[name] = std::nullopt;
    if (random_.chance(0.5)) windows_[name] = static_cast<int>(random_.between(0, 4));
    admission_.set_window(name, windows_[name]);
  }

  std::vector<Request::Lock> some_locks(int from, int to, int step) {
    std::map<std::string, Request::Lock> locks;
    const auto count = random_.between(0, 2);
    for (int i = 0; i < count; ++i) {
      const std::string instance = "global/g" + std::to_string(random_.between(from, to));
      const bool exclusive = random_.chance(0.4);
      const int units = static_cast<int>(random_.between(1, 2));
      locks[instance] = {{instance, exclusive ? api::LockMode::Exclusive : api::LockMode::Shared,
                          exclusive ? 1 : units},
                         step,
                         {}};
    }
    std::vector<Request::Lock> list;
    for (auto& [instance, lock] : locks) list.push_back(lock);
    if (step < 0 && random_.chance(0.5)) {
      static const char* const kPaths[] = {"/a", "/a/b", "/a/b/c", "/d", "/a/e"};
      const std::string instance = path_lock("t", kPaths[random_.below(5)]);
      list.push_back({{instance, api::LockMode::Exclusive, 1}, step, {}});
    }
    return list;
  }

  Request* pick() {
    if (requests_.empty()) return nullptr;
    auto place = requests_.begin();
    std::advance(place, static_cast<std::ptrdiff_t>(random_.below(requests_.size())));
    return &place->second;
  }
  void tell(const Request& request) { admission_.update(request); }
  void forget_passes(const std::string& task) { passes_.erase(task); }

  void add_task() {
    Request request;
    request.task = "t" + std::to_string(random_.below(90) + 10) + "-" + std::to_string(++names_);
    request.rollout = "r" + std::to_string(random_.below(static_cast<std::uint64_t>(rollouts_)));
    request.priority = random_.chance(0.7) ? 0 : static_cast<int>(random_.between(1, 2));
    request.requested_at = TimePoint(Duration(random_.below(20)));
    if (random_.chance(0.5)) request.work = static_cast<double>(random_.below(4));
    if (random_.chance(0.3)) request.wave = static_cast<int>(random_.below(3));
    if (random_.chance(0.3)) request.rank = static_cast<int>(random_.below(3)) - 1;
    request.waiting = true;
    request.wants = some_locks(0, 2, -1);
    for (auto& lock : some_locks(3, 4, 0)) request.wants.push_back(lock);
    for (const char* name : {"b0", "b1"}) {
      if (random_.chance(0.6)) request.budgets.push_back(name);
    }
    if (random_.chance(0.7)) request.window = random_.chance(0.7) ? "w" : "v";
    tell(requests_[request.task] = request);
  }

  // Running → at a step boundary with new wants.
  void reach_boundary(Request& request) {
    drop_step_locks(request);
    request.waiting = true;
    request.requested_at = TimePoint(Duration(20 + ++clock_));
    request.wants = some_locks(3, 4, 1);
    forget_passes(request.task);
    tell(request);
  }
  static void drop_step_locks(Request& request) {
    std::erase_if(request.holds, [](const Request::Lock& lock) { return lock.step >= 0; });
  }

  // By value: the name may live in the request that goes.
  void end(std::string task) {
    requests_.erase(task);
    orphans_.erase(task);
    paused_.erase(task);
    forget_passes(task);
    admission_.remove(task);
  }

  void event() {
    const auto kind = random_.below(10);
    Request* request = pick();
    if (request == nullptr || (kind < 3 && requests_.size() < 14)) {
      add_task();
    } else if (kind < 7) {
      if (request->started && !request->waiting) {
        if (random_.chance(0.5) || paused_.count(request->task) != 0 || orphans_.count(request->task) != 0)
          end(request->task);
        else if (random_.chance(0.1))
          orphan(*request);
        else
          reach_boundary(*request);
      }
    } else if (kind == 7) {
      change_limits();
    } else if (kind == 8) {
      if (request->waiting) {
        // Paused, or gone.
        if (random_.chance(0.5) && !request->started) {
          end(request->task);
        } else if (!request->uses_slot) {
          request->waiting = false;
          paused_[request->task] = request->wants;
          request->wants.clear();
          forget_passes(request->task);
          tell(*request);
        }
      }
    } else {
      resume();
    }
  }
  // Keeps its locks and nothing else.
  void orphan(Request& request) {
    request.uses_slot = false;
    orphans_.insert(request.task);
    tell(request);
  }
  void change_limits() {
    const std::string budget = random_.chance(0.5) ? "b0" : "b1";
    switch (random_.below(5)) {
      case 0: return set_budget(budget);
      case 1: return set_window(random_.chance(0.5) ? "w" : "v");
      case 2:
        budgets_.erase(budget);
        return admission_.remove_budget(budget);
      case 3: return change_order();
      default: return change_rules();
    }
  }
  // What people and learned durations change while it waits.
  void change_order() {
    Request* request = pick();
    if (request == nullptr || !request->waiting) return;
    if (random_.chance(0.5)) {
      request->priority = static_cast<int>(random_.between(0, 2));
    } else {
      request->work = static_cast<double>(random_.below(4));
    }
    tell(*request);
  }
  void change_rules() {
    const std::string lock = "global/g" + std::to_string(random_.below(5));
    auto& rules = rules_[lock];
    rules.capacity = std::nullopt;
    if (random_.chance(0.9)) rules.capacity = static_cast<int>(random_.between(1, 3));
    if (random_.chance(0.1)) rules.max_bypass = static_cast<int>(random_.between(0, 2));
    admission_.refresh_rules(lock);
  }
  void resume() {
    if (paused_.empty()) return;
    const auto [task, wants] = *paused_.begin();
    paused_.erase(task);
    const auto place = requests_.find(task);
    if (place == requests_.end()) return;
    place->second.waiting = true;
    place->second.wants = wants;
    tell(place->second);
  }

  void compare() {
    ReferenceInput input;
    for (const auto& [task, request] : requests_) input.requests.push_back(request);
    input.budgets = budgets_;
    input.windows = windows_;
    input.rules_of = [this](const std::string& instance) { return rules_of(instance); };
    const auto expected = decide_from_scratch(input, passes_);
    const auto actual = admission_.run(TimePoint{});
    REQUIRE(actual.granted == expected.granted);
    REQUIRE(std::set<std::string>(actual.parked.begin(), actual.parked.end()) == expected.parked);
    const std::set<std::string> granted(actual.granted.begin(), actual.granted.end());
    for (const auto& [task, request] : requests_) {
      const bool waits = request.waiting && granted.count(task) == 0;
      if (waits && admission_.obstacle(task, 10).kind == Obstacle::Kind::None) FAIL(task << " waits for nothing");
    }
    for (const auto& task : expected.granted) started(requests_.at(task));
    for (const auto& task : expected.parked) {
      requests_.at(task).uses_slot = false;
      tell(requests_.at(task));
    }
  }
  void started(Request& request) {
    for (const auto& want : request.wants) request.holds.push_back(want);
    request.wants.clear();
    request.waiting = false;
    request.started = true;
    request.uses_slot = true;
    forget_passes(request.task);
    tell(request);
  }

  SeededRandom random_;
  std::map<std::string, LockRules> rules_;
  std::map<std::string, int> budgets_;
  std::map<std::string, std::optional<int>> windows_;
  std::map<std::string, Request> requests_;
  std::map<std::string, std::vector<Request::Lock>> paused_;
  std::set<std::string> orphans_;
  Passes passes_;
  Admission admission_;
  std::int64_t rollouts_ = 1;
  int names_ = 0;
  int clock_ = 0;
};

}  // namespace

TEST_CASE("the incremental admission decides as the one from scratch", "[planner][agreement]") {
  const int histories = testing::effort("TIDELOCK_HISTORIES", 1500);
  const char* given = std::getenv("TIDELOCK_SEED");
  const int first = given == nullptr ? 1 : std::atoi(given);
  for (int i = 0; i < histories; ++i) {
    INFO("seed " << first + i);
    History(static_cast<std::uint64_t>(first + i)).run();
  }
}

}  // namespace tidelock::planner
