// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/node.h"

#include "controller/base/invariant.h"

namespace tidelock::simulation {
namespace {

// What a step costs of a processor.
constexpr Duration kStepMin = std::chrono::microseconds(50);
constexpr Duration kStepMax = std::chrono::microseconds(500);
constexpr Duration kWakeLatencyMax = std::chrono::microseconds(200);
// So often may step() ask to be called at once without a wake: a process that never rests.
constexpr int kSpinsMax = 2'000;

}  // namespace

Node::~Node() { crash(); }

void Node::start(std::function<std::unique_ptr<Life>()> make, std::function<void()> died) {
  INVARIANT(!alive());
  ++lives_;
  died_ = std::move(died);
  scheduled_ = sleeping_ = blocked_ = woken_ = dying_ = false;
  frozen_until_ = TimePoint{};
  fiber_ = std::make_unique<Fiber>([this, make = std::move(make)] { body(make); });
  kernel_.trace(name_, "starts");
  schedule(Duration{0});
}

void Node::body(const std::function<std::unique_ptr<Life>()>& make) {
  life_ = make();
  Component* component = life_ == nullptr ? nullptr : life_->component();
  int spins = 0;
  while (component != nullptr) {
    woken_ = false;
    const TimePoint next = component->step(local_now());
    sleeping_ = false;
    blocked_ = true;  // busy: wakes are remembered
    schedule(kernel_.between(kStepMin, kStepMax));
    yield();
    blocked_ = false;
    spins = next <= local_now() && !woken_ ? spins + 1 : 0;
    if (spins > kSpinsMax) {
      kernel_.violated("rest", name_ + " asks to be called again at once without end");
      spins = 0;
    }
    if (!woken_) wait_until(next);
  }
}

void Node::wait_until(TimePoint local) {
  if (local <= local_now()) return;
  sleeping_ = true;
  const std::uint64_t wait = ++waits_;
  if (local != kNever) {
    kernel_.at(local - offset_, [this, wait, life = lives_] {
      if (life == lives_ && wait == waits_ && sleeping_) schedule(Duration{0});
    });
  }
  yield();
  sleeping_ = false;
}

void Node::yield() {
  if (dying_) throw Killed{};
  fiber_->yield();
}

void Node::schedule(Duration delay) {
  if (scheduled_ || !alive()) return;
  scheduled_ = true;
  kernel_.after(delay, [this, life = lives_] { run(life); });
}

void Node::run(std::uint64_t life) {
  if (life != lives_ || !alive() || !scheduled_) return;
  if (kernel_.now() < frozen_until_) {
    kernel_.at(frozen_until_, [this, life] { run(life); });
    return;
  }
  scheduled_ = false;
  fiber_->resume();
  if (!fiber_->ended()) return;
  bury();
  kernel_.trace(name_, "died");
  if (died_) died_();
}

void Node::bury() {
  fiber_.reset();
  life_.reset();
  ++lives_;
}

void Node::crash() {
  if (!alive()) return;
  if (Fiber::current() == fiber_.get()) {
    dying_ = true;
    throw Killed{};
  }
  kernel_.trace(name_, "crashes");
  dying_ = true;
  fiber_->kill();
  bury();
}

void Node::freeze(Duration time) {
  kernel_.trace(name_, "freezes", format_duration(time));
  frozen_until_ = kernel_.now() + time;
}

void Node::jump_clock(Duration by) {
  offset_ += by;
  kernel_.trace(name_, "clock jumps", std::to_string(by.count()));
  wake();
}

void Node::wake() {
  if (!alive()) return;
  woken_ = true;
  if (!sleeping_) return;
  sleeping_ = false;
  schedule(kernel_.between(Duration{0}, kWakeLatencyMax));
}

Wake Node::wake_handle() {
  return [this, life = lives_] {
    if (life == lives_) wake();
  };
}

void Node::block() {
  blocked_ = true;
  yield();
  blocked_ = false;
}

void Node::unblock() {
  if (alive() && blocked_) schedule(Duration{0});
}

}  // namespace tidelock::simulation
