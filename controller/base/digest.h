// SPDX-License-Identifier: Apache-2.0
// SHA-256, base64 and hex. The only header of base with OpenSSL behind it.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace tidelock {

// 64 lower-case hex digits.
std::string sha256_hex(std::string_view bytes);
using Sha256Sum = std::array<std::uint8_t, 32>;
Sha256Sum sha256(std::string_view bytes);

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  void update(std::string_view bytes);
  std::string finish_hex();  // once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string base64_encode(std::string_view bytes);
Result<std::string> base64_decode(std::string_view text);  // strict: padding required, no blanks
std::string base64url_encode(std::string_view bytes);      // without padding
Result<std::string> base64url_decode(std::string_view text);

// Equal in time that depends on the lengths only; for tokens and digests.
bool constant_time_equal(std::string_view a, std::string_view b);

}  // namespace tidelock
