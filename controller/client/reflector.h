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
#include <string_view>
#include <vector>

#include "controller/api/meta.h"
#include "controller/client/api_client.h"
#include "controller/client/decode_shared.h"

namespace tidelock::client {

struct ReflectorOptions {
  Resource resource;
  std::string ns;              // empty = all namespaces
  std::string field_selector;
  std::string label_selector;
  Wake wake;
  int page_size = 500;         // of lists; 0 = everything in one answer
};

// resourceVersions of one server grow as numbers: one counter for all objects. Of others only
// equality is known, so that a different one counts as newer.
bool older_version(std::string_view a, std::string_view b);

// The untyped half: what the watch says, as JSON texts.
class ReflectorCore {
 public:
  struct Change {
    api::ObjectKey key;
    std::string object;            // JSON; empty = deleted
    std::string resource_version;  // of the object, or of its deletion
    std::string uid;
  };
  struct Batch {
    bool replaced = false;  // a fresh list: what is not in `changes` is gone
    std::string resource_version;  // of that list
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
  // Returns the cached object if it is new there, else null.
  typename Cache<T>::Ptr wrote(typename Cache<T>::Ptr object);
  typename Cache<T>::Ptr wrote(const T& object) { return wrote(std::make_shared<const T>(object)); }
  // The same for an own deletion that was acknowledged as final. Returns what was in the cache.
  typename Cache<T>::Ptr erased(const api::ObjectKey& key, const std::string& uid);

 private:
  using Ptr = typename Cache<T>::Ptr;
  void apply(const ReflectorCore::Batch& batch, const Changed& changed);
  void apply(const ReflectorCore::Change& change, const Changed& changed);
  void put(const api::ObjectKey& key, const Ptr& object, const Changed& changed);

  ReflectorCore core_;
  Undecodable on_undecodable_;
  Cache<T> cache_;
  std::map<api::ObjectKey, std::string> erased_;       // uids whose late events are skipped
  std::map<api::ObjectKey, std::string> undecodable_;  // the version that was reported
};

}  // namespace tidelock::client

#include "controller/client/reflector_inl.h"  // IWYU pragma: export
