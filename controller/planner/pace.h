// SPDX-License-Identifier: Apache-2.0
// Keeps status writes few: a wanted status is written at once when it is urgent or the last one is
// at least `interval` old, else when that is so. The last wanted value is always written in the
// end.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/base/time.h"

namespace tidelock::planner {

template <class Status>
class Pace {
 public:
  explicit Pace(Duration interval) : interval_(interval) {}

  void want(const std::string& name, const Status& known, Status wanted, bool urgent) {
    Slot& slot = slots_[name];
    if (wanted == known) {
      pending_.erase(name);
      return;
    }
    slot.wanted = std::move(wanted);
    slot.urgent = urgent;
    pending_.insert(name);
  }
  // When a status that is not urgent may be written; worth asking before computing a dear one.
  TimePoint ready_at(const std::string& name) const {
    const auto place = slots_.find(name);
    const bool written = place != slots_.end() && place->second.emitted_at;
    return written ? *place->second.emitted_at + interval_ : TimePoint{};
  }
  // The status as it is now: what was wanted may have been written.
  void see(const std::string& name, const Status& known) {
    const auto place = slots_.find(name);
    if (place != slots_.end() && place->second.wanted == known) pending_.erase(name);
  }
  void drop(const std::string& name) { pending_.erase(name); }
  void forget(const std::string& name) {
    pending_.erase(name);
    slots_.erase(name);
  }

  // Calls write(name, status) for each that is due; lowers `next` to when the others are.
  template <class Write>
  void emit(TimePoint now, TimePoint& next, Write write) {
    for (const auto& name : pending_) {
      Slot& slot = slots_.at(name);
      const bool again = slot.emitted_at && slot.emitted == slot.wanted;
      if (!again && !slot.urgent && slot.emitted_at && now < *slot.emitted_at + interval_) {
        next = std::min(next, *slot.emitted_at + interval_);
        continue;
      }
      if (!again) {
        slot.emitted = slot.wanted;
        slot.emitted_at = now;
      }
      write(name, slot.wanted);
    }
  }

 private:
  struct Slot {
    Status wanted;
    Status emitted;
    std::optional<TimePoint> emitted_at;
    bool urgent = false;
  };
  Duration interval_;
  std::map<std::string, Slot> slots_;
  std::set<std::string> pending_;
};

}  // namespace tidelock::planner
