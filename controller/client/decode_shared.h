// SPDX-License-Identifier: Apache-2.0
// One decoded object for all that read the same text: the reflectors of one process (controller and agent
// of one server, or an own write and its watch event) decode it once and hold it once.
//
// Thread-safe. Remembers the last texts per kind, not their objects: those live as long as somebody holds them.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "controller/api/codec.h"

namespace tidelock::client {

// What is rare is not worth its memory.
inline constexpr std::size_t kSharedTexts = 128;
inline constexpr std::size_t kSharedTextBytesMax = 8 * 1024;

// As api::decode<T>(text).
template <class T>
Result<std::shared_ptr<const T>> decode_shared(std::string_view text) {
  struct Slot {
    std::string text;
    std::weak_ptr<const T> object;
  };
  static std::mutex mutex;
  static std::array<Slot, kSharedTexts> slots;  // guarded by mutex
  Slot& slot = slots[std::hash<std::string_view>{}(text) % kSharedTexts];
  {
    const std::lock_guard lock(mutex);
    if (slot.text == text) {
      if (auto known = slot.object.lock()) return known;
    }
  }
  Result<T> decoded = api::decode<T>(text);
  if (!decoded) return fail(decoded.error());
  auto object = std::make_shared<const T>(std::move(*decoded));
  if (text.size() <= kSharedTextBytesMax) {
    const std::lock_guard lock(mutex);
    slot = {std::string(text), object};
  }
  return std::shared_ptr<const T>(std::move(object));
}

}  // namespace tidelock::client
