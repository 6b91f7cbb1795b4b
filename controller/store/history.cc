// SPDX-License-Identifier: Apache-2.0
#include "controller/store/history.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "controller/base/invariant.h"
#include "controller/base/limits.h"

namespace tidelock::store {
namespace {

// Stored events looked at per read while a watch catches up: short reads keep the log's old pages
// free to be checkpointed.
constexpr std::size_t kCatchUpRows = 2'000;

std::size_t bytes_of(const Event& event) {
  return event.key.size() + (event.value ? event.value->size() : 0);
}

}  // namespace

struct History::Reader {
  Range range;
  std::mutex next_mutex;  // one next() at a time
  // Guarded by History::mutex_. Every event with id <= cursor has been handed out or is of another
  // range; the cursor always stands directly before the next event of any range.
  EventId cursor = 0;
  std::uint64_t passed = 0;  // events passed, counted as History::evicted_ counts
  bool woken = false;        // and has not called next() since
  bool expired = false;
  std::mutex wake_mutex;  // held during wake
  Wake wake;              // empty once the watch is gone

  Revision position() const { return revision_of(cursor + 1) - 1; }
};

class History::WatchImpl final : public Watch {
 public:
  WatchImpl(History& history, std::shared_ptr<Reader> reader)
      : history_(history), reader_(std::move(reader)) {}
  ~WatchImpl() override {
    history_.remove(reader_);
    const std::lock_guard lock(reader_->wake_mutex);
    reader_->wake = nullptr;
  }
  WatchImpl(const WatchImpl&) = delete;
  WatchImpl& operator=(const WatchImpl&) = delete;

  Result<std::vector<EventPtr>> next(std::size_t max) override {
    return history_.next(*reader_, max);
  }
  Revision position() const override {
    const std::lock_guard lock(history_.mutex_);
    return reader_->position();
  }

