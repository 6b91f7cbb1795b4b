// SPDX-License-Identifier: Apache-2.0
// The revisioned key-value log: every write appends one revision, and all history is readable and
// watchable until it is compacted. The model is etcd's (https://etcd.io/docs/v3.5/learning/data_model/).
//
// Keys and values are bytes; keys are ordered bytewise. Revisions are 1, 2, 3, … over the whole
// store, one per committed transaction that changed something. Values are opaque here.
// All methods are thread-safe. Returned memory is owned by the caller.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"

namespace tidelock::store {

using Revision = std::int64_t;  // 0 = before the first write

// The latest state of a key at some revision.
struct Entry {
  std::string key;
  std::string value;
  Revision create_revision = 0;  // of this life of the key
  Revision mod_revision = 0;
};

// One write with its precondition.
struct Put {
  // Exactly one of value (put) and nullopt (delete).
  std::string key;
  std::optional<std::string> value;
  // The key's mod_revision that the writer has seen; 0 = the key must not exist; nullopt = any.
  std::optional<Revision> expected;
};

using Bytes = std::shared_ptr<const std::string>;

// What happened to a key. Events are immutable and shared: all watches hand out the same one, so an
// encoding of it can be cached by its address while it is held.
struct Event {
  Revision revision = 0;
  std::string key;
  Bytes value;     // null = deleted
  Bytes previous;  // the value before; null for a create
  Revision create_revision = 0;  // of the life that was changed or ended
};
using EventPtr = std::shared_ptr<const Event>;

struct Page {
  std::vector<Entry> entries;
  Revision revision = 0;         // the revision this page is a snapshot of
  std::string next;              // start key of the next page; empty = this was the last
  std::uint64_t remaining = 0;   // entries after this page in the range
};

// Committed: the transaction's revision (for a transaction that deletes only missing keys: the
// current one). Reason::Conflict: a precondition failed, nothing was written; Error.name is the key.
using CommitCallback = std::function<void(Result<Revision>)>;

// A position in the history. next() hands out events with revision > the start revision, in order,
// each once, and only durable ones. Watches must be destroyed before their store.
class Watch {
 public:
  virtual ~Watch() = default;
  // Up to `max` events; empty = nothing new at present. Reason::Expired: position() is below the
  // compacted revision, or the reader fell more than limits::kWatchBacklogEventsMax events behind
  // the window in memory (limits::kWatchHistoryEventsMax, …BytesMax); final. A watch that was opened
  // behind that window catches up from older history and may lose as much ground meanwhile.
  virtual Result<std::vector<EventPtr>> next(std::size_t max) = 0;
  // Every event with a revision <= this has been handed out by next(): safe as a bookmark. Moves on
  // by itself while a watch that has read all sees only events of other keys.
  virtual Revision position() const = 0;
};

struct ReadOptions {
  Revision revision = 0;  // 0 = newest; otherwise that revision, Reason::Expired if compacted,
                          // Reason::Timeout if in the future
};

class Store {
 public:
  virtual ~Store() = default;

  // Applies all puts in one revision or none. A put that writes the same value still is a write.
  // Reason::BadRequest: a key twice; Reason::RequestEntityTooLarge: more than
  // limits::kStorePutsPerTransactionMax puts. Reason::ServiceUnavailable: the disk failed or is full;
  // the transaction is not applied as far as this process can tell and may be tried again.
  // The callback runs exactly once, after the transaction is durable or refused, on an unspecified
  // thread (memory store: inline); it must be quick and may call submit(), never commit().
  // Refused with TooManyRequests when limits::kStoreQueueMax transactions (or kStoreQueueBytesMax)
  // are waiting.
  virtual void submit(std::vector<Put> puts, CommitCallback done) = 0;
  // The same, blocking.
  Result<Revision> commit(std::vector<Put> puts);

  virtual Result<std::optional<Entry>> get(std::string_view key, ReadOptions options = {}) = 0;
  // Keys in [start, end), at most `limit` (0 = all). Consistent at one revision. An empty `end` is
  // past the last key, here and in watch().
  virtual Result<Page> list(std::string_view start, std::string_view end, std::size_t limit,
                            ReadOptions options = {}) = 0;
  // The newest durable revision.
  virtual Revision revision() const = 0;
  virtual Revision compacted_revision() const = 0;

  // Events of keys in [start, end) after `after`, which may lie in the future. Reason::Expired: below
  // the compacted revision. `wake` is called (from any thread, possibly spuriously, never blocking)
  // when something arrived since next() was last called: read until it is empty. Dropping the Watch
  // (not from its own wake) ends it; wake is not called after the destructor returned.
  virtual Result<std::unique_ptr<Watch>> watch(std::string_view start, std::string_view end,
                                               Revision after, Wake wake) = 0;

  // Forgets history before `revision` (the state at it and current values stay; reads and watches
  // from `revision` on work). Does at most limits::kCompactionRowsPerStep rows of work per call and
  // says whether more is left, so that writers are never held up for long. History below `revision`
  // counts as gone from the first call. Reason::Timeout if in the future; a `revision` already passed
  // carries on with what is left. Not to be called from a callback.
  virtual Result<bool> compact_step(Revision revision) = 0;
};

// The first key after all keys that start with `prefix`; empty = past the last key.
std::string prefix_end(std::string_view prefix);

// In memory: the same contract without durability. Callbacks run inline, so a single-threaded
// caller sees everything in a fixed order.
std::unique_ptr<Store> open_memory_store();

// On disk (SQLite): an acknowledged write survives kill -9 and power loss. One process at a time
// per folder (Reason::Conflict otherwise). Creates the folder.
struct EmbeddedOptions {
  std::string folder;
};
Result<std::unique_ptr<Store>> open_embedded_store(const EmbeddedOptions& options);

}  // namespace tidelock::store
