// SPDX-License-Identifier: Apache-2.0
// Randomness as an argument. SeededRandom is a portable xoshiro256** (Blackman & Vigna): the same
// seed gives the same numbers on every platform, unlike std::uniform_int_distribution.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace tidelock {

// Not thread-safe unless an implementation says so.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint64_t next() = 0;

  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [low, high].
  std::int64_t between(std::int64_t low, std::int64_t high);
  bool chance(double probability);
  // RFC 4122 version 4 form.
  std::string uuid();
};

class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace tidelock
