// SPDX-License-Identifier: Apache-2.0
// Every small world: all tasks that want one deployment lock and one step lock in every way, under every
// capacity and budget, through every order of events. In each state that can be reached the incremental
// admission decides as the one from scratch, nothing is held beyond its bounds, and who waits has an obstacle.
// TIDELOCK_SMALL_WORLDS=n takes all worlds of two tasks, and one in n of those of three.
#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "controller/planner/reference.h"
#include "tests/support/effort.h"

namespace tidelock::planner {
namespace {

enum class Want { Nothing, One, Two, Alone };
struct Kind {
  Want lock = Want::Nothing;    // "global/a", deployment level
  std::array<Want, 2> steps{};  // "global/b"
  int priority = 0;
};
struct World {
  std::vector<Kind> tasks;
  std::optional<int> capacity;  // of "global/a"; that of "global/b" is 1
  int max_bypass = 0;           // of both
  int budget = 1;
  std::optional<int> window;
};

enum class Phase { Absent, Waiting, Running, Boundary, Parked, Orphaned, Gone };
struct TaskNow {
  Phase phase = Phase::Absent;
  int step = 0;
  int asked = 0;          // when; only the order counts
  bool replaced = false;  // by a newer release, in its place of the queue
  auto operator<=>(const TaskNow&) const = default;
};
struct State {
  std::vector<TaskNow> tasks;
  bool other_capacity = false;
  bool other_budget = false;
  Passes passes;
  auto operator<=>(const State&) const = default;
};

struct Event {
  enum class What { Arrive, Boundary, End, Orphan, Replace, Capacity, Budget } what;
  std::size_t task = 0;
};

bool waits(Phase phase) { return phase == Phase::Waiting || phase == Phase::Boundary || phase == Phase::Parked; }

class Explorer {
 public:
  Explorer(const World& world, int depth) : world_(world), depth_(depth) {}

  void run() {
    State first;
    first.tasks.resize(world_.tasks.size());
    seen_.insert(first);
    explore(first, {});
  }
  std::size_t states() const { return seen_.size(); }
  std::size_t steps() const { return steps_; }

 private:
  void explore(const State& state, const std::vector<Event>& path) {
    if (static_cast<int>(path.size()) >= depth_) return;
    for (const Event& event : events(state)) {
      auto longer = path;
      longer.push_back(event);
      const State next = play(longer);
      ++steps_;
      if (seen_.insert(next).second) explore(next, longer);
    }
  }

  std::vector<Event> events(const State& state) const {
    using What = Event::What;
    std::vector<Event> all;
    for (std::size_t i = 0; i < state.tasks.size(); ++i) {
      const auto& task = state.tasks[i];
      if (task.phase == Phase::Absent) all.push_back({What::Arrive, i});
      if (task.phase == Phase::Waiting && !task.replaced) all.push_back({What::Replace, i});
      if (task.phase == Phase::Running && task.step == 0) all.push_back({What::Boundary, i});
      if (task.phase == Phase::Running) all.push_back({What::Orphan, i});
      if (task.phase == Phase::Running || task.phase == Phase::Orphaned) all.push_back({What::End, i});
    }
    if (!state.other_capacity) all.push_back({What::Capacity});
    if (!state.other_budget) all.push_back({What::Budget});
    return all;
  }

  // ---- the world as facts

  std::string name(std::size_t i) const {
    return std::string(1, static_cast<char>('t' - i)) + (now_.tasks[i].replaced ? "-2" : "-1");
  }
  LockRules rules_of(const std::string& instance) const {
    LockRules rules;
    rules.group = instance.substr(7);
    rules.max_bypass = world_.max_bypass;
    rules.capacity = instance == "global/b" ? 1 : world_.capacity;
    if (instance == "global/a" && now_.other_capacity) rules.capacity = world_.capacity == 1 ? 2 : 1;
    return rules;
  }
  int budget() const { return now_.other_budget ? 3 - world_.budget : world_.budget; }

  static void add(std::vector<Request::Lock>& locks, const std::string& instance, Want want, int step) {
    if (want == Want::Nothing) return;
    const bool alone = want == Want::Alone;
    locks.push_back(
        {{instance, alone ? api::LockMode::Exclusive : api::LockMode::Shared, want == Want::Two ? 2 : 1},
         step,
         {}});
  }
  Request request_of(std::size_t i) const {
    const TaskNow& task = now_.tasks[i];
    const Kind& kind = world_.tasks[i];
    Request request;
    request.rollout = i == 1 ? "r2" : "r1";  // of three, one has the budget to share with two
    request.task = name(i);
    request.priority = kind.priority;
    request.requested_at = TimePoint(Duration(task.asked));
    request.budgets = {"budget"};
    request.window = "window";
    request.started = task.phase != Phase::Waiting;
    request.waiting = waits(task.phase);
    request.uses_slot = task.phase == Phase::Running || task.phase == Phase::Boundary;
    if (request.started) add(request.holds, "global/a", kind.lock, -1);
    if (!request.started) add(request.wants, "global/a", kind.lock, -1);
    auto& place = request.waiting ? request.wants : request.holds;
    add(place, "global/b", kind.steps[static_cast<std::size_t>(task.step)], task.step);
    return request;
  }

