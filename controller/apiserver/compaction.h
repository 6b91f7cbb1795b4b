// SPDX-License-Identifier: Apache-2.0
// Lets history go once it is older than Options::history_retention. Not thread-safe.
#pragma once

#include <deque>

#include "controller/apiserver/context.h"

namespace tidelock::apiserver {

class Compaction {
 public:
  explicit Compaction(Context& context) : context_(context) {}
  // Notes the present revision now and then, and forgets up to the newest note that is old enough,
  // a bounded amount of work per call. Returns when it wants to be called again.
  TimePoint step(TimePoint now);

 private:
  struct Note {
    TimePoint time;
    store::Revision revision;
  };
  Context& context_;
  std::deque<Note> notes_;         // oldest first
  store::Revision target_ = 0;     // everything before it may go
  bool unfinished_ = false;
};

}  // namespace tidelock::apiserver
