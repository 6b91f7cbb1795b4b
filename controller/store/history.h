// SPDX-License-Identifier: Apache-2.0
// The watches of a store and the window of recent events that they share.
//
// The store publishes each durable batch once. A watch inside the window reads from memory; one
// behind it reads older events through ReadOlder until it has caught up. Both sides are joined by
// event ids, so there is no gap and no repeat. Thread-safe; publish() is called by one thread at a
// time, in the order of the history.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "controller/store/transaction.h"

namespace tidelock::store {

// A stretch of stored history.
struct OlderEvents {
  std::vector<NumberedEvent> events;  // those in the range
  EventId scanned = 0;                // every event up to here was looked at
  std::size_t rows = 0;               // how many those were
};

// Looks at stored events with after < id <= last, oldest first: at most `rows` of them and until
// `max` matched. Expired when some of them may have been compacted away.
using ReadOlder = std::function<Result<OlderEvents>(EventId after, EventId last, const Range& range,
                                                    std::size_t rows, std::size_t max)>;

class History {
 public:
  // One watch's place. Owned by its Watch and, while it is registered, by the history.
  struct Reader;
  using Readers = std::vector<std::shared_ptr<Reader>>;

  History(Revision newest, Revision compacted, ReadOlder read_older);
  ~History();
  History(const History&) = delete;
  History& operator=(const History&) = delete;

  // Takes in the events of the revisions up to `newest`; returns whom to wake().
  [[nodiscard]] Readers publish(std::vector<NumberedEvent> events, Revision newest);
  // Positions below `revision` expire from now on; returns whom to wake().
  [[nodiscard]] Readers compact(Revision revision);
  // Call with no lock held that a wake function might want.
  static void wake(const Readers& readers);

  Result<std::unique_ptr<Watch>> watch(Range range, Revision after, Wake wake);

  // The event with this id if it is still in the window. For the publishing thread.
  EventPtr find(EventId id) const;

 private:
  class WatchImpl;

  EventId floor() const;  // everything after this id is in the window
  EventId top() const { return last_id(newest_); }
  std::deque<NumberedEvent>::const_iterator after(EventId id) const;
  void append(std::vector<NumberedEvent> events);
  void read_window(Reader& reader, std::size_t max, std::vector<EventPtr>& out);
  Result<std::vector<EventPtr>> next(Reader& reader, std::size_t max);
  Result<void> check(Reader& reader);
  void remove(const std::shared_ptr<Reader>& reader);

  const ReadOlder read_older_;
  mutable std::mutex mutex_;  // guards all below and the places of the readers
  std::deque<NumberedEvent> window_;
  std::size_t window_bytes_ = 0;
  std::uint64_t evicted_ = 0;  // events that have left the window
  Revision newest_;
  Revision compacted_;
  std::map<Range, Readers> readers_;
};

}  // namespace tidelock::store
