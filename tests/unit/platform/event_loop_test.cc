// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/event_loop.h"

#include <pthread.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <functional>
#include <future>
#include <set>

#include "controller/platform/signals.h"
#include "controller/platform/system_clock.h"
#include "controller/platform/system_random.h"
#include "tests/support/fake_clock.h"

using namespace tidelock;
using namespace tidelock::platform;

namespace {
class FunctionComponent final : public Component {
 public:
  explicit FunctionComponent(std::function<TimePoint(TimePoint)> step) : step_(std::move(step)) {}
  TimePoint step(TimePoint now) override { return step_(now); }

 private:
  std::function<TimePoint(TimePoint)> step_;
};
}  // namespace

TEST_CASE("a wake before the wait is not lost, and counts once", "[platform][loop]") {
  Waker waker;
  waker.wake();
  waker.wake();
  CHECK(waker.wait_until(kNever));
  CHECK_FALSE(waker.wait_until(TimePoint{}));
}

TEST_CASE("a deadline in the past returns at once, also the earliest of all", "[platform][loop]") {
  Waker waker;
  CHECK_FALSE(waker.wait_until(TimePoint::min()));
}

TEST_CASE("a component is stepped at start, at its deadline and at each wake", "[platform][loop]") {
  Waker waker;
  tidelock::testing::FakeClock clock;
  std::promise<void> second;
  std::promise<void> third;
  int steps = 0;
  FunctionComponent component([&](TimePoint now) {
    CHECK(now == tidelock::testing::kEpoch);
    ++steps;
    if (steps == 2) second.set_value();
    if (steps == 3) third.set_value();
    return steps == 1 ? TimePoint{} : kNever;  // a deadline long past, then only wakes
  });
  ComponentThread thread(component, waker, clock);
  thread.start();
  second.get_future().wait();
  thread.wake()();
  third.get_future().wait();
  thread.stop();
  thread.stop();
  CHECK(steps >= 3);
}

TEST_CASE("a wake during a step leads to another step", "[platform][loop]") {
  Waker waker;
  SystemClock clock;
  std::promise<void> again;
  int steps = 0;
  FunctionComponent component([&](TimePoint) {
    if (++steps == 1) waker.wake();
    if (steps == 2) again.set_value();
    return kNever;
  });
  ComponentThread thread(component, waker, clock);
  thread.start();
  again.get_future().wait();
}

TEST_CASE("a thread can be started again after a stop", "[platform][loop]") {
  Waker waker;
  SystemClock clock;
  std::atomic<int> steps = 0;
  FunctionComponent component([&](TimePoint) {
    ++steps;
    steps.notify_all();
    return kNever;
  });
  ComponentThread thread(component, waker, clock);
  thread.start();
  steps.wait(0);
  thread.stop();
  const int before = steps;
  thread.start();
  steps.wait(before);
  CHECK(steps > before);
}

TEST_CASE("the wish to end arrives as the number of the signal", "[platform][signals]") {
  ShutdownSignals signals;
  REQUIRE(pthread_kill(pthread_self(), SIGPIPE) == 0);  // ignored
  REQUIRE(pthread_kill(pthread_self(), SIGTERM) == 0);
  CHECK(signals.wait() == SIGTERM);
}

TEST_CASE("an interrupt ends the wait without a signal", "[platform][signals]") {
  ShutdownSignals signals;
  signals.interrupt();
  CHECK(signals.wait() == 0);
}

TEST_CASE("after the first signal a second one has its default effect", "[platform][signals]") {
  sigset_t before;
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  {
    ShutdownSignals signals;
    sigset_t during;
    pthread_sigmask(SIG_SETMASK, nullptr, &during);
    CHECK(sigismember(&during, SIGINT) == 1);
    signals.interrupt();
    signals.wait();
    pthread_sigmask(SIG_SETMASK, nullptr, &during);
    CHECK(sigismember(&during, SIGINT) == 0);
  }
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  CHECK(sigismember(&after, SIGTERM) == sigismember(&before, SIGTERM));
}

TEST_CASE("the kernel's numbers do not repeat", "[platform][random]") {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.next());
  CHECK(seen.size() == 1000);
}
