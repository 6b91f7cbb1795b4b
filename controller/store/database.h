// SPDX-License-Identifier: Apache-2.0
// The SQLite file of the embedded store: its layout and every statement on it. README.md describes
// the format. Nothing here has threads: an object is used by one thread at a time.
//
// Errors: ServiceUnavailable when the disk fails or is full, InternalError when the file is damaged.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/result.h"
#include "controller/store/folder.h"
#include "controller/store/history.h"
#include "controller/store/store.h"
#include "controller/store/transaction.h"

namespace tidelock::store {

class Connection;

// The one connection that writes and checkpoints.
class Database {
 public:
  // Creates the file in an empty folder.
  static Result<std::unique_ptr<Database>> open(const Folder& folder);
  ~Database();

  // As of the last commit.
  Revision revision() const { return committed_.revision; }
  Revision compacted() const { return committed_.compacted; }

  // The newest version of a key.
  struct Head {
    EventId id = 0;                // 0 = none
    Revision create_revision = 0;  // 0 = deleted or none
  };

  Result<void> begin();
  Result<Head> head(std::string_view key);
  // Null if it was a delete or is compacted.
  Result<Bytes> value(EventId id);
  Result<void> append(EventId id, const Event& event, const Head& before);
  // Durable when it returns. After an error nothing of the transaction is there for readers.
  Result<void> commit(Revision revision);
  void rollback();

  // A transaction of its own: moves the compacted revision up to `revision` and sweeps up to `rows`
  // events below it; true = more are left.
  Result<bool> compact(Revision revision, std::size_t rows);

  // Pages in the write-ahead log since it was last restarted.
  std::size_t wal_pages() const { return wal_pages_; }
  // Copies what readers do not need from the log into the file. `restart`: no reader is active, so
  // the log can begin anew at once.
  Result<void> checkpoint(bool restart);

 private:
  struct Meta {
    Revision revision = 0;
    Revision compacted = 0;
    EventId swept = 0;  // compaction has looked at every event up to here
  };
  explicit Database(std::unique_ptr<Connection> connection);
  Result<void> read_meta();
  Result<void> write(const Meta& meta);
  Result<EventId> sweep(const Meta& meta, std::size_t rows);

  std::unique_ptr<Connection> connection_;
  Meta committed_;
  std::size_t wal_pages_ = 0;
};

// A reading connection. Each call sees one durable state of the store.
class DatabaseReader {
 public:
  static Result<std::unique_ptr<DatabaseReader>> open(const Folder& folder);
  ~DatabaseReader();

  Result<std::optional<Entry>> get(std::string_view key, Revision wanted);
  Result<Page> list(const Range& range, std::size_t limit, Revision wanted);
  Result<OlderEvents> read_older(EventId after, EventId last, const Range& range, std::size_t rows,
                                 std::size_t max);

 private:
  class Snapshot;
  explicit DatabaseReader(std::unique_ptr<Connection> connection);

  std::unique_ptr<Connection> connection_;
};

}  // namespace tidelock::store
