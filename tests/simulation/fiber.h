// SPDX-License-Identifier: Apache-2.0
// A function with a stack of its own, so that production code that blocks (a request to the API) can
// wait in virtual time on the one thread, and can die in the middle.
//
// kill() makes the function end by an exception of type Killed that is thrown where it stands.
#pragma once

#include <ucontext.h>

#include <functional>
#include <memory>

namespace tidelock::simulation {

struct Killed {};  // never caught outside of Fiber

class Fiber {
 public:
  explicit Fiber(std::function<void()> body);
  ~Fiber();  // it must have ended
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs it until it yields or ends. Only from outside of all fibers.
  void resume();
  // Unwinds it. Outside of it only.
  void kill();
  bool ended() const { return ended_; }

  // The one that runs now; null outside.
  static Fiber* current();
  // Gives way; only inside. Throws Killed if it was killed meanwhile.
  void yield();

 private:
  static void entry(unsigned high, unsigned low);

  std::function<void()> body_;
  std::unique_ptr<char[]> stack_;
  ucontext_t own_{};
  ucontext_t outside_{};
  bool started_ = false;
  bool ended_ = false;
  bool killed_ = false;
};

}  // namespace tidelock::simulation
