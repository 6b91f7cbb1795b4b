// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/fiber.h"

#include <cstdint>
#include <vector>

#include "controller/base/invariant.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace tidelock::simulation {
namespace {

constexpr std::size_t kStackBytes = 512 * 1024;

Fiber* running = nullptr;

// Stacks are dear to make and easy to use again.
std::vector<std::unique_ptr<char[]>>& spare_stacks() {
  static std::vector<std::unique_ptr<char[]>> stacks;
  return stacks;
}

std::unique_ptr<char[]> take_stack() {
  auto& spare = spare_stacks();
  if (spare.empty()) return std::unique_ptr<char[]>(new char[kStackBytes]);
  auto stack = std::move(spare.back());
  spare.pop_back();
  return stack;
}

#if defined(__SANITIZE_ADDRESS__)
const void* main_stack = nullptr;
std::size_t main_stack_bytes = 0;
#endif

}  // namespace

Fiber::Fiber(std::function<void()> body) : body_(std::move(body)), stack_(take_stack()) {
  INVARIANT(getcontext(&own_) == 0);
  own_.uc_stack.ss_sp = stack_.get();
  own_.uc_stack.ss_size = kStackBytes;
  own_.uc_link = nullptr;
  const auto self = reinterpret_cast<std::uintptr_t>(this);
  makecontext(&own_, reinterpret_cast<void (*)()>(&Fiber::entry), 2,
              static_cast<unsigned>(self >> 32), static_cast<unsigned>(self));
}

Fiber::~Fiber() {
  INVARIANT(ended_ || !started_);
  spare_stacks().push_back(std::move(stack_));
}

Fiber* Fiber::current() { return running; }

void Fiber::entry(unsigned high, unsigned low) {
  auto* self = reinterpret_cast<Fiber*>((static_cast<std::uintptr_t>(high) << 32) | low);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(nullptr, &main_stack, &main_stack_bytes);
#endif
  try {
    self->body_();
  } catch (const Killed&) {
  }
  self->ended_ = true;
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_start_switch_fiber(nullptr, main_stack, main_stack_bytes);
#endif
  swapcontext(&self->own_, &self->outside_);
}

void Fiber::resume() {
  INVARIANT(running == nullptr);
  INVARIANT(!ended_);
  started_ = true;
  running = this;
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, stack_.get(), kStackBytes);
#endif
  swapcontext(&outside_, &own_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
  running = nullptr;
}

void Fiber::kill() {
  killed_ = true;
  if (!started_) ended_ = true;
  if (!ended_) resume();
  INVARIANT(ended_);
}

void Fiber::yield() {
  INVARIANT(running == this);
#if defined(__SANITIZE_ADDRESS__)
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, main_stack, main_stack_bytes);
#endif
  swapcontext(&own_, &outside_);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(fake, &main_stack, &main_stack_bytes);
#endif
  if (killed_) throw Killed{};
}

}  // namespace tidelock::simulation
