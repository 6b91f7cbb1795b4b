// SPDX-License-Identifier: Apache-2.0
// The server's own controllers, driven by step(): they follow the store by one watch of everything.
// Not thread-safe.
#pragma once

#include <memory>

#include "controller/apiserver/background_writer.h"
#include "controller/apiserver/compaction.h"
#include "controller/apiserver/context.h"
#include "controller/apiserver/event_expiry.h"
#include "controller/apiserver/garbage_collector.h"
#include "controller/apiserver/terminations.h"
#include "controller/base/result.h"

namespace tidelock::apiserver {

class Background {
 public:
  explicit Background(Context& context);
  ~Background();

  // Reads all that is stored and follows it from there.
  Result<void> start();
  TimePoint step(TimePoint now);

 private:
  Result<void> load();
  bool drain(TimePoint now);
  bool run_controllers(TimePoint now);
  void observe(const std::string& key, const std::string* value, const std::string* previous,
               TimePoint now);

  Context& context_;
  BackgroundWriter writer_;
  GarbageCollector collector_;
  Terminations terminations_;
  EventExpiry expiry_;
  Compaction compaction_;
  std::unique_ptr<store::Watch> watch_;
};

}  // namespace tidelock::apiserver
