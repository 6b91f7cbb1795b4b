// SPDX-License-Identifier: Apache-2.0
// What both stores share about transactions and reads: event ids, key ranges, the checks on what a
// caller hands in, and the errors they answer with. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/store/store.h"

namespace tidelock::store {

// One number per event: the revision and the place inside the transaction, so that ids sort as the
// history does.
using EventId = std::int64_t;
inline constexpr int kEventIdShift = 16;
constexpr EventId event_id(Revision revision, std::size_t index) {
  return (revision << kEventIdShift) | static_cast<EventId>(index);
}
constexpr Revision revision_of(EventId id) { return id >> kEventIdShift; }
// The id after which revision + 1 starts.
constexpr EventId last_id(Revision revision) { return event_id(revision + 1, 0) - 1; }

struct NumberedEvent {
  EventId id = 0;
  EventPtr event;
};

struct Range {
  std::string start;
  std::string end;  // empty = unbounded

  bool contains(std::string_view key) const {
    return key >= start && (end.empty() || key < end);
  }
  auto operator<=>(const Range&) const = default;
};

// Keys given once, not too many puts.
Result<void> check_puts(const std::vector<Put>& puts);
// Bytes that a transaction occupies while it waits.
std::size_t bytes_of(const std::vector<Put>& puts);
// The put's precondition against the key's present mod_revision (0 = missing).
bool expectation_holds(const Put& put, Revision present);

// The revision to read at (`wanted` 0 = newest), or Expired or Timeout.
Result<Revision> check_read(Revision wanted, Revision newest, Revision compacted);

Error conflict_error(const std::string& key);
Error expired_error(Revision wanted, Revision compacted);
Error future_error(Revision wanted, Revision newest);

}  // namespace tidelock::store