  // ---- one history, from the beginning: the incremental one has to remember it

  State play(const std::vector<Event>& path) {
    now_ = {};
    now_.tasks.resize(world_.tasks.size());
    asked_ = 0;
    Admission admission([this](const std::string& instance) { return rules_of(instance); });
    admission.set_budget("budget", budget());
    admission.set_window("window", world_.window);
    for (std::size_t i = 0; i < path.size(); ++i) {
      happen(path[i], admission);
      decide(admission, i + 1 == path.size());
    }
    return canonical();
  }

  void happen(const Event& event, Admission& admission) {
    using What = Event::What;
    if (event.what == What::Capacity) {
      now_.other_capacity = true;
      for (const auto& [lock, view] : admission.locks(0)) admission.refresh_rules(lock);
      return;
    }
    if (event.what == What::Budget) {
      now_.other_budget = true;
      return admission.set_budget("budget", budget());
    }
    TaskNow& task = now_.tasks[event.task];
    if (event.what == What::End || event.what == What::Replace) {
      now_.passes.erase(name(event.task));
      admission.remove(name(event.task));
    }
    if (event.what == What::Arrive || event.what == What::Boundary) task.asked = ++asked_;
    if (event.what == What::Arrive) task.phase = Phase::Waiting;
    if (event.what == What::Replace) task.replaced = true;
    if (event.what == What::Orphan) task.phase = Phase::Orphaned;
    if (event.what == What::End) task.phase = Phase::Gone;
    if (event.what == What::Boundary) {
      task.phase = Phase::Boundary;
      task.step = 1;
    }
    if (task.phase != Phase::Gone) admission.update(request_of(event.task));
  }

  void decide(Admission& admission, bool check) {
    ReferenceInput input;
    std::map<std::string, std::size_t> places;
    for (std::size_t i = 0; i < now_.tasks.size(); ++i) {
      if (now_.tasks[i].phase == Phase::Absent || now_.tasks[i].phase == Phase::Gone) continue;
      places[name(i)] = i;
      if (check) input.requests.push_back(request_of(i));
    }
    const auto actual = admission.run(TimePoint{});
    const std::set<std::string> parked(actual.parked.begin(), actual.parked.end());
    const int used = running();
    if (check || world_.max_bypass > 0) {
      if (!check) {
        for (const auto& [task, i] : places) input.requests.push_back(request_of(i));
      }
      input.budgets = {{"budget", budget()}};
      input.windows = {{"window", world_.window}};
      input.rules_of = [this](const std::string& instance) { return rules_of(instance); };
      const auto expected = decide_from_scratch(input, now_.passes);
      REQUIRE(actual.granted == expected.granted);
      REQUIRE(parked == expected.parked);
    }
    for (const auto& task : actual.granted) {
      now_.tasks[places.at(task)].phase = Phase::Running;
      now_.passes.erase(task);
    }
    for (const auto& task : parked) now_.tasks[places.at(task)].phase = Phase::Parked;
    for (const auto& task : actual.granted) admission.update(request_of(places.at(task)));
    for (const auto& task : parked) admission.update(request_of(places.at(task)));
    if (check) check_state(admission, places, used, !actual.granted.empty());
  }

  int running() const {
    return static_cast<int>(std::count_if(now_.tasks.begin(), now_.tasks.end(), [](const TaskNow& task) {
      return task.phase == Phase::Running || task.phase == Phase::Boundary;
    }));
  }

