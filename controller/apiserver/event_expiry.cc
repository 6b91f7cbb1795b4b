// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/event_expiry.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/apiserver/scan.h"

namespace tidelock::apiserver {
namespace {

constexpr std::string_view kEventsPrefix = "/registry/core/events/";

// The newest time that the event tells of; `now` if it tells none.
TimePoint last_seen(const std::string& event, TimePoint now) {
  for (const auto& text : {scan_string(event, {"series", "lastObservedTime"}),
                           scan_string(event, {"lastTimestamp"}), scan_string(event, {"eventTime"}),
                           scan_string(event, {"metadata", "creationTimestamp"})}) {
    if (const auto time = parse_time(text)) return std::min(*time, now);
  }
  return now;
}

}  // namespace

void EventExpiry::observe(const std::string& key, const std::string* value, TimePoint now) {
  if (!key.starts_with(kEventsPrefix)) return;
  if (const auto old = due_of_.find(key); old != due_of_.end()) {
    due_.erase({old->second, key});
    due_of_.erase(old);
  }
  if (value == nullptr) return;
  const TimePoint due = last_seen(*value, now) + context_.options.event_lifetime;
  due_of_[key] = due;
  due_.insert({due, key});
}

TimePoint EventExpiry::run(TimePoint now) {
  const auto type = context_.registry.find("", "v1", "events");
  while (!due_.empty() && due_.begin()->first <= now) {
    const std::string key = due_.begin()->second;
    due_of_.erase(key);
    due_.erase(due_.begin());
    writer_.remove(type, key, Propagation::Background, "");
  }
  return due_.empty() ? kNever : due_.begin()->first;
}

void EventExpiry::clear() {
  due_of_.clear();
  due_.clear();
}

}  // namespace tidelock::apiserver
