// SPDX-License-Identifier: Apache-2.0
// Keeps status writes few: a wanted status is written at once when it is urgent or the last one is
// at least `interval` old, else when that is so. The last wanted value is always written in the
// end.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
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
    if (wanted == known) return settle(name);
    Slot& slot = slots_[name];
    if (!slot.open) slot.open = std::make_unique<Open>();
    slot.open->wanted = std::move(wanted);
    slot.open->urgent = urgent;
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
    if (place != slots_.end() && place->second.open && place->second.open->wanted == known) settle(name);
  }
  void drop(const std::string& name) { pending_.erase(name); }
  void forget(const std::string& name) {
    pending_.erase(name);
    slots_.erase(name);
  }

  // Calls write(name, status) for each that is due until it says false; lowers `next` to when the others are.
  template <class Write>
  void emit(TimePoint now, TimePoint& next, Write write) {
    forget_settled(now);
    for (const auto& name : pending_) {
      Slot& slot = slots_.at(name);
      Open& open = *slot.open;
      const bool again = slot.emitted_at && open.emitted && *open.emitted == open.wanted;
      if (!again && !open.urgent && slot.emitted_at && now < *slot.emitted_at + interval_) {
        next = std::min(next, *slot.emitted_at + interval_);
        continue;
      }
      if (!write(name, open.wanted)) return;
      if (!again) {
        open.emitted = open.wanted;
        slot.emitted_at = now;
      }
    }
  }

 private:
  struct Open {
    Status wanted;
    std::optional<Status> emitted;
    bool urgent = false;
  };
  struct Slot {
    std::unique_ptr<Open> open;  // null = what was wanted is known
    std::optional<TimePoint> emitted_at;
  };

  // Nothing is to be written. When it was written last counts for one interval more.
  void settle(const std::string& name) {
    pending_.erase(name);
    const auto place = slots_.find(name);
    if (place == slots_.end()) return;
    if (!place->second.emitted_at) {
      slots_.erase(place);
    } else if (place->second.open) {
      place->second.open.reset();
      settled_.emplace(*place->second.emitted_at + interval_, name);
    }
  }
  void forget_settled(TimePoint now) {
    while (!settled_.empty() && settled_.begin()->first <= now) {
      const auto place = slots_.find(settled_.begin()->second);
      if (place != slots_.end() && !place->second.open) slots_.erase(place);
      settled_.erase(settled_.begin());
    }
  }

  Duration interval_;
  std::map<std::string, Slot> slots_;  // few: of those that are written, or were just now
  std::set<std::string> pending_;
  std::set<std::pair<TimePoint, std::string>> settled_;
};

}  // namespace tidelock::planner
