// SPDX-License-Identifier: Apache-2.0
// Events (core v1) about objects: few, since each is a durable write.
//
// The same object, reason and message is one Event whose count rises, also over a restart: the name
// is made of them. report() only remembers; take() gives the calls to be sent, best effort.
// Not thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/api/codec.h"
#include "controller/client/api_client.h"

namespace tidelock::reconciler {

// Beyond these in one step, events are dropped and counted in the log.
inline constexpr std::size_t kEventsPerStepMax = 100;

struct EventSubject {
  std::string_view kind;
  std::string_view group;
  std::string_view version;
  api::ObjectKey key;
  std::string uid;  // may be unknown
};
template <class T>
EventSubject subject_of(const T& object) {
  const api::KindInfo& info = api::kind_info<T>();
  return {info.kind, info.group, info.version, object.metadata.key(), object.metadata.uid};
}

class EventRecorder {
 public:
  explicit EventRecorder(std::string component) : component_(std::move(component)) {}
  void warning(const EventSubject& subject, const std::string& reason, const std::string& message) {
    report(subject, "Warning", reason, message);
  }
  void normal(const EventSubject& subject, const std::string& reason, const std::string& message) {
    report(subject, "Normal", reason, message);
  }
  std::vector<client::Call> take(TimePoint now);

 private:
  void report(const EventSubject& subject, const char* type, const std::string& reason,
              const std::string& message);

  struct Known {
    int count = 0;
    TimePoint first;
  };
  std::string component_;
  std::vector<api::Event> pending_;
  std::size_t dropped_ = 0;
  std::map<std::string, Known> known_;  // by "namespace/name" of the Event
};

}  // namespace tidelock::reconciler
