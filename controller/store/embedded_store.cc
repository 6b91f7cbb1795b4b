// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <utility>

#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/store/database.h"
#include "controller/store/reader_pool.h"

namespace tidelock::store {
namespace {

// The write-ahead log is copied into the file from 16 MiB on, beside the readers. Overlapping
// readers can keep it from ever starting anew: from 256 MiB on new ones wait until it has.
constexpr std::size_t kCheckpointPages = 1'024;
constexpr std::size_t kCheckpointPagesMax = 16'384;

struct Waiting {
  std::vector<Put> puts;
  CommitCallback done;
  std::size_t bytes = 0;
};

struct Compaction {
  Revision revision = 0;
  std::shared_ptr<std::promise<Result<bool>>> more;
};

// All writes happen on one thread, which takes what has queued up meanwhile as one SQLite
// transaction (group commit). Each store transaction in it is checked against the ones before it
// and is answered only when all are durable.
class EmbeddedStore final : public Store {
 public:
  EmbeddedStore(Folder folder, std::unique_ptr<Database> database)
      : folder_(std::move(folder)),
        readers_(folder_),
        database_(std::move(database)),
        revision_(database_->revision()),
        compacted_(database_->compacted()),
        history_(revision_, compacted_,
                 [this](EventId after, EventId last, const Range& range, std::size_t rows,
                        std::size_t max) -> Result<OlderEvents> {
                   const auto reader = readers_.acquire();
                   if (!reader) return fail(reader.error());
                   return (*reader)->read_older(after, last, range, rows, max);
                 }),
        writer_([this] { run(); }) {}

  ~EmbeddedStore() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    writer_.join();
    readers_.close();  // the writer's connection must be the last one
  }
  EmbeddedStore(const EmbeddedStore&) = delete;
  EmbeddedStore& operator=(const EmbeddedStore&) = delete;

  void submit(std::vector<Put> puts, CommitCallback done) override {
    if (const Result<void> valid = check_puts(puts); !valid) return done(fail(valid.error()));
    const std::size_t bytes = bytes_of(puts);
    std::unique_lock lock(mutex_);
    if (queue_.size() >= limits::kStoreQueueMax ||
        (!queue_.empty() && queue_bytes_ + bytes > limits::kStoreQueueBytesMax)) {
      lock.unlock();
      return done(fail(Reason::TooManyRequests, "too many writes are waiting for the disk"));
    }
    queue_bytes_ += bytes;
    queue_.push_back({std::move(puts), std::move(done), bytes});
    const bool was_empty = queue_.size() == 1;
    lock.unlock();
    if (was_empty) changed_.notify_one();
  }

  Result<std::optional<Entry>> get(std::string_view key, ReadOptions options) override {
    const auto reader = readers_.acquire();
    if (!reader) return fail(reader.error());
    return (*reader)->get(key, options.revision);
  }

  Result<Page> list(std::string_view start, std::string_view end, std::size_t limit,
                    ReadOptions options) override {
    const auto reader = readers_.acquire();
    if (!reader) return fail(reader.error());
    return (*reader)->list({std::string(start), std::string(end)}, limit, options.revision);
  }

  Revision revision() const override { return revision_.load(); }
  Revision compacted_revision() const override { return compacted_.load(); }

  Result<std::unique_ptr<Watch>> watch(std::string_view start, std::string_view end, Revision after,
                                       Wake wake) override {
    return history_.watch({std::string(start), std::string(end)}, after, std::move(wake));
  }

  Result<bool> compact_step(Revision revision) override {
    if (revision > revision_) return fail(future_error(revision, revision_));
    auto more = std::make_shared<std::promise<Result<bool>>>();
    std::future<Result<bool>> result = more->get_future();
    {
      const std::lock_guard lock(mutex_);
      compactions_.push_back({revision, std::move(more)});
    }
    changed_.notify_one();
    return result.get();
  }

 private:
  struct Work {
    std::vector<Waiting> batch;
    std::deque<Compaction> compactions;
    bool empty() const { return batch.empty() && compactions.empty(); }
  };

  void run() {
    for (Work work = wait_for_work(); !work.empty(); work = wait_for_work()) {
      if (!work.batch.empty()) write(std::move(work.batch));
      for (Compaction& compaction : work.compactions) compact(compaction);
      checkpoint();
    }
  }

