// SPDX-License-Identifier: Apache-2.0
// Every small rollout: up to four pairs in two waves, under every limit and mode of failure, with results in
// every order. In each state that can be reached the rules of semantics.md §4 hold, told here in words of
// their own. TIDELOCK_SMALL_ROLLOUTS=n takes one in n of all strategies (usually one in some).
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <set>

#include "controller/planner/waves.h"
#include "tests/support/effort.h"

namespace tidelock::planner {
namespace {

using api::OnFailure;
using api::WavePhase;

constexpr Duration kSoak = std::chrono::seconds(10);

// A share with what it comes to of 0, 1, 2, 3 and 4 pairs: worked out by hand.
struct Share {
  std::optional<api::IntOrPercent> value;
  std::array<int, 5> of{};
};
const std::vector<Share> kConcurrencies = {{std::nullopt, {}},
                                           {api::IntOrPercent{1, false}, {1, 1, 1, 1, 1}},
                                           {api::IntOrPercent{60, true}, {1, 1, 1, 1, 2}}};
const std::vector<Share> kMaxFailures = {{std::nullopt, {}},
                                         {api::IntOrPercent{0, false}, {0, 0, 0, 0, 0}},
                                         {api::IntOrPercent{1, false}, {0, 1, 1, 1, 1}},
                                         {api::IntOrPercent{50, true}, {0, 0, 1, 1, 2}}};
const std::vector<Share> kMinSucceeded = {{std::nullopt, {1, 1, 1, 1, 1}},
                                          {api::IntOrPercent{2, false}, {0, 1, 2, 2, 2}},
                                          {api::IntOrPercent{51, true}, {0, 1, 2, 2, 3}}};
const std::vector<Share> kMaxUnreachable = {{std::nullopt, {}}, {api::IntOrPercent{34, true}, {0, 0, 0, 1, 1}}};

struct Strategy {
  std::vector<int> sizes;  // of the waves
  const Share* concurrency;
  const Share* max_failures;
  const Share* min_succeeded;
  const Share* max_unreachable;
  OnFailure on_failure;
  bool soak;
};

struct Event {
  enum class What { Start, Succeed, Fail, Regress, Away, Back, Wait, Accept, Pause, Resume } what;
  std::size_t pair = 0;
};

struct State {
  std::vector<Progress> pairs;
  std::vector<TimePoint> succeeded;
  api::Rollout rollout;
  bool paused = false;
  TimePoint now;
};

class Explorer {
 public:
  explicit Explorer(const Strategy& strategy) : strategy_(strategy) {
    for (std::size_t wave = 0; wave < strategy.sizes.size(); ++wave) {
      for (int i = 0; i < strategy.sizes[wave]; ++i) wave_of_.push_back(wave);
    }
  }

  void run() {
    State state;
    state.now = TimePoint(std::chrono::hours(1));
    state.pairs.resize(wave_of_.size(), Progress::Waiting);
    state.succeeded.resize(wave_of_.size());
    auto& spec = state.rollout.spec.strategy;
    state.rollout.metadata.name = "r";
    for (std::size_t i = 0; i < strategy_.sizes.size(); ++i)
      spec.waves.emplace_back().name = "w" + std::to_string(i);
    spec.concurrency = strategy_.concurrency->value;
    spec.max_failures = strategy_.max_failures->value;
    spec.min_succeeded = strategy_.min_succeeded->value;
    spec.unreachable.max = strategy_.max_unreachable->value;
    spec.on_failure = strategy_.on_failure;
    if (strategy_.soak) spec.soak = kSoak;
    visit(state);
  }
  std::size_t states() const { return seen_.size(); }
  const std::set<std::string>& phases() const { return phases_; }

 private:
  // ---- the machine