  // The rules once more, without a word of the planner's.
  void check_state(const Admission& admission, const std::map<std::string, std::size_t>& places, int used,
                   bool granted) {
    if (running() > std::max(budget(), used)) FAIL("more slots than the budget has");
    int units = 0, alone = 0, shared = 0, steps = 0;
    for (std::size_t i = 0; i < now_.tasks.size(); ++i) {
      const auto phase = now_.tasks[i].phase;
      const bool holds = phase != Phase::Absent && phase != Phase::Gone && phase != Phase::Waiting;
      const Want lock = holds ? world_.tasks[i].lock : Want::Nothing;
      alone += lock == Want::Alone ? 1 : 0;
      shared += lock == Want::One || lock == Want::Two ? 1 : 0;
      units += lock == Want::One ? 1 : lock == Want::Two ? 2 : 0;
      const bool runs = phase == Phase::Running || phase == Phase::Orphaned;
      if (runs && world_.tasks[i].steps[static_cast<std::size_t>(now_.tasks[i].step)] != Want::Nothing) ++steps;
    }
    if (alone > 1 || (alone == 1 && shared > 0)) FAIL("held beside an exclusive holder");
    if (steps > 1) FAIL("a step lock of capacity 1 is held twice");
    const auto capacity = rules_of("global/a").capacity;
    // Two units of one are all of it, and who held them before the capacity shrank keeps them.
    if (granted && capacity && !now_.other_capacity && shared > 1 && units > *capacity)
      FAIL("held beyond its capacity");
    for (const auto& [task, i] : places) {
      if (waits(now_.tasks[i].phase) && admission.obstacle(task, 10).kind == Obstacle::Kind::None)
        FAIL(task << " waits for nothing");
    }
  }

  // Of times only their order counts.
  State canonical() const {
    State state = now_;
    std::set<int> times;
    for (auto& task : state.tasks) {
      if (waits(task.phase)) times.insert(task.asked);
    }
    for (auto& task : state.tasks) {
      task.asked = waits(task.phase) ? static_cast<int>(std::distance(times.begin(), times.find(task.asked))) : 0;
      if (task.phase == Phase::Gone) task = {Phase::Gone};
    }
    return state;
  }

  const World& world_;
  const int depth_;
  State now_;
  int asked_ = 0;
  std::set<State> seen_;
  std::size_t steps_ = 0;
};

std::vector<Kind> all_kinds() {
  std::vector<Kind> kinds;
  const std::vector<std::array<Want, 2>> steps = {{Want::Nothing, Want::Nothing},
                                                  {Want::Alone, Want::Nothing},
                                                  {Want::Nothing, Want::Alone},
                                                  {Want::One, Want::Alone}};
  for (const int priority : {0, 1}) {
    for (const Want lock : {Want::Nothing, Want::One, Want::Two, Want::Alone}) {
      for (const auto& both : steps) kinds.push_back({lock, both, priority});
    }
  }
  return kinds;
}

// All worlds of so many tasks.
std::vector<World> all_worlds(int tasks) {
  std::vector<std::vector<Kind>> groups{{}};
  const auto kinds = all_kinds();
  std::vector<std::vector<std::size_t>> chosen{{}};
  for (int n = 0; n < tasks; ++n) {
    std::vector<std::vector<std::size_t>> longer;
    for (const auto& some : chosen) {
      for (std::size_t k = some.empty() ? 0 : some.back(); k < kinds.size(); ++k) {
        longer.push_back(some);
        longer.back().push_back(k);
      }
    }
    chosen = std::move(longer);
  }
  std::vector<World> worlds;
  for (const auto& some : chosen) {
    World world;
    for (const auto k : some) world.tasks.push_back(kinds[k]);
    for (const std::optional<int> capacity :
         {std::optional<int>(1), std::optional<int>(2), std::optional<int>()}) {
      for (const int budget : {1, 2}) {
        for (const int max_bypass : {0, 1}) {
          world.capacity = capacity;
          world.budget = budget;
          world.max_bypass = max_bypass;
          world.window = max_bypass == 0 ? std::nullopt : std::optional<int>(2);
          worlds.push_back(world);
        }
      }
    }
  }
  return worlds;
}

void explore(int tasks, int depth, std::size_t every) {
  const auto worlds = all_worlds(tasks);
  std::size_t states = 0, steps = 0, count = 0;
  for (std::size_t i = 0; i < worlds.size(); i += every) {
    INFO("world " << i << " of " << tasks << " tasks");
    Explorer explorer(worlds[i], depth);
    explorer.run();
    states += explorer.states();
    steps += explorer.steps();
    ++count;
  }
  if (std::getenv("TIDELOCK_SMALL_WORLDS") != nullptr)
    WARN(tasks << " tasks: " << count << " worlds, " << states << " states, " << steps << " transitions");
  CHECK(states > count);
}

}  // namespace

TEST_CASE("in every small world the admissions agree in every state", "[planner][agreement][exhaustive]") {
  constexpr int kDepth = 24;  // more than there can be events
  const bool more = std::getenv("TIDELOCK_SMALL_WORLDS") != nullptr;
  explore(1, kDepth, 1);
  explore(2, kDepth, more ? 1 : 20);
  explore(3, kDepth, static_cast<std::size_t>(testing::effort("TIDELOCK_SMALL_WORLDS", 10'000)));
}

}  // namespace tidelock::planner
