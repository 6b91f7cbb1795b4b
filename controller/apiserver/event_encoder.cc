// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/event_encoder.h"

#include "controller/apiserver/object_codec.h"
#include "controller/base/invariant.h"

namespace tidelock::apiserver {
namespace {

std::shared_ptr<const std::string> encode(const store::Event& event, EventType type,
                                          const ResourceType& resource) {
  const store::Bytes& state =
      type == EventType::Deleted || event.value == nullptr ? event.previous : event.value;
  INVARIANT(state != nullptr);
  auto line = std::make_shared<std::string>();
  line->reserve(state->size() + 96);
  *line += R"({"type":")";
  *line += to_string(type);
  *line += R"(","object":)";
  append_object(*line, resource, *state, event.revision);
  *line += "}\n";
  return line;
}

}  // namespace

std::string_view to_string(EventType type) {
  switch (type) {
    case EventType::Added: return "ADDED";
    case EventType::Modified: return "MODIFIED";
    case EventType::Deleted: return "DELETED";
    case EventType::Bookmark: return "BOOKMARK";
    case EventType::Error: return "ERROR";
  }
  return "";
}

void append_event(std::string& out, EventType type, std::string_view object) {
  out += R"({"type":")";
  out += to_string(type);
  out += R"(","object":)";
  out += object;
  out += "}\n";
}

EventType EventEncoder::plain_type(const store::Event& event) {
  if (event.value == nullptr) return EventType::Deleted;
  return event.previous == nullptr ? EventType::Added : EventType::Modified;
}

std::shared_ptr<const std::string> EventEncoder::line(const store::EventPtr& event, EventType type,
                                                      const ResourceTypePtr& resource) {
  if (type != plain_type(*event)) return encode(*event, type, *resource);
  Slot& slot = slots_[std::hash<const void*>()(event.get()) / alignof(store::Event) % kSlots];
  {
    const std::lock_guard lock(mutex_);
    if (slot.event == event && slot.resource == resource) return slot.line;
  }
  auto line = encode(*event, type, *resource);
  if (line->size() > kCachedBytesMax) return line;
  const std::lock_guard lock(mutex_);
  slot = {event, resource, line};
  return line;
}

}  // namespace tidelock::apiserver
