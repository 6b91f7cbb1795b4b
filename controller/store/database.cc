// SPDX-License-Identifier: Apache-2.0
#include "controller/store/database.h"

#include <sqlite3.h>

#include <array>
#include <utility>

namespace tidelock::store {
namespace {

constexpr const char* kFile = "store.db";
constexpr const char* kNewFile = "new.db";
constexpr int kFormatVersion = 1;
constexpr int kBusyMs = 10'000;  // only while another connection recovers the log

constexpr const char* kCreate = R"sql(
PRAGMA page_size = 16384;
PRAGMA synchronous = FULL;
BEGIN;
PRAGMA application_id = 0x54444c4b;
PRAGMA user_version = 1;
CREATE TABLE log(id INTEGER PRIMARY KEY, previous INTEGER NOT NULL, created INTEGER NOT NULL,
                 key BLOB NOT NULL, value BLOB) STRICT;
CREATE TABLE current(key BLOB PRIMARY KEY, id INTEGER NOT NULL, created INTEGER NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE TABLE meta(revision INTEGER NOT NULL, compacted INTEGER NOT NULL, swept INTEGER NOT NULL)
  STRICT;
INSERT INTO meta VALUES(0, 0, 0);
COMMIT;
PRAGMA journal_mode = WAL;
)sql";
constexpr std::int64_t kApplicationId = 0x54444c4b;

// No mmap_size and one connection that writes or checkpoints: SQLite before 3.51.3 can corrupt a
// log that two connections restart (https://www.sqlite.org/wal.html).
constexpr const char* kSetUpWriter =
    "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -32768;"
    "PRAGMA journal_size_limit = 67108864; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;";
constexpr const char* kSetUpReader =
    "PRAGMA wal_autocheckpoint = 0; PRAGMA query_only = ON; PRAGMA trusted_schema = OFF;";

std::string_view view(const void* data, int size) {
  return size == 0 ? std::string_view() : std::string_view(static_cast<const char*>(data), size);
}

}  // namespace

// A handle with its statements, prepared once.
class Connection {
 public:
  enum Sql {
    kBegin,
    kCommit,
    kRollback,
    kReadMeta,
    kWriteMeta,
    kHead,
    kInsertHead,
    kUpdateHead,
    kValue,
    kAppend,
    kVersion,
    kSweepEnd,
    kSweepReplaced,
    kSweepHeads,
    kSweepDeletes,
    kListFrom,
    kListRange,
    kCountFrom,
    kCountRange,
    kChangedFrom,
    kChangedRange,
    kOlder,
    kSqlCount,
  };

  static Result<std::unique_ptr<Connection>> open(const std::string& path, int flags,
                                                  const char* set_up) {
    sqlite3* handle = nullptr;
    const int code =
        sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
    if (handle == nullptr) return fail(Reason::ServiceUnavailable, path + ": out of memory");
    std::unique_ptr<Connection> connection(new Connection(handle, path));
    if (code != SQLITE_OK) return fail(connection->error());
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, kBusyMs);
    if (const Result<void> done = connection->run(set_up); !done) return fail(done.error());
    return connection;
  }
  ~Connection() {
    for (sqlite3_stmt* statement : statements_) sqlite3_finalize(statement);
    sqlite3_close(handle_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  sqlite3* handle() { return handle_; }

  Error error() const {
    const int code = sqlite3_errcode(handle_) & 0xff;
    const std::string text =
        path_ + ": " + sqlite3_errmsg(handle_) + " (" +
        std::to_string(sqlite3_extended_errcode(handle_)) + ")";
    const bool damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
    return damaged ? make_error(Reason::InternalError, "the store's file is damaged: " + text)
                   : make_error(Reason::ServiceUnavailable, "the store's disk failed: " + text);
  }
  Error damaged(const std::string& what) const {
    return make_error(Reason::InternalError, "the store's file is damaged: " + path_ + ": " + what);
  }

  Result<void> run(const char* sql) {
    if (sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr) != SQLITE_OK) return fail(error());
    return {};
  }

  Result<std::int64_t> pragma(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(handle_, sql, -1, &statement, nullptr) != SQLITE_OK) {
      return fail(error());
    }
    const int code = sqlite3_step(statement);
    const std::int64_t value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    const Error problem = code == SQLITE_ROW ? Error() : error();
    sqlite3_finalize(statement);
    if (code != SQLITE_ROW) return fail(problem);
    return value;
  }