  std::vector<WaveCounts> counts(const State& state) const {
    std::vector<WaveCounts> counts(strategy_.sizes.size());
    for (std::size_t i = 0; i < state.pairs.size(); ++i) {
      auto& wave = counts[wave_of_[i]];
      ++wave.by[static_cast<std::size_t>(state.pairs[i])];
      if (state.pairs[i] == Progress::Succeeded)
        wave.last_success = std::max(wave.last_success, state.succeeded[i]);
    }
    return counts;
  }

  // What comes of it when every status is written until nothing changes.
  RolloutOutcome settle(State& state) {
    const auto waves = waves_of(state.rollout.spec.strategy);
    const auto all = counts(state);
    for (int round = 0; round < 20; ++round) {
      RolloutInput input{state.rollout, waves, all, "", state.paused ? "Environment e" : "", "hash", {}, {}};
      auto outcome = advance_rollout(input, state.now);
      check_step(state, outcome);
      if (outcome.status == state.rollout.status) return outcome;
      state.rollout.status = outcome.status;
    }
    FAIL("it does not come to rest");
    return {};
  }

  void visit(State state) {
    const auto outcome = settle(state);
    if (!seen_.insert(key(state)).second) return;
    phases_.insert(state.rollout.status.phase + "/" + state.rollout.status.reason);
    INFO(describe(state));
    check_rest(state, outcome);
    if (outcome.hold) return;  // the hold takes over
    for (const auto& event : events(state, outcome)) visit(after(state, event));
  }

  std::vector<Event> events(const State& state, const RolloutOutcome& outcome) const {
    using What = Event::What;
    std::vector<Event> all;
    for (std::size_t i = 0; i < state.pairs.size(); ++i) {
      const Progress progress = state.pairs[i];
      if (progress == Progress::Waiting) {
        if (may_start(state, outcome, wave_of_[i])) all.push_back({What::Start, i});
        all.push_back({What::Away, i});
      } else if (progress == Progress::Updating) {
        all.push_back({What::Succeed, i});
        all.push_back({What::Fail, i});
      } else if (progress == Progress::Succeeded) {
        all.push_back({What::Regress, i});
      } else if (progress == Progress::Unreachable) {
        all.push_back({What::Back, i});
      }
    }
    if (outcome.next != kNever) all.push_back({What::Wait});
    if (state.rollout.status.reason == "FailureBudgetExceeded" && state.rollout.spec.accepted_failures.empty())
      all.push_back({What::Accept});
    all.push_back({state.paused ? What::Resume : What::Pause});
    return all;
  }
  bool may_start(const State& state, const RolloutOutcome& outcome, std::size_t wave) const {
    const auto& opening = outcome.waves[wave];
    return opening.open && (!opening.window || count(state, wave, Progress::Updating) < *opening.window);
  }

  State after(State state, const Event& event) const {
    using What = Event::What;
    state.now += std::chrono::milliseconds(1);
    switch (event.what) {
      case What::Start:
        state.pairs[event.pair] = Progress::Updating;
        break;
      case What::Succeed:
        state.pairs[event.pair] = Progress::Succeeded;
        state.succeeded[event.pair] = state.now;
        break;
      case What::Fail:
      case What::Regress:
        state.pairs[event.pair] = Progress::Failed;
        break;
      case What::Away:
        state.pairs[event.pair] = Progress::Unreachable;
        break;
      case What::Back:
        state.pairs[event.pair] = Progress::Waiting;
        break;
      case What::Wait:
        state.now += kSoak;
        break;
      case What::Accept:
        for (std::size_t wave = 0; wave < strategy_.sizes.size(); ++wave)
          state.rollout.spec.accepted_failures["w" + std::to_string(wave)] = 4;
        break;
      case What::Pause:
        state.paused = true;
        break;
      case What::Resume:
        state.paused = false;
        break;
    }
    return state;
  }

