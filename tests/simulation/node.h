// SPDX-License-Identifier: Apache-2.0
// One process of the program on one machine: drives a Component as its thread in production does, on a
// fiber in virtual time. It can be killed at any point where it waits, freeze, and have a wrong clock.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "tests/simulation/fiber.h"
#include "tests/simulation/kernel.h"

namespace tidelock::simulation {

// What lives and dies with one life of a process.
class Life {
 public:
  virtual ~Life() = default;
  // Null: it could not start; another life may.
  virtual Component* component() = 0;
};

class Node {
 public:
  Node(Kernel& kernel, std::string name) : kernel_(kernel), name_(std::move(name)) {}
  ~Node();

  const std::string& name() const { return name_; }
  Kernel& kernel() { return kernel_; }
  bool alive() const { return fiber_ != nullptr; }
  std::uint64_t life_number() const { return lives_; }

  // --- the world's side ---
  // `make` runs on the fiber. `died` is called when the life ended by itself.
  void start(std::function<std::unique_ptr<Life>()> make, std::function<void()> died);
  // kill -9. From inside it unwinds at once.
  void crash();
  void freeze(Duration time);
  bool frozen() const { return kernel_.now() < frozen_until_; }
  void jump_clock(Duration by);
  void set_clock(Duration offset) { offset_ = offset; }
  Duration clock_offset() const { return offset_; }
  TimePoint local_now() const { return kernel_.now() + offset_; }

  // --- the process's side ---
  void wake();
  Wake wake_handle();
  // Waits until unblock(). On the fiber.
  void block();
  void unblock();

 private:
  void body(const std::function<std::unique_ptr<Life>()>& make);
  void wait_until(TimePoint local);
  void yield();
  void schedule(Duration delay);
  void run(std::uint64_t life);
  void bury();

  Kernel& kernel_;
  const std::string name_;
  std::unique_ptr<Fiber> fiber_;
  std::unique_ptr<Life> life_;
  std::function<void()> died_;
  std::uint64_t lives_ = 0;
  std::uint64_t waits_ = 0;  // timers of older waits are stale
  bool scheduled_ = false;
  bool sleeping_ = false;
  bool blocked_ = false;
  bool woken_ = false;
  bool dying_ = false;
  TimePoint frozen_until_;
  Duration offset_{0};
};

}  // namespace tidelock::simulation
