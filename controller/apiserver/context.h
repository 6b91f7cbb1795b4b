// SPDX-License-Identifier: Apache-2.0
// What all verbs and background work share. One per server; thread-safe.
#pragma once

#include <condition_variable>
#include <mutex>

#include "controller/apiserver/apiserver.h"
#include "controller/apiserver/event_encoder.h"
#include "controller/apiserver/namespace_table.h"
#include "controller/apiserver/registry.h"
#include "controller/apiserver/watch_hub.h"
#include "controller/store/store.h"

namespace tidelock::apiserver {

// A Random that threads may share.
class LockedRandom final : public Random {
 public:
  explicit LockedRandom(Random& random) : random_(random) {}
  std::uint64_t next() override {
    const std::lock_guard lock(mutex_);
    return random_.next();
  }

 private:
  std::mutex mutex_;
  Random& random_;
};

// Counts writes whose callback is still to come: the context must outlive them.
class InFlight {
 public:
  void enter();
  void leave();
  void wait_for_none();

 private:
  std::mutex mutex_;
  std::condition_variable none_;
  std::size_t count_ = 0;  // guarded by mutex_
};

struct Context {
  Context(store::Store& store, Clock& clock, Random& random, Options options);
  ~Context() { in_flight.wait_for_none(); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  void wake() const {
    if (options.wake) options.wake();
  }
  // Keeps namespaces and registry in step with a durable write; before anybody is answered.
  // `stored` is null for a removal.
  void committed(const ResourceType& type, const std::string& key, const std::string* stored,
                 store::Revision revision);

  store::Store& store;
  Clock& clock;
  LockedRandom random;
  const Options options;
  Registry registry;
  NamespaceTable namespaces;
  WatchHub watches;
  EventEncoder encoder;
  InFlight in_flight;
};

}  // namespace tidelock::apiserver