  int count(const State& state, std::size_t wave, Progress progress) const {
    int found = 0;
    for (std::size_t i = 0; i < state.pairs.size(); ++i)
      found += wave_of_[i] == wave && state.pairs[i] == progress ? 1 : 0;
    return found;
  }
  bool soaked(const State& state, std::size_t wave) const {
    return !strategy_.soak || state.now >= counts(state)[wave].last_success + kSoak;
  }

  std::string key(const State& state) const {
    std::string text = state.rollout.status.phase + "/" + state.rollout.status.reason;
    for (const auto progress : state.pairs) text += static_cast<char>('a' + static_cast<int>(progress));
    for (std::size_t i = 0; i < strategy_.sizes.size(); ++i) {
      text += static_cast<char>('0' + static_cast<int>(state.rollout.status.waves[i].phase));
      text += static_cast<char>('0' + state.rollout.status.waves[i].failed);
      text += soaked(state, i) ? "s" : "-";
    }
    return text + (state.paused ? "p" : "") + (state.rollout.spec.accepted_failures.empty() ? "" : "A");
  }
  std::string describe(const State& state) const {
    std::string text = key(state);
    for (const int size : strategy_.sizes) text += " " + std::to_string(size);
    const auto add = [&](const char* what, const Share& share) {
      if (share.value)
        text +=
            std::string(" ") + what + " " + std::to_string(share.value->value) + (share.value->percent ? "%" : "");
    };
    add("concurrency", *strategy_.concurrency), add("maxFailures", *strategy_.max_failures);
    add("minSucceeded", *strategy_.min_succeeded), add("unreachable", *strategy_.max_unreachable);
    return text + " onFailure " + std::to_string(static_cast<int>(strategy_.on_failure)) +
           (strategy_.soak ? " soak" : "");
  }

  // ---- the rules

  int size(std::size_t wave) const { return strategy_.sizes[wave]; }
  static int of(const Share& share, int members) { return share.of[static_cast<std::size_t>(members)]; }

  // Failures that nobody has accepted are more than are allowed.
  bool over_budget(const State& state, std::size_t wave) const {
    const int failed = count(state, wave, Progress::Failed);
    int beyond = 0;
    if (strategy_.max_unreachable->value)
      beyond = std::max(0, count(state, wave, Progress::Unreachable) - of(*strategy_.max_unreachable, size(wave)));
    if (!state.rollout.spec.accepted_failures.empty()) return false;  // more than there are
    if (!strategy_.max_failures->value) return beyond > 0;
    return failed + beyond > of(*strategy_.max_failures, size(wave));
  }
  bool enough(const State& state, std::size_t wave) const {
    return count(state, wave, Progress::Succeeded) >=
           std::min(of(*strategy_.min_succeeded, size(wave)), size(wave));
  }
  bool all_ended(const State& state, std::size_t wave) const {
    return count(state, wave, Progress::Waiting) + count(state, wave, Progress::Updating) == 0;
  }