  // Empty only when the store closes and all is done.
  Work wait_for_work() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopping_ || !queue_.empty() || !compactions_.empty(); });
    Work work;
    work.compactions.swap(compactions_);
    std::size_t bytes = 0;
    while (!queue_.empty() && work.batch.size() < limits::kStoreCommitBatchMax &&
           (work.batch.empty() || bytes + queue_.front().bytes <= limits::kStoreCommitBatchBytesMax)) {
      bytes += queue_.front().bytes;
      work.batch.push_back(std::move(queue_.front()));
      queue_.pop_front();
    }
    queue_bytes_ -= bytes;
    return work;
  }

  void write(std::vector<Waiting> batch) {
    std::vector<Result<Revision>> results;
    std::vector<NumberedEvent> events;
    const Result<void> written = write_durably(batch, results, events);
    if (!written) {
      database_->rollback();
      report_disk(written);
      // Refusals too rest on writes that did not happen.
      results.assign(batch.size(), fail(written.error()));
      events.clear();
    }
    const bool changed = !events.empty();
    History::Readers readers;
    if (changed) {
      report_disk({});
      revision_ = database_->revision();
      readers = history_.publish(std::move(events), revision_);
    }
    for (std::size_t i = 0; i < batch.size(); ++i) batch[i].done(std::move(results[i]));
    History::wake(readers);
  }

  Result<void> write_durably(std::vector<Waiting>& batch, std::vector<Result<Revision>>& results,
                             std::vector<NumberedEvent>& events) {
    if (const Result<void> begun = database_->begin(); !begun) return begun;
    Revision revision = revision_;
    results.reserve(batch.size());
    for (Waiting& waiting : batch) {
      Result<Result<Revision>> result = apply(std::move(waiting.puts), revision, events);
      if (!result) return fail(result.error());
      if (*result) revision = **result;
      results.push_back(*std::move(result));
    }
    if (!events.empty()) return database_->commit(revision);
    database_->rollback();
    return {};
  }

  // One transaction inside the batch. The outer error is the disk's, the inner one a refusal.
  Result<Result<Revision>> apply(std::vector<Put> puts, Revision newest,
                                 std::vector<NumberedEvent>& events) {
    std::vector<Database::Head> heads;
    heads.reserve(puts.size());
    for (const Put& put : puts) {
      const Result<Database::Head> head = database_->head(put.key);
      if (!head) return fail(head.error());
      const Revision present = head->create_revision == 0 ? 0 : revision_of(head->id);
      if (!expectation_holds(put, present)) return Result<Revision>(fail(conflict_error(put.key)));
      heads.push_back(*head);
    }
    std::size_t index = 0;
    for (std::size_t i = 0; i < puts.size(); ++i) {
      if (!puts[i].value && heads[i].create_revision == 0) continue;
      const EventId id = event_id(newest + 1, index++);
      const Result<EventPtr> event = write_event(std::move(puts[i]), id, heads[i], events);
      if (!event) return fail(event.error());
      events.push_back({id, *event});
    }
    return Result<Revision>(index == 0 ? newest : newest + 1);
  }

  Result<EventPtr> write_event(Put put, EventId id, const Database::Head& before,
                               const std::vector<NumberedEvent>& batch) {
    auto event = std::make_shared<Event>();
    event->revision = revision_of(id);
    event->create_revision = before.create_revision == 0 ? event->revision : before.create_revision;
    event->key = std::move(put.key);
    if (put.value) event->value = std::make_shared<const std::string>(std::move(*put.value));
    if (before.create_revision != 0) {
      Result<Bytes> previous = value_of(before.id, batch);
      if (!previous) return fail(previous.error());
      event->previous = *std::move(previous);
    }
    if (const Result<void> added = database_->append(id, *event, before); !added) {
      return fail(added.error());
    }
    return EventPtr(std::move(event));
  }

  // From memory where possible: the bytes are shared then.
  Result<Bytes> value_of(EventId id, const std::vector<NumberedEvent>& batch) {
    const auto found =
        std::lower_bound(batch.begin(), batch.end(), id,
                         [](const NumberedEvent& event, EventId wanted) { return event.id < wanted; });
    if (found != batch.end() && found->id == id) return found->event->value;
    if (const EventPtr event = history_.find(id)) return event->value;
    return database_->value(id);
  }

  void compact(Compaction& compaction) {
    Result<bool> more = database_->compact(compaction.revision, limits::kCompactionRowsPerStep);
    if (!more) report_disk(fail(more.error()));
    History::Readers readers;
    if (more && database_->compacted() > compacted_) {
      compacted_ = database_->compacted();
      readers = history_.compact(compacted_);
    }
    // Whoever asked for it finds that the watches it ended have been told.
    History::wake(readers);
    compaction.more->set_value(std::move(more));
  }

  void checkpoint() {
    const std::size_t pages = database_->wal_pages();
    if (pages < checkpointed_pages_) checkpointed_pages_ = 0;  // the log began anew
    if (pages < checkpointed_pages_ + kCheckpointPages) return;
    if (pages < kCheckpointPagesMax) {
      report_disk(database_->checkpoint(false));
    } else {
      const ReaderPool::Pause no_readers(readers_);
      report_disk(database_->checkpoint(true));
    }
    // If it failed or readers held it up: once more after as many pages again.
    checkpointed_pages_ = database_->wal_pages();
  }

  // One line when the disk begins to fail and one when it is well again.
  void report_disk(const Result<void>& result) {
    if (!result && disk_is_well_) {
      log_error("store cannot write", {{"error", result.error().message}});
    } else if (result && !disk_is_well_) {
      log_info("store writes again");
    }
    disk_is_well_ = result.has_value();
  }

  const Folder folder_;
  ReaderPool readers_;
  // Of the writer thread alone.
  std::unique_ptr<Database> database_;
  std::size_t checkpointed_pages_ = 0;  // length of the log at the last attempt
  bool disk_is_well_ = true;

  std::atomic<Revision> revision_;
  std::atomic<Revision> compacted_;
  History history_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Waiting> queue_;
  std::size_t queue_bytes_ = 0;
  std::deque<Compaction> compactions_;
  bool stopping_ = false;
  std::thread writer_;  // last: starts when all above is there
};

}  // namespace

Result<std::unique_ptr<Store>> open_embedded_store(const EmbeddedOptions& options) {
  Result<Folder> folder = Folder::open(options.folder);
  if (!folder) return fail(folder.error());
  Result<std::unique_ptr<Database>> database = Database::open(*folder);
  if (!database) return fail(database.error());
  return std::make_unique<EmbeddedStore>(*std::move(folder), *std::move(database));
}

}  // namespace tidelock::store