  // Null if it cannot be prepared; error() then says why.
  sqlite3_stmt* statement(Sql sql);

 private:
  Connection(sqlite3* handle, std::string path) : handle_(handle), path_(std::move(path)) {}

  sqlite3* handle_;
  std::string path_;
  std::array<sqlite3_stmt*, kSqlCount> statements_{};
};

namespace {

using Sql = Connection::Sql;

const char* text_of(Sql sql) {
  switch (sql) {
    case Sql::kBegin: return "BEGIN";
    case Sql::kCommit: return "COMMIT";
    case Sql::kRollback: return "ROLLBACK";
    case Sql::kReadMeta: return "SELECT revision, compacted, swept FROM meta";
    case Sql::kWriteMeta: return "UPDATE meta SET revision = ?1, compacted = ?2, swept = ?3";
    case Sql::kHead: return "SELECT id, created FROM current WHERE key = ?1";
    case Sql::kInsertHead: return "INSERT INTO current(key, id, created) VALUES(?1, ?2, ?3)";
    case Sql::kUpdateHead: return "UPDATE current SET id = ?2, created = ?3 WHERE key = ?1";
    case Sql::kValue: return "SELECT value FROM log WHERE id = ?1";
    case Sql::kAppend:
      return "INSERT INTO log(id, previous, created, key, value) VALUES(?1, ?2, ?3, ?4, ?5)";
    case Sql::kVersion: return "SELECT previous, created, value FROM log WHERE id = ?1";
    case Sql::kSweepEnd:
      return "SELECT id FROM log WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT 1 OFFSET ?3";
    case Sql::kSweepReplaced:
      return "DELETE FROM log WHERE id IN "
             "(SELECT previous FROM log WHERE id > ?1 AND id <= ?2 AND previous > 0)";
    case Sql::kSweepHeads:
      return "DELETE FROM current WHERE key IN (SELECT key FROM log WHERE id > ?1 AND id <= ?2 "
             "AND typeof(value) = 'null') AND created = 0 AND id <= ?2";
    case Sql::kSweepDeletes:
      return "DELETE FROM log WHERE id > ?1 AND id <= ?2 AND typeof(value) = 'null'";
    // CROSS JOIN keeps SQLite to this order: keys first.
    case Sql::kListFrom:
      return "SELECT c.key, c.id, c.created, l.value FROM current c LEFT JOIN log l ON l.id = c.id "
             "WHERE c.key >= ?1 ORDER BY c.key";
    case Sql::kListRange:
      return "SELECT c.key, c.id, c.created, l.value FROM current c LEFT JOIN log l ON l.id = c.id "
             "WHERE c.key >= ?1 AND c.key < ?2 ORDER BY c.key";
    case Sql::kCountFrom:
      return "SELECT count(*) FROM current WHERE key >= ?1 AND id <= ?3 AND created <> 0";
    case Sql::kCountRange:
      return "SELECT count(*) FROM current WHERE key >= ?1 AND key < ?2 AND id <= ?3 "
             "AND created <> 0";
    case Sql::kChangedFrom: return "SELECT id FROM current WHERE key >= ?1 AND id > ?3";
    case Sql::kChangedRange:
      return "SELECT id FROM current WHERE key >= ?1 AND key < ?2 AND id > ?3";
    case Sql::kOlder:
      return "SELECT id, previous, created, key, value FROM log WHERE id > ?1 AND id <= ?2 "
             "ORDER BY id";
    case Sql::kSqlCount: break;
  }
  return "";
}

// One use of a prepared statement; free for the next use at its end.
class Query {
 public:
  Query(Connection& connection, Sql sql)
      : connection_(connection), statement_(connection.statement(sql)) {}
  ~Query() {
    if (statement_ != nullptr) sqlite3_reset(statement_);
  }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  Query& bind(int index, std::int64_t value) {
    if (statement_ != nullptr) sqlite3_bind_int64(statement_, index, value);
    return *this;
  }
  // Kept by reference until the query ends.
  Query& bind(int index, std::string_view bytes) {
    if (statement_ != nullptr) {
      const char* data = bytes.data() == nullptr ? "" : bytes.data();  // null would be NULL
      sqlite3_bind_blob64(statement_, index, data, bytes.size(), SQLITE_STATIC);
    }
    return *this;
  }
  Query& bind_null(int index) {
    if (statement_ != nullptr) sqlite3_bind_null(statement_, index);
    return *this;
  }