  // From the status that was to the one that follows.
  void check_step(const State& state, const RolloutOutcome& outcome) const {
    INFO(describe_step(state, outcome));
    const auto& before = state.rollout.status;
    for (std::size_t i = 0; i < outcome.status.waves.size(); ++i) {
      const auto& wave = outcome.status.waves[i];
      const bool known = i < before.waves.size();
      const auto was = known ? before.waves[i].phase : WavePhase::Pending;
      if (was == WavePhase::Pending && wave.phase != WavePhase::Pending) {
        for (std::size_t j = 0; j < i; ++j) {
          const auto earlier = outcome.status.waves[j].phase;
          if (earlier != WavePhase::Succeeded && earlier != WavePhase::Skipped)
            FAIL("no barrier before wave " << i);
        }
        if (state.paused && wave.phase == WavePhase::Running) FAIL("a wave starts in a pause");
      }
      const bool passes = wave.phase == WavePhase::Succeeded && was != WavePhase::Succeeded;
      if (passes && !all_ended(state, i)) FAIL("wave " << i << " passes before all have ended");
      if (passes && !enough(state, i)) FAIL("wave " << i << " passes without enough successes");
      if (passes && !soaked(state, i)) FAIL("wave " << i << " passes before it has soaked");
      if (passes && over_budget(state, i) && strategy_.on_failure != OnFailure::Continue)
        FAIL("wave " << i << " passes with too many failures");
      if (wave.phase == WavePhase::Skipped && size(i) > 0) FAIL("a wave with members is skipped");
      if (known && before.waves[i].resolved && wave.resolved && was != WavePhase::Skipped &&
          !(*before.waves[i].resolved == *wave.resolved))
        FAIL("the numbers of wave " << i << " change");
    }
    if (outcome.status.phase != "Succeeded" || before.phase == "Succeeded") return;
    for (std::size_t i = 0; i < strategy_.sizes.size(); ++i) {
      const bool failed = count(state, i, Progress::Failed) > 0;
      if (failed && !strategy_.max_failures->value) FAIL("success although nobody has allowed a failure");
      const bool passed = i < before.waves.size() && before.waves[i].phase == WavePhase::Succeeded;
      if (over_budget(state, i) && (!passed || strategy_.on_failure == OnFailure::Continue))
        FAIL("success with too many failures");
      if (!all_ended(state, i)) FAIL("success before the end");
    }
  }
  std::string describe_step(const State& state, const RolloutOutcome& outcome) const {
    if (state.rollout.status.waves.size() != strategy_.sizes.size()) return "at the beginning";
    return describe(state) + " -> " + outcome.status.phase + "/" + outcome.status.reason;
  }

  void check_rest(const State& state, const RolloutOutcome& outcome) const {
    const auto& status = outcome.status;
    int moving = 0, startable = 0, waiting = 0;
    for (std::size_t i = 0; i < strategy_.sizes.size(); ++i) {
      check_numbers(state, i, status.waves[i]);
      const auto& opening = outcome.waves[i];
      if (opening.open && over_budget(state, i) && strategy_.on_failure != OnFailure::Continue &&
          status.waves[i].phase != WavePhase::Succeeded)
        FAIL("a wave is open beyond its failures");
      if (opening.open && opening.blocked) FAIL("open and blocked");
      if (opening.open && strategy_.concurrency->value &&
          (!opening.window || *opening.window > of(*strategy_.concurrency, size(i))))
        FAIL("more at once than the concurrency");
      moving += count(state, i, Progress::Updating);
      const int here = count(state, i, Progress::Waiting);
      waiting += here;
      startable += here > 0 && may_start(state, outcome, i) ? 1 : 0;
      if (here > 0 && !opening.open && !opening.blocked) FAIL("who waits in wave " << i << " does not know why");
    }
    const bool over = is_over(status.phase), paused = status.phase == "Paused";
    if (over && status.phase == "Failed" && status.reason == "NoSuccessInWave" && startable > 0)
      FAIL("starts after its end");
    if (paused && startable > 0 && status.reason == "FailureBudgetExceeded") FAIL("starts while it stands");
    const bool goes_on = moving > 0 || startable > 0 || outcome.next != kNever;
    if (!goes_on && !over && !paused && !outcome.hold && outcome.stalled.empty()) FAIL("it stands for no reason");
    if (waiting == 0 && moving == 0 && outcome.next == kNever && !over && !paused && !outcome.hold)
      FAIL("all have ended, the rollout has not");
    if (outcome.hold) check_hold(state, outcome);
  }

