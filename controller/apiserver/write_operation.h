// SPDX-License-Identifier: Apache-2.0
// The one way in which objects are changed: read, decide, write if it is still as read.
//
// Nothing blocks on the disk: `done` is called when the write is durable, from the store's thread,
// or at once when there is nothing to write. A lost race reads and decides again.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "controller/apiserver/context.h"
#include "controller/base/result.h"

namespace tidelock::apiserver {

// What to do with a key.
struct Change {
  enum class Kind { Keep, Put, Remove };
  Kind kind = Kind::Keep;
  std::string stored;  // Put: the new bytes; Remove: the object as it was at last
};
struct Written {
  Change::Kind kind = Change::Kind::Keep;
  std::string stored;            // the object as it is now, or was at last
  store::Revision revision = 0;  // its resourceVersion; 0 for a dry run that creates
  bool created = false;
};

// Null: the key does not exist. May be called several times, from different threads.
using Decide = std::function<Result<Change>(const store::Entry* current)>;
using WriteDone = std::function<void(Result<Written>)>;

struct WriteOperation {
  ResourceTypePtr type;
  std::string key;
  Decide decide;
  bool dry_run = false;
  // False: the key is taken to be absent at first, without a look.
  bool read_first = true;
};
void start_write(Context& context, WriteOperation operation, WriteDone done);

}  // namespace tidelock::apiserver
