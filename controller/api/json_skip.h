// SPDX-License-Identifier: Apache-2.0
// Steps over JSON values without looking into them: each byte is looked at once. Lenient: brackets are
// counted, not matched.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace tidelock::api {

inline constexpr std::size_t kJsonTorn = static_cast<std::size_t>(-1);

namespace detail {
enum class JsonByte : unsigned char { Plain, Quote, Open, Close };
inline constexpr std::array<JsonByte, 256> kJsonBytes = [] {
  std::array<JsonByte, 256> bytes{};
  bytes['"'] = JsonByte::Quote;
  bytes['{'] = bytes['['] = JsonByte::Open;
  bytes['}'] = bytes[']'] = JsonByte::Close;
  return bytes;
}();
}  // namespace detail

// The position behind the string whose first quote is at `at`; kJsonTorn if it has no end.
inline std::size_t skip_json_string(std::string_view text, std::size_t at) {
  const std::size_t size = text.size();
  for (++at; at < size; ++at) {
    if (text[at] == '"') return at + 1;
    if (text[at] == '\\') ++at;
  }
  return kJsonTorn;
}

// The position behind the object or list that begins at `at`; kJsonTorn if it has no end.
inline std::size_t skip_json_nested(std::string_view text, std::size_t at) {
  const std::size_t size = text.size();
  std::size_t depth = 0;
  while (at < size) {
    switch (detail::kJsonBytes[static_cast<unsigned char>(text[at])]) {
      case detail::JsonByte::Plain: ++at; break;
      case detail::JsonByte::Quote:
        at = skip_json_string(text, at);
        if (at == kJsonTorn) return kJsonTorn;
        break;
      case detail::JsonByte::Open: ++depth, ++at; break;
      case detail::JsonByte::Close:
        ++at;
        if (--depth == 0) return at;
        break;
    }
  }
  return kJsonTorn;
}

}  // namespace tidelock::api
