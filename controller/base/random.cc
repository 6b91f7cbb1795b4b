// SPDX-License-Identifier: Apache-2.0
#include "controller/base/random.h"

#include <bit>

#include "controller/base/invariant.h"

namespace tidelock {

std::uint64_t Random::below(std::uint64_t bound) {
  INVARIANT(bound > 0);
  // Drops the lowest 2^64 mod bound numbers, so that every remainder is equally likely.
  const std::uint64_t reject_below = (0 - bound) % bound;
  std::uint64_t number = next();
  while (number < reject_below) number = next();
  return number % bound;
}

std::int64_t Random::between(std::int64_t low, std::int64_t high) {
  INVARIANT(low <= high);
  const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  const std::uint64_t offset = span == UINT64_MAX ? next() : below(span + 1);
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(low) + offset);
}

bool Random::chance(double probability) {
  return static_cast<double>(next() >> 11) * 0x1.0p-53 < probability;  // 53 bits: exact in a double
}

std::string Random::uuid() {
  std::array<std::uint64_t, 2> halves{next(), next()};
  halves[0] = (halves[0] & ~0xf000ULL) | 0x4000ULL;              // version 4
  halves[1] = (halves[1] & ~(3ULL << 62)) | (2ULL << 62);        // variant 10
  constexpr char kHex[] = "0123456789abcdef";
  std::string text;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) text += '-';
    const std::uint64_t half = halves[static_cast<std::size_t>(nibble / 16)];
    text += kHex[(half >> (60 - 4 * (nibble % 16))) & 15];
  }
  return text;
}

SeededRandom::SeededRandom(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {  // splitmix64, as the generator's authors recommend
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
}

std::uint64_t SeededRandom::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace tidelock
