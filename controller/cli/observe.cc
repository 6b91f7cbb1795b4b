// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/observe.h"

#include <algorithm>

#include "controller/client/reflector.h"

namespace tidelock::cli {
namespace {

// Returns whether anything arrived.
bool absorb(std::vector<client::ReflectorCore::Batch>& batches, Objects& objects) {
  bool any = false;
  for (auto& batch : batches) {
    if (batch.replaced) objects.clear();
    any = true;
    for (auto& change : batch.changes) {
      nlohmann::json object = nlohmann::json::parse(change.object, nullptr, false);
      if (change.object.empty() || object.is_discarded()) {
        objects.erase(change.key);
      } else {
        objects[change.key] = std::move(object);
      }
    }
  }
  return any;
}

}  // namespace

Outcome observe(Session& session, const Unit& unit, TimePoint deadline,
                const std::function<bool(const Objects&)>& answered) {
  client::ReflectorOptions options;
  options.resource = unit.info->resource;
  options.ns = unit.ns;
  options.label_selector = unit.label_selector;
  options.field_selector = unit.name.empty() ? unit.field_selector : "metadata.name=" + unit.name;
  options.wake = session.environment().wake;
  client::ReflectorCore reflector(session.api(), options);
  Objects objects;
  for (;;) {
    std::vector<client::ReflectorCore::Batch> batches;
    const TimePoint next = reflector.step(session.now(), batches);
    if (absorb(batches, objects) && reflector.synced() && answered(objects)) {
      return Outcome::Answered;
    }
    if (session.now() >= deadline) return Outcome::TimedOut;
    if (!session.environment().wait(std::min(next, deadline))) return Outcome::Interrupted;
  }
}

Result<TimePoint> deadline_of(const std::string& timeout, TimePoint now) {
  if (timeout.empty() || timeout == "0" || timeout == "0s") return kNever;
  if (timeout.starts_with('-')) return now + std::chrono::hours(24 * 7);
  auto duration = parse_duration(timeout);
  if (!duration) return usage("--timeout: " + duration.error().message);
  return now + *duration;
}

}  // namespace tidelock::cli