  void check_numbers(const State& state, std::size_t i, const api::WaveStatus& wave) const {
    const int failed = count(state, i, Progress::Failed);
    if (wave.members != size(i) || wave.succeeded != count(state, i, Progress::Succeeded) ||
        wave.running != count(state, i, Progress::Updating) ||
        wave.waiting != count(state, i, Progress::Waiting) ||
        wave.unreachable != count(state, i, Progress::Unreachable))
      FAIL("the counts of wave " << i << " are wrong");
    if (wave.phase == WavePhase::Failed ? wave.failed < failed : wave.failed != failed) FAIL("failures are lost");
    if (!wave.resolved) return;
    const auto& resolved = *wave.resolved;
    const auto expect = [&](const Share& share, const std::optional<int>& actual) {
      if (share.value.has_value() != actual.has_value() || (actual && *actual != of(share, size(i))))
        FAIL("a share of wave " << i << " is wrong");
    };
    expect(*strategy_.concurrency, resolved.concurrency);
    expect(*strategy_.max_failures, resolved.max_failures);
    expect(*strategy_.max_unreachable, resolved.max_unreachable);
    if (resolved.min_succeeded != of(*strategy_.min_succeeded, size(i)))
      FAIL("minSucceeded of wave " << i << " is wrong");
  }

  void check_hold(const State& state, const RolloutOutcome& outcome) const {
    const bool all = strategy_.on_failure == OnFailure::RollbackAll;
    if (!all && strategy_.on_failure != OnFailure::RollbackWave) FAIL("a rollback that nobody has asked for");
    if (outcome.hold->size() != (all ? 0U : 1U)) FAIL("the wrong waves are held");
    for (const auto& opening : outcome.waves) {
      if (opening.open) FAIL("starts while it is held");
    }
    bool broken = false;
    for (std::size_t i = 0; i < strategy_.sizes.size(); ++i) {
      const bool short_of = size(i) > 0 && all_ended(state, i) && !enough(state, i);
      broken = broken || over_budget(state, i) || short_of || outcome.status.waves[i].phase == WavePhase::Failed;
    }
    if (!broken) FAIL("a rollback without a reason");
  }

  const Strategy& strategy_;
  std::vector<std::size_t> wave_of_;
  std::set<std::string> seen_;
  std::set<std::string> phases_;
};

std::vector<Strategy> all_strategies() {
  const std::vector<std::vector<int>> sizes = {{1},    {2},    {3},    {4},    {1, 1}, {1, 2},
                                               {2, 1}, {2, 2}, {1, 3}, {3, 1}, {0, 2}, {2, 0}};
  std::vector<Strategy> all;
  for (const auto& waves : sizes) {
    for (const auto& concurrency : kConcurrencies) {
      for (const auto& failures : kMaxFailures) {
        for (const auto& succeeded : kMinSucceeded) {
          for (const auto& unreachable : kMaxUnreachable) {
            for (int mode = 0; mode < 5; ++mode) {
              for (const bool soak : {false, true})
                all.push_back({waves, &concurrency, &failures, &succeeded, &unreachable,
                               static_cast<OnFailure>(mode), soak});
            }
          }
        }
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("every small rollout keeps the rules in every state", "[planner][waves][exhaustive]") {
  const auto all = all_strategies();
  const auto every = static_cast<std::size_t>(testing::effort("TIDELOCK_SMALL_ROLLOUTS", 37));
  std::size_t states = 0, count = 0;
  std::set<std::string> phases;
  for (std::size_t i = 0; i < all.size(); i += every) {
    INFO("strategy " << i);
    Explorer explorer(all[i]);
    explorer.run();
    states += explorer.states();
    phases.insert(explorer.phases().begin(), explorer.phases().end());
    ++count;
  }
  if (std::getenv("TIDELOCK_SMALL_ROLLOUTS") != nullptr) WARN(count << " strategies, " << states << " states");
  for (const char* phase : {"Progressing/", "Paused/Paused", "Paused/FailureBudgetExceeded", "Succeeded/",
                            "Failed/PairsFailed", "Failed/NoSuccessInWave", "Failed/FailureBudgetExceeded",
                            "RollingBack/FailureBudgetExceeded", "RollingBack/NoSuccessInWave"}) {
    INFO(phase);
    CHECK(phases.count(phase) == 1);
  }
}

}  // namespace tidelock::planner
