// SPDX-License-Identifier: Apache-2.0
// Reflector and cache: keeps a typed copy of one resource by list, then watch, then list again
// whenever the watch cannot go on (410, error). client-go's names and behaviour.
//
// A closed state machine driven by step(now); never sleeps: after a failure it returns the time of
// its next try (exponential backoff 100 ms … 10 s). Watches ask for bookmarks. An object that cannot
// be decoded is reported once per version through `on_undecodable`, and counts as absent.
//
// Not thread-safe: one thread calls step() and reads the cache. Objects are immutable and shared.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "controller/api/meta.h"
#include "controller/client/api_client.h"

namespace tidelock::client {

struct ReflectorOptions {
  Resource resource;
  std::string ns;              // empty = all namespaces
  std::string field_selector;
  std::string label_selector;
  Wake wake;
};

// The untyped half: what the watch says, as JSON texts.
class ReflectorCore {
 public:
  struct Change {
    api::ObjectKey key;
    std::string object;  // JSON; empty = deleted
  };
  struct Batch {
    bool replaced = false;  // a fresh list: what is not in `changes` is gone
    std::vector<Change> changes;
  };
  ReflectorCore(ApiClient& client, ReflectorOptions options);
  ~ReflectorCore();
  // Does all that can be done now. Appends to `out`. Returns when to be called again at the latest.
  TimePoint step(TimePoint now, std::vector<Batch>& out);
  bool synced() const;                         // the first list is in
  const std::string& resource_version() const;  // everything up to here has been handed out

 private:
  struct State;
  std::unique_ptr<State> state_;
};

template <class T>
class Cache {
 public:
  using Ptr = std::shared_ptr<const T>;
  Ptr get(const api::ObjectKey& key) const {
    auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : found->second;
  }
  const std::map<api::ObjectKey, Ptr>& all() const { return objects_; }
  std::map<api::ObjectKey, Ptr> objects_;  // written by Reflector only
};

// T must have codec support and a `metadata`.
template <class T>
class Reflector {
 public:
  using Undecodable = std::function<void(const api::ObjectKey&, const Error&)>;
  Reflector(ApiClient& client, ReflectorOptions options, Undecodable on_undecodable = {});
  // Calls `changed(key, old, new)` for each object that differs; old or new may be null.
  using Changed = std::function<void(const api::ObjectKey&, const typename Cache<T>::Ptr& old_object,
                                     const typename Cache<T>::Ptr& new_object)>;
  TimePoint step(TimePoint now, const Changed& changed);
  bool synced() const { return core_.synced(); }
  const std::string& resource_version() const { return core_.resource_version(); }
  const Cache<T>& cache() const { return cache_; }
  // Read-your-writes: puts the answer of an own write into the cache at once unless the cache already
  // holds a newer resourceVersion (compared as numbers). Later watch events older than it are skipped.
  void wrote(const T& object);

 private:
  ReflectorCore core_;
  Undecodable on_undecodable_;
  Cache<T> cache_;
};

}  // namespace tidelock::client
