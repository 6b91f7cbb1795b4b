// SPDX-License-Identifier: Apache-2.0
// Watch lines. The line of an event is made once for all watches that see it as it is: the last couple of
// thousand lines are kept by the address of their event. Thread-safe.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "controller/apiserver/resource_type.h"
#include "controller/store/store.h"

namespace tidelock::apiserver {

enum class EventType { Added, Modified, Deleted, Bookmark, Error };
std::string_view to_string(EventType type);  // "ADDED"

// {"type":…,"object":<object>}\n
void append_event(std::string& out, EventType type, std::string_view object);

class EventEncoder {
 public:
  // What the event is to somebody who selects everything.
  static EventType plain_type(const store::Event& event);
  // The line for a type; a deletion and Deleted carry the state before with the new revision.
  std::shared_ptr<const std::string> line(const store::EventPtr& event, EventType type,
                                          const ResourceTypePtr& resource);

 private:
  struct Slot {
    store::EventPtr event;  // held, so that the address cannot be taken by another one
    ResourceTypePtr resource;
    std::shared_ptr<const std::string> line;
  };
  static constexpr std::size_t kSlots = 2048;
  static constexpr std::size_t kCachedBytesMax = 32 * 1024;  // bounds what the slots hold in all

  std::mutex mutex_;
  std::array<Slot, kSlots> slots_;  // guarded by mutex_
};

}  // namespace tidelock::apiserver
