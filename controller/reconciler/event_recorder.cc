// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/event_recorder.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "controller/base/digest.h"
#include "controller/base/log.h"

namespace tidelock::reconciler {
namespace {

using nlohmann::json;

constexpr std::size_t kKnownMax = 10'000;
constexpr std::size_t kMessageBytesMax = 1'024;  // the API's own limit
constexpr std::size_t kSubjectBytesMax = 236;    // leaves room for the digest in 253 characters
constexpr std::size_t kDigestDigits = 16;

std::string event_name(const EventSubject& subject, const std::string& reason,
                       const std::string& message) {
  const std::string digest =
      sha256_hex(std::string(subject.kind) + "\n" + subject.uid + "\n" + reason + "\n" + message);
  std::string name = subject.key.name.substr(0, kSubjectBytesMax);
  name.erase(name.find_last_not_of("-.") + 1);
  return name + "." + digest.substr(0, kDigestDigits);
}

// Cut between characters.
std::string shortened(std::string text) {
  if (text.size() <= kMessageBytesMax) return text;
  std::size_t end = kMessageBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  text.resize(end);
  return text;
}

client::Call event_call(client::Call::Verb verb, const api::Event& event) {
  client::Call call;
  call.verb = verb;
  call.resource = client::resource_of<api::Event>();
  call.ns = event.metadata.ns;
  call.name = event.metadata.name;
  return call;
}

}  // namespace

void EventRecorder::report(const EventSubject& subject, const char* type, const std::string& reason,
                           const std::string& message) {
  if (pending_.size() >= kEventsPerStepMax) {
    ++dropped_;
    return;
  }
  api::Event event;
  event.metadata.ns = subject.key.ns;
  event.metadata.name = event_name(subject, reason, message);
  event.involved_api_version = subject.group.empty()
                                   ? std::string(subject.version)
                                   : std::string(subject.group) + "/" + std::string(subject.version);
  event.involved_kind = subject.kind;
  event.involved_ns = subject.key.ns;
  event.involved_name = subject.key.name;
  event.involved_uid = subject.uid;
  event.reason = reason;
  event.message = shortened(message);
  event.type = type;
  event.source_component = component_;
  pending_.push_back(std::move(event));
}

std::vector<client::Call> EventRecorder::take(TimePoint now) {
  if (dropped_ > 0) log_warn("events dropped", {{"count", std::to_string(dropped_)}});
  dropped_ = 0;
  if (known_.size() > kKnownMax) known_.clear();
  std::vector<client::Call> calls;
  for (api::Event& event : std::exchange(pending_, {})) {
    Known& known = known_[event.metadata.ns + "/" + event.metadata.name];
    if (++known.count == 1) {
      known.first = now;
      event.first_timestamp = event.last_timestamp = now;
      client::Call call = event_call(client::Call::Verb::Create, event);
      call.body = api::encode(event).dump(-1, ' ', false, json::error_handler_t::replace);
      calls.push_back(std::move(call));
    } else {
      client::Call call = event_call(client::Call::Verb::Patch, event);
      call.body = json{{"count", known.count}, {"lastTimestamp", format_time(now)}}.dump();
      calls.push_back(std::move(call));
    }
  }
  return calls;
}

}  // namespace tidelock::reconciler
