// SPDX-License-Identifier: Apache-2.0
// Events live for Options::event_lifetime after their last change. Fed with every change of the
// store, in order. Not thread-safe.
#pragma once

#include <map>
#include <set>
#include <string>

#include "controller/apiserver/background_writer.h"
#include "controller/apiserver/context.h"

namespace tidelock::apiserver {

class EventExpiry {
 public:
  EventExpiry(Context& context, BackgroundWriter& writer) : context_(context), writer_(writer) {}

  // `value` is null when the object is gone.
  void observe(const std::string& key, const std::string* value, TimePoint now);
  // Removes what is due; returns when the next one is.
  TimePoint run(TimePoint now);
  void clear();

 private:
  Context& context_;
  BackgroundWriter& writer_;
  std::map<std::string, TimePoint> due_of_;
  std::set<std::pair<TimePoint, std::string>> due_;
};

}  // namespace tidelock::apiserver