 private:
  History& history_;
  const std::shared_ptr<Reader> reader_;
};

History::History(Revision newest, Revision compacted, ReadOlder read_older)
    : read_older_(std::move(read_older)), newest_(newest), compacted_(compacted) {}

History::~History() { INVARIANT(readers_.empty()); }

EventId History::floor() const { return window_.empty() ? top() : window_.front().id - 1; }

std::deque<NumberedEvent>::const_iterator History::after(EventId id) const {
  return std::upper_bound(window_.begin(), window_.end(), id,
                          [](EventId left, const NumberedEvent& right) { return left < right.id; });
}

EventPtr History::find(EventId id) const {
  const auto found = after(id - 1);
  return found != window_.end() && found->id == id ? found->event : nullptr;
}

void History::append(std::vector<NumberedEvent> events) {
  for (NumberedEvent& event : events) {
    INVARIANT(window_.empty() || window_.back().id < event.id);
    window_bytes_ += bytes_of(*event.event);
    window_.push_back(std::move(event));
  }
  while (window_.size() > limits::kWatchHistoryEventsMax ||
         window_bytes_ > limits::kWatchHistoryBytesMax) {
    window_bytes_ -= bytes_of(*window_.front().event);
    window_.pop_front();
    ++evicted_;
  }
}

History::Readers History::publish(std::vector<NumberedEvent> events, Revision newest) {
  Readers to_wake;
  const std::lock_guard lock(mutex_);
  const EventId old_top = top();
  INVARIANT(newest >= newest_);
  for (auto& [range, readers] : readers_) {
    const bool matches = std::any_of(events.begin(), events.end(), [&](const NumberedEvent& event) {
      return range.contains(event.event->key);
    });
    for (const std::shared_ptr<Reader>& reader : readers) {
      if (!matches && reader->cursor >= old_top) {
        reader->cursor = std::max(reader->cursor, last_id(newest));
        reader->passed = evicted_ + window_.size() + events.size();
      } else if (!reader->woken) {
        reader->woken = true;
        to_wake.push_back(reader);
      }
    }
  }
  newest_ = newest;
  append(std::move(events));
  return to_wake;
}

History::Readers History::compact(Revision revision) {
  Readers to_wake;
  const std::lock_guard lock(mutex_);
  compacted_ = std::max(compacted_, revision);
  for (auto& [range, readers] : readers_) {
    std::copy_if(readers.begin(), readers.end(), std::back_inserter(to_wake),
                 [&](const auto& reader) { return reader->position() < compacted_; });
  }
  return to_wake;
}

void History::wake(const Readers& readers) {
  for (const std::shared_ptr<Reader>& reader : readers) {
    const std::lock_guard lock(reader->wake_mutex);
    if (reader->wake) reader->wake();
  }
}

Result<std::unique_ptr<Watch>> History::watch(Range range, Revision after, Wake wake) {
  auto reader = std::make_shared<Reader>();
  reader->range = std::move(range);
  reader->cursor = last_id(after);
  reader->wake = std::move(wake);
  const std::lock_guard lock(mutex_);
  if (after < compacted_) return fail(expired_error(after, compacted_));
  const auto place = static_cast<std::size_t>(this->after(reader->cursor) - window_.begin());
  reader->passed = evicted_ + place;
  readers_[reader->range].push_back(reader);
  return std::make_unique<WatchImpl>(*this, reader);
}

void History::remove(const std::shared_ptr<Reader>& reader) {
  const std::lock_guard lock(mutex_);
  const auto group = readers_.find(reader->range);
  INVARIANT(group != readers_.end());
  std::erase(group->second, reader);
  if (group->second.empty()) readers_.erase(group);
}

Result<void> History::check(Reader& reader) {
  const std::uint64_t behind = evicted_ > reader.passed ? evicted_ - reader.passed : 0;
  if (reader.position() < compacted_ || behind > limits::kWatchBacklogEventsMax) {
    reader.expired = true;
  }
  if (reader.expired) {
    return fail(expired_error(reader.position(), std::max(compacted_, revision_of(floor() + 1))));
  }
  return {};
}

void History::read_window(Reader& reader, std::size_t max, std::vector<EventPtr>& out) {
  auto it = after(reader.cursor);
  for (; it != window_.end(); ++it) {
    if (!reader.range.contains(it->event->key)) continue;
    if (out.size() == max) break;
    out.push_back(it->event);
  }
  const EventId reached = it == window_.end() ? top() : it->id - 1;
  reader.cursor = std::max(reader.cursor, reached);
  reader.passed = evicted_ + static_cast<std::size_t>(it - window_.cbegin());
}

Result<std::vector<EventPtr>> History::next(Reader& reader, std::size_t max) {
  std::vector<EventPtr> out;
  const std::lock_guard one_at_a_time(reader.next_mutex);
  std::unique_lock lock(mutex_);
  reader.woken = false;
  for (;;) {
    // Events in hand were complete when they were read; the next call reports the expiry.
    if (const Result<void> valid = check(reader); !valid) {
      if (!out.empty()) return out;
      return fail(valid.error());
    }
    if (reader.cursor >= floor()) {
      read_window(reader, max, out);
      return out;
    }
    if (out.size() >= max) return out;
    const EventId cursor = reader.cursor;
    const EventId last = floor();
    lock.unlock();
    Result<OlderEvents> older =
        read_older_(cursor, last, reader.range, kCatchUpRows, max - out.size());
    lock.lock();
    if (!older) {
      if (older.error().reason == Reason::Expired) reader.expired = true;
      if (!out.empty()) return out;
      return fail(older.error());
    }
    INVARIANT(older->scanned > cursor);
    for (NumberedEvent& event : older->events) out.push_back(std::move(event.event));
    reader.cursor = older->scanned;
    reader.passed = std::min(evicted_, reader.passed + older->rows);
  }
}

}  // namespace tidelock::store