  // True = there is a row.
  Result<bool> next() {
    const int code = statement_ == nullptr ? SQLITE_ERROR : sqlite3_step(statement_);
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return fail(connection_.error());
  }
  Result<void> run() {
    if (const Result<bool> done = next(); !done) return fail(done.error());
    return {};
  }

  std::int64_t integer(int column) const { return sqlite3_column_int64(statement_, column); }
  bool is_null(int column) const { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }
  std::string_view bytes(int column) const {
    const void* data = sqlite3_column_blob(statement_, column);
    return view(data, sqlite3_column_bytes(statement_, column));
  }
  Bytes shared(int column) const {
    return is_null(column) ? nullptr : std::make_shared<const std::string>(bytes(column));
  }

 private:
  Connection& connection_;
  sqlite3_stmt* statement_;
};

Result<Bytes> read_value(Connection& connection, EventId id) {
  Query query(connection, Sql::kValue);
  const Result<bool> row = query.bind(1, id).next();
  if (!row) return fail(row.error());
  return *row ? query.shared(0) : Bytes();
}

// Takes a complete new file into place, so that a file of this name is never half made.
Result<void> create(const Folder& folder) {
  if (folder.has(std::string(kFile) + "-wal")) {
    return fail(Reason::InternalError, folder.file(kFile) + " is missing beside its log");
  }
  for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
    if (const Result<void> removed = folder.remove(std::string(kNewFile) + suffix); !removed) {
      return removed;
    }
  }
  {
    const auto made = Connection::open(folder.file(kNewFile),
                                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, kCreate);
    if (!made) return fail(made.error());
  }
  return folder.rename(kNewFile, kFile);
}

Result<void> check_format(Connection& connection, const std::string& path) {
  const Result<std::int64_t> application = connection.pragma("PRAGMA application_id");
  if (!application) return fail(application.error());
  if (*application != kApplicationId) {
    return fail(Reason::InternalError, path + " is not a file of this store");
  }
  const Result<std::int64_t> version = connection.pragma("PRAGMA user_version");
  if (!version) return fail(version.error());
  if (*version != kFormatVersion) {
    return fail(Reason::InternalError, path + " has format " + std::to_string(*version) +
                                           ", this program knows " +
                                           std::to_string(kFormatVersion));
  }
  return {};
}

}  // namespace

