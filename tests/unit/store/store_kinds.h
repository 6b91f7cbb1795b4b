// SPDX-License-Identifier: Apache-2.0
// Both stores behind one face, so that every rule is tested on both.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controller/store/store.h"
#include "tests/support/temp_folder.h"

namespace tidelock::store {

enum class StoreKind { Memory, Embedded };
inline const std::vector<StoreKind> kStoreKinds{StoreKind::Memory, StoreKind::Embedded};

class StoreUnderTest {
 public:
  explicit StoreUnderTest(StoreKind kind) : kind_(kind) { open(); }

  Store& operator*() { return *store_; }
  Store* operator->() { return store_.get(); }
  bool durable() const { return kind_ == StoreKind::Embedded; }
  const std::string& folder() const { return folder_.path(); }

  // Closes and opens again; only for a durable store.
  void reopen() {
    store_.reset();
    open();
  }

 private:
  void open() {
    if (kind_ == StoreKind::Memory) {
      store_ = open_memory_store();
    } else {
      store_ = open_embedded_store({folder_.path()}).value();
    }
  }

  StoreKind kind_;
  testing::TempFolder folder_;
  std::unique_ptr<Store> store_;
};

inline Put put(std::string key, std::string value, std::optional<Revision> expected = {}) {
  return {std::move(key), std::move(value), expected};
}
inline Put erase(std::string key, std::optional<Revision> expected = {}) {
  return {std::move(key), std::nullopt, expected};
}

inline void compact(Store& store, Revision revision) {
  while (store.compact_step(revision).value()) {
  }
}

// "5 a=1" for a put and "6 a-" for a delete, with "<old" for the previous value.
inline std::string text(const Event& event) {
  std::string out = std::to_string(event.revision) + " " + event.key;
  out += event.value ? "=" + *event.value : "-";
  if (event.previous) out += "<" + *event.previous;
  return out;
}

// Everything there is to read, `step` events at a time.
inline std::vector<std::string> read_all(Watch& watch, std::size_t step = 100) {
  std::vector<std::string> out;
  for (;;) {
    const std::vector<EventPtr> events = watch.next(step).value();
    if (events.empty()) return out;
    for (const EventPtr& event : events) out.push_back(text(*event));
  }
}

inline std::string text(const Page& page) {
  std::string out = "@" + std::to_string(page.revision);
  for (const Entry& entry : page.entries) {
    out += " " + entry.key + "=" + entry.value + "[" + std::to_string(entry.create_revision) + "," +
           std::to_string(entry.mod_revision) + "]";
  }
  if (!page.next.empty()) out += " next " + page.next + " +" + std::to_string(page.remaining);
  return out;
}

}  // namespace tidelock::store
