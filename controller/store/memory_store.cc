// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>

#include "controller/base/invariant.h"
#include "controller/base/limits.h"
#include "controller/store/history.h"
#include "controller/store/store.h"
#include "controller/store/transaction.h"

namespace tidelock::store {
namespace {

struct Version {
  Revision revision = 0;
  Revision create_revision = 0;
  Bytes value;  // null = deleted here
};
using Versions = std::deque<Version>;  // oldest first, never empty

// The version that was in force at `revision`; null = the key did not exist.
const Version* at(const Versions& versions, Revision revision) {
  const auto later = std::upper_bound(
      versions.begin(), versions.end(), revision,
      [](Revision wanted, const Version& version) { return wanted < version.revision; });
  if (later == versions.begin()) return nullptr;
  const Version& version = *(later - 1);
  return version.value ? &version : nullptr;
}

Entry to_entry(const std::string& key, const Version& version) {
  return {key, *version.value, version.create_revision, version.revision};
}

class MemoryStore final : public Store {
 public:
  MemoryStore()
      : history_(0, 0, [this](EventId after, EventId last, const Range& range, std::size_t rows,
                              std::size_t max) {
          return read_older(after, last, range, rows, max);
        }) {}

  void submit(std::vector<Put> puts, CommitCallback done) override {
    History::Readers readers;
    Result<Revision> result = apply(std::move(puts), readers);
    done(std::move(result));
    History::wake(readers);
  }

  Result<std::optional<Entry>> get(std::string_view key, ReadOptions options) override {
    const std::shared_lock lock(mutex_);
    const Result<Revision> revision = check_read(options.revision, revision_, compacted_);
    if (!revision) return fail(revision.error());
    const auto found = keys_.find(key);
    if (found == keys_.end()) return std::optional<Entry>();
    const Version* version = at(found->second, *revision);
    if (version == nullptr) return std::optional<Entry>();
    return std::optional<Entry>(to_entry(found->first, *version));
  }

  Result<Page> list(std::string_view start, std::string_view end, std::size_t limit,
                    ReadOptions options) override {
    const std::shared_lock lock(mutex_);
    const Result<Revision> revision = check_read(options.revision, revision_, compacted_);
    if (!revision) return fail(revision.error());
    Page page;
    page.revision = *revision;
    for (auto it = keys_.lower_bound(start); it != keys_.end(); ++it) {
      if (!end.empty() && it->first >= end) break;
      const Version* version = at(it->second, *revision);
      if (version == nullptr) continue;
      if (limit == 0 || page.entries.size() < limit) {
        page.entries.push_back(to_entry(it->first, *version));
      } else if (page.remaining++ == 0) {
        page.next = it->first;
      }
    }
    return page;
  }

  Revision revision() const override {
    const std::shared_lock lock(mutex_);
    return revision_;
  }
  Revision compacted_revision() const override {
    const std::shared_lock lock(mutex_);
    return compacted_;
  }

  Result<std::unique_ptr<Watch>> watch(std::string_view start, std::string_view end, Revision after,
                                       Wake wake) override {
    return history_.watch({std::string(start), std::string(end)}, after, std::move(wake));
  }

  Result<bool> compact_step(Revision revision) override {
    History::Readers readers;
    bool more = false;
    {
      const std::lock_guard lock(mutex_);
      if (revision > revision_) return fail(future_error(revision, revision_));
      if (revision > compacted_) {
        compacted_ = revision;
        readers = history_.compact(revision);
      }
      for (std::size_t rows = 0; rows < limits::kCompactionRowsPerStep && log_is_old(); ++rows) {
        forget(*log_.front().event);
        log_.pop_front();
      }
      more = log_is_old();
    }
    History::wake(readers);
    return more;
  }

 private:
  bool log_is_old() const { return !log_.empty() && log_.front().id <= last_id(compacted_); }

  // Drops what `event`, which lies in compacted history, has replaced.
  void forget(const Event& event) {
    const auto found = keys_.find(event.key);
    INVARIANT(found != keys_.end());
    Versions& versions = found->second;
    while (versions.front().revision < event.revision) versions.pop_front();
    if (versions.front().revision == event.revision && !versions.front().value) {
      versions.pop_front();
    }
    if (versions.empty()) keys_.erase(found);
  }

  const Version* present(const std::string& key) const {
    const auto found = keys_.find(key);
    return found == keys_.end() ? nullptr : at(found->second, revision_);
  }

  Result<Revision> apply(std::vector<Put> puts, History::Readers& readers) {
    if (const Result<void> valid = check_puts(puts); !valid) return fail(valid.error());
    const std::lock_guard lock(mutex_);
    for (const Put& put : puts) {
      const Version* version = present(put.key);
      if (!expectation_holds(put, version == nullptr ? 0 : version->revision)) {
        return fail(conflict_error(put.key));
      }
    }
    std::vector<NumberedEvent> events;
    for (Put& put : puts) write(std::move(put), revision_ + 1, events);
    if (events.empty()) return revision_;
    ++revision_;
    log_.insert(log_.end(), events.begin(), events.end());
    readers = history_.publish(std::move(events), revision_);
    return revision_;
  }

  void write(Put put, Revision revision, std::vector<NumberedEvent>& events) {
    const Version* before = present(put.key);
    if (!put.value && before == nullptr) return;
    auto event = std::make_shared<Event>();
    event->revision = revision;
    event->create_revision = before == nullptr ? revision : before->create_revision;
    if (before != nullptr) event->previous = before->value;
    if (put.value) event->value = std::make_shared<const std::string>(std::move(*put.value));
    keys_[put.key].push_back({revision, event->create_revision, event->value});
    event->key = std::move(put.key);
    events.push_back({event_id(revision, events.size()), std::move(event)});
  }

  Result<OlderEvents> read_older(EventId after, EventId last, const Range& range, std::size_t rows,
                                 std::size_t max) const {
    const std::shared_lock lock(mutex_);
    const Revision position = revision_of(after + 1) - 1;
    if (position < compacted_) return fail(expired_error(position, compacted_));
    OlderEvents older;
    auto it = std::upper_bound(log_.begin(), log_.end(), after,
                               [](EventId id, const NumberedEvent& event) { return id < event.id; });
    for (; it != log_.end() && it->id <= last && older.rows < rows; ++it) {
      const bool matches = range.contains(it->event->key);
      if (matches && older.events.size() == max) break;
      if (matches) older.events.push_back(*it);
      ++older.rows;
    }
    older.scanned = it == log_.end() || it->id > last ? last : it->id - 1;
    return older;
  }

  mutable std::shared_mutex mutex_;  // taken before the history's own
  Revision revision_ = 0;
  Revision compacted_ = 0;
  std::map<std::string, Versions, std::less<>> keys_;
  std::deque<NumberedEvent> log_;  // all events after the compacted revision, and older leftovers
  History history_;
};

}  // namespace

std::unique_ptr<Store> open_memory_store() { return std::make_unique<MemoryStore>(); }

}  // namespace tidelock::store