sqlite3_stmt* Connection::statement(Sql sql) {
  sqlite3_stmt*& statement = statements_.at(sql);
  if (statement == nullptr) {
    sqlite3_prepare_v3(handle_, text_of(sql), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  }
  return statement;
}

Database::Database(std::unique_ptr<Connection> connection) : connection_(std::move(connection)) {
  sqlite3_wal_hook(
      connection_->handle(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Database*>(self)->wal_pages_ = static_cast<std::size_t>(pages);
        return SQLITE_OK;
      },
      this);
}

Database::~Database() = default;

Result<std::unique_ptr<Database>> Database::open(const Folder& folder) {
  if (!folder.has(kFile)) {
    if (const Result<void> created = create(folder); !created) return fail(created.error());
  }
  Result<std::unique_ptr<Connection>> connection =
      Connection::open(folder.file(kFile), SQLITE_OPEN_READWRITE, kSetUpWriter);
  if (!connection) return fail(connection.error());
  if (const Result<void> known = check_format(**connection, folder.file(kFile)); !known) {
    return fail(known.error());
  }
  std::unique_ptr<Database> database(new Database(*std::move(connection)));
  if (const Result<void> read = database->read_meta(); !read) return fail(read.error());
  return database;
}

Result<void> Database::read_meta() {
  const Result<std::int64_t> newest = connection_->pragma("SELECT coalesce(max(id), 0) FROM log");
  if (!newest) return fail(newest.error());
  Query query(*connection_, Sql::kReadMeta);
  const Result<bool> row = query.next();
  if (!row) return fail(row.error());
  if (!*row) return fail(connection_->damaged("no row in meta"));
  committed_ = {query.integer(0), query.integer(1), query.integer(2)};
  if (committed_.compacted < 0 || committed_.compacted > committed_.revision ||
      revision_of(*newest) > committed_.revision) {
    return fail(connection_->damaged("its revisions contradict each other"));
  }
  return {};
}

Result<void> Database::begin() {
  // Not IMMEDIATE: no other connection writes.
  return Query(*connection_, Sql::kBegin).run();
}

Result<Database::Head> Database::head(std::string_view key) {
  Query query(*connection_, Sql::kHead);
  const Result<bool> row = query.bind(1, key).next();
  if (!row) return fail(row.error());
  return *row ? Head{query.integer(0), query.integer(1)} : Head();
}

Result<Bytes> Database::value(EventId id) { return read_value(*connection_, id); }

Result<void> Database::append(EventId id, const Event& event, const Head& before) {
  Query log(*connection_, Sql::kAppend);
  log.bind(1, id).bind(2, before.id).bind(3, event.create_revision).bind(4, event.key);
  if (event.value) {
    log.bind(5, *event.value);
  } else {
    log.bind_null(5);
  }
  if (const Result<void> added = log.run(); !added) return added;
  Query head(*connection_, before.id == 0 ? Sql::kInsertHead : Sql::kUpdateHead);
  return head.bind(1, event.key)
      .bind(2, id)
      .bind(3, event.value ? event.create_revision : 0)
      .run();
}

Result<void> Database::write(const Meta& meta) {
  Query query(*connection_, Sql::kWriteMeta);
  const Result<void> written =
      query.bind(1, meta.revision).bind(2, meta.compacted).bind(3, meta.swept).run();
  if (!written) return written;
  if (const Result<void> done = Query(*connection_, Sql::kCommit).run(); !done) return done;
  committed_ = meta;
  return {};
}

Result<void> Database::commit(Revision revision) {
  Meta meta = committed_;
  meta.revision = revision;
  return write(meta);
}

void Database::rollback() {
  if (sqlite3_get_autocommit(connection_->handle()) != 0) return;  // SQLite has done it itself
  // An error is no news: with nothing committed, the next transaction starts afresh either way.
  static_cast<void>(Query(*connection_, Sql::kRollback).run());
}

Result<bool> Database::compact(Revision revision, std::size_t rows) {
  Meta meta = committed_;
  meta.compacted = std::max(meta.compacted, revision);
  const EventId last = last_id(meta.compacted);
  if (meta.swept >= last && meta.compacted == committed_.compacted) return false;
  if (const Result<void> begun = begin(); !begun) return fail(begun.error());
  const Result<EventId> swept = sweep(meta, rows);
  if (swept) meta.swept = *swept;
  const Result<void> written = swept ? write(meta) : fail(swept.error());
  if (written) return meta.swept < last;
  rollback();
  return fail(written.error());
}

Result<EventId> Database::sweep(const Meta& meta, std::size_t rows) {
  EventId last = last_id(meta.compacted);
  {
    Query query(*connection_, Sql::kSweepEnd);
    query.bind(1, meta.swept).bind(2, last).bind(3, static_cast<std::int64_t>(rows));
    const Result<bool> row = query.next();
    if (!row) return fail(row.error());
    if (*row) last = query.integer(0) - 1;  // the first event that is one too many
  }
  for (const Sql sql : {Sql::kSweepReplaced, Sql::kSweepHeads, Sql::kSweepDeletes}) {
    Query query(*connection_, sql);
    const Result<void> done = query.bind(1, meta.swept).bind(2, last).run();
    if (!done) return fail(done.error());
  }
  return last;
}

Result<void> Database::checkpoint(bool restart) {
  const int mode = restart ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
  const int code =
      sqlite3_wal_checkpoint_v2(connection_->handle(), nullptr, mode, nullptr, nullptr);
  if (code != SQLITE_OK) return fail(connection_->error());
  if (restart) wal_pages_ = 0;
  return {};
}

DatabaseReader::DatabaseReader(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}

DatabaseReader::~DatabaseReader() = default;

Result<std::unique_ptr<DatabaseReader>> DatabaseReader::open(const Folder& folder) {
  Result<std::unique_ptr<Connection>> connection =
      Connection::open(folder.file(kFile), SQLITE_OPEN_READWRITE, kSetUpReader);
  if (!connection) return fail(connection.error());
  sqlite3_db_config((*connection)->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  return std::unique_ptr<DatabaseReader>(new DatabaseReader(*std::move(connection)));
}

// One read transaction: the state of the store at one moment.
class DatabaseReader::Snapshot {
 public:
  explicit Snapshot(Connection& connection) : connection_(connection) {}
  ~Snapshot() {
    if (sqlite3_get_autocommit(connection_.handle()) == 0) {
      static_cast<void>(Query(connection_, Sql::kCommit).run());
    }
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  Result<void> begin() {
    if (const Result<void> begun = Query(connection_, Sql::kBegin).run(); !begun) return begun;
    Query query(connection_, Sql::kReadMeta);
    const Result<bool> row = query.next();
    if (!row) return fail(row.error());
    if (!*row) return fail(connection_.damaged("no row in meta"));
    newest = query.integer(0);
    compacted = query.integer(1);
    return {};
  }
  // Sets the revision that all below answers for.
  Result<void> begin(Revision wanted) {
    if (const Result<void> begun = begin(); !begun) return begun;
    const Result<Revision> checked = check_read(wanted, newest, compacted);
    if (!checked) return fail(checked.error());
    revision = *checked;
    return {};
  }

  // The version in force when `id` is the newest one; nullopt = there was no value.
  Result<std::optional<Entry>> version(std::string_view key, EventId id) {
    for (;;) {
      Query query(connection_, Sql::kVersion);
      const Result<bool> row = query.bind(1, id).next();
      if (!row) return fail(row.error());
      if (!*row) return std::optional<Entry>();  // none, or a delete that was compacted away
      if (id > last_id(revision)) {
        id = query.integer(0);
        continue;
      }
      if (query.is_null(2)) return std::optional<Entry>();
      return std::optional<Entry>({std::string(key), std::string(query.bytes(2)),
                                   query.integer(1), revision_of(id)});
    }
  }

  Result<Page> list(const Range& range, std::size_t limit) {
    Page page;
    page.revision = revision;
    Query query(connection_, range.end.empty() ? Sql::kListFrom : Sql::kListRange);
    bind(query, range.start, range.end);
    for (;;) {
      const Result<bool> row = query.next();
      if (!row) return fail(row.error());
      if (!*row) return page;
      Result<std::optional<Entry>> entry = listed(query);
      if (!entry) return fail(entry.error());
      if (!*entry) continue;
      if (limit == 0 || page.entries.size() < limit) {
        page.entries.push_back(**std::move(entry));
        continue;
      }
      page.next = std::move((*entry)->key);
      const Result<std::uint64_t> remaining = count({page.next, range.end});
      if (!remaining) return fail(remaining.error());
      page.remaining = *remaining;
      return page;
    }
  }

  Revision newest = 0;
  Revision compacted = 0;
  Revision revision = 0;

 private:
  static void bind(Query& query, std::string_view start, std::string_view end) {
    query.bind(1, start);
    if (!end.empty()) query.bind(2, end);
  }

  Result<std::optional<Entry>> listed(const Query& query) {
    const EventId id = query.integer(1);
    if (id > last_id(revision)) return version(query.bytes(0), id);
    if (query.integer(2) == 0) return std::optional<Entry>();
    if (query.is_null(3)) return fail(connection_.damaged("a value is missing"));
    return std::optional<Entry>({std::string(query.bytes(0)), std::string(query.bytes(3)),
                                 query.integer(2), revision_of(id)});
  }

  Result<std::uint64_t> count(const Range& range) {
    const bool open = range.end.empty();
    Query unchanged(connection_, open ? Sql::kCountFrom : Sql::kCountRange);
    bind(unchanged, range.start, range.end);
    const Result<bool> counted = unchanged.bind(3, last_id(revision)).next();
    if (!counted) return fail(counted.error());
    auto total = static_cast<std::uint64_t>(unchanged.integer(0));
    if (revision == newest) return total;
    Query changed(connection_, open ? Sql::kChangedFrom : Sql::kChangedRange);
    bind(changed, range.start, range.end);
    changed.bind(3, last_id(revision));
    for (;;) {
      const Result<bool> row = changed.next();
      if (!row) return fail(row.error());
      if (!*row) return total;
      const Result<std::optional<Entry>> entry = version({}, changed.integer(0));
      if (!entry) return fail(entry.error());
      if (*entry) ++total;
    }
  }

  Connection& connection_;
};

Result<std::optional<Entry>> DatabaseReader::get(std::string_view key, Revision wanted) {
  Snapshot snapshot(*connection_);
  if (const Result<void> begun = snapshot.begin(wanted); !begun) return fail(begun.error());
  Query query(*connection_, Sql::kHead);
  const Result<bool> row = query.bind(1, key).next();
  if (!row) return fail(row.error());
  if (!*row) return std::optional<Entry>();
  return snapshot.version(key, query.integer(0));
}

Result<Page> DatabaseReader::list(const Range& range, std::size_t limit, Revision wanted) {
  Snapshot snapshot(*connection_);
  if (const Result<void> begun = snapshot.begin(wanted); !begun) return fail(begun.error());
  return snapshot.list(range, limit);
}

Result<OlderEvents> DatabaseReader::read_older(EventId after, EventId last, const Range& range,
                                               std::size_t rows, std::size_t max) {
  Snapshot snapshot(*connection_);
  if (const Result<void> begun = snapshot.begin(); !begun) return fail(begun.error());
  const Revision position = revision_of(after + 1) - 1;
  if (position < snapshot.compacted) return fail(expired_error(position, snapshot.compacted));
  OlderEvents older;
  Query query(*connection_, Sql::kOlder);
  query.bind(1, after).bind(2, last);
  for (;; ++older.rows) {
    const Result<bool> row = query.next();
    if (!row) return fail(row.error());
    older.scanned = *row ? query.integer(0) - 1 : last;
    if (!*row || older.rows == rows) return older;
    if (!range.contains(query.bytes(3))) continue;
    if (older.events.size() == max) return older;
    Result<Bytes> previous = read_value(*connection_, query.integer(1));
    if (!previous) return fail(previous.error());
    auto event = std::make_shared<Event>(
        Event{revision_of(query.integer(0)), std::string(query.bytes(3)), query.shared(4),
              *std::move(previous), query.integer(2)});
    older.events.push_back({query.integer(0), std::move(event)});
  }
}

}  // namespace tidelock::store
