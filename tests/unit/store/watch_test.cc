// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "controller/base/limits.h"
#include "tests/unit/store/store_kinds.h"

namespace tidelock::store {
namespace {

using Texts = std::vector<std::string>;

// One transaction of `count` events.
void write_events(Store& store, std::size_t count) {
  std::vector<Put> puts;
  for (std::size_t i = 0; i < count; ++i) puts.push_back(put("n" + std::to_string(i), "x"));
  store.commit(std::move(puts)).value();
}

void write_many_events(Store& store, std::size_t count) {
  for (; count > 5'000; count -= 5'000) write_events(store, 5'000);
  write_events(store, count);
}

}  // namespace

TEST_CASE("a watch tells every change of its range after its revision", "[store][watch]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  store->commit({put("a/1", "x")}).value();
  auto watch = store->watch("a/", prefix_end("a/"), 1, [] {}).value();
  CHECK(watch->next(10).value().empty());
  CHECK(watch->position() == 1);

  store->commit({put("a/1", "y"), put("b/1", "y"), put("a/2", "y")}).value();
  store->commit({erase("a/1")}).value();
  store->commit({put("b/1", "z")}).value();
  CHECK(read_all(*watch) == Texts{"2 a/1=y<x", "2 a/2=y", "3 a/1-<y"});
  CHECK(watch->position() == 4);
  CHECK(watch->next(10).value().empty());
}

TEST_CASE("events know in which life of the key they happened", "[store][watch]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  store->commit({put("a", "1")}).value();
  store->commit({put("a", "2")}).value();
  store->commit({erase("a")}).value();
  store->commit({put("a", "4")}).value();
  if (store.durable()) store.reopen();
  auto watch = store->watch("", "", 0, [] {}).value();
  std::vector<Revision> lives;
  const std::vector<EventPtr> events = watch->next(10).value();
  for (const EventPtr& event : events) lives.push_back(event->create_revision);
  CHECK(lives == std::vector<Revision>{1, 1, 1, 4});
}

TEST_CASE("the position is a revision only when all its events were handed out",
          "[store][watch]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  auto watch = store->watch("a", "b", 0, [] {}).value();
  store->commit({put("a1", "x"), put("a2", "x"), put("z", "x")}).value();
  if (GENERATE(false, true) && store.durable()) {
    watch.reset();
    store.reopen();
    watch = store->watch("a", "b", 0, [] {}).value();
  }
  CHECK(watch->position() == 0);
  CHECK(watch->next(1).value().size() == 1);
  CHECK(watch->position() == 0);
  CHECK(watch->next(1).value().size() == 1);
  CHECK(watch->next(1).value().empty());
  CHECK(watch->position() == 1);
}

TEST_CASE("a watch that has read all moves on over changes of other keys", "[store][watch]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  int woken = 0;
  auto watch = store->watch("a", "b", 0, [&] { ++woken; }).value();
  store->commit({put("c", "x")}).value();
  store->commit({put("c", "y")}).value();
  CHECK(watch->position() == 2);
  CHECK(woken == 0);
  compact(*store, 2);
  CHECK(watch->next(10).value().empty());
}

TEST_CASE("a watch wakes its reader once until it has read", "[store][watch]") {
  // The wake of a durable store comes on its own thread: only the memory store can be counted.
  StoreUnderTest store(StoreKind::Memory);
  int woken = 0;
  auto watch = store->watch("a", "b", 0, [&] { ++woken; }).value();
  store->commit({put("a", "1")}).value();
  store->commit({put("a", "2")}).value();
  CHECK(woken == 1);
  CHECK(read_all(*watch).size() == 2);
  store->commit({put("a", "3")}).value();
  CHECK(woken == 2);
  watch.reset();
  store->commit({put("a", "4")}).value();
  CHECK(woken == 2);
}

TEST_CASE("a watch may begin in the future and is silent until then", "[store][watch]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  auto watch = store->watch("", "", 2, [] {}).value();
  CHECK(watch->position() == 2);
  for (const char* value : {"1", "2", "3"}) store->commit({put("a", value)}).value();
  CHECK(read_all(*watch) == Texts{"3 a=3<2"});
  CHECK(watch->position() == 3);
}

TEST_CASE("a watch may begin at any retained revision", "[store][watch]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  Texts all;
  for (int i = 1; i <= 20; ++i) {
    store->commit({put("a", std::to_string(i)), put("b", "x")}).value();
    const std::string n = std::to_string(i);
    all.push_back(n + " a=" + n + (i > 1 ? "<" + std::to_string(i - 1) : ""));
    if (i == 10 && store.durable()) store.reopen();
  }
  compact(*store, 5);
  for (Revision after = 0; after < 5; ++after) {
    CHECK(store->watch("a", "b", after, [] {}).error().reason == Reason::Expired);
  }
  for (Revision after = 5; after <= 20; ++after) {
    for (const std::size_t step : {1, 3, 100}) {
      auto watch = store->watch("a", "b", after, [] {}).value();
      CHECK(read_all(*watch, step) == Texts(all.begin() + after, all.end()));
      CHECK(watch->position() == 20);
    }
  }
}

TEST_CASE("all watches share one event", "[store][watch]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  auto first = store->watch("", "", 0, [] {}).value();
  auto second = store->watch("a", "b", 0, [] {}).value();
  store->commit({put("a", "1")}).value();
  CHECK(first->next(1).value().at(0) == second->next(1).value().at(0));
}

TEST_CASE("compaction ends a watch that has not read as far", "[store][watch][compact]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  bool woken = false;
  auto slow = store->watch("", "", 0, [&] { woken = true; }).value();
  auto quick = store->watch("", "", 0, [] {}).value();
  for (const char* value : {"1", "2", "3"}) store->commit({put("a", value)}).value();
  CHECK(slow->next(1).value().size() == 1);
  CHECK(read_all(*quick).size() == 3);
  compact(*store, 2);
  CHECK(woken);
  CHECK(slow->next(1).error().reason == Reason::Expired);
  CHECK(slow->next(1).error().reason == Reason::Expired);
  CHECK(quick->next(1).value().empty());
  store->commit({put("a", "4")}).value();
  CHECK(read_all(*quick) == Texts{"4 a=4<3"});
}

TEST_CASE("a reader may fall kWatchBacklogEventsMax behind the window and no further",
          "[store][watch][limits]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  auto at_limit = store->watch("", "", 0, [] {}).value();
  auto past_limit = store->watch("", "", 0, [] {}).value();
  write_events(*store, 1);
  CHECK(read_all(*at_limit).size() == 1);
  const std::size_t most = limits::kWatchHistoryEventsMax + limits::kWatchBacklogEventsMax;
  write_many_events(*store, most);
  CHECK(past_limit->next(1).error().reason == Reason::Expired);
  CHECK(read_all(*at_limit, 10'000).size() == most);

  // A watch that starts that far back is behind by its own choice: it may catch up.
  auto late = store->watch("", "", 0, [] {}).value();
  CHECK(read_all(*late, 10'000).size() == most + 1);
}

TEST_CASE("large values shorten the window, not what can be watched", "[store][watch][limits]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  const std::size_t mib = 1024 * 1024;
  const std::size_t count = limits::kWatchHistoryBytesMax / mib + 4;
  auto watch = store->watch("", "", 0, [] {}).value();
  for (std::size_t i = 0; i < count; ++i) {
    store->commit({put("k" + std::to_string(i), std::string(mib, 'x'))}).value();
  }
  Revision expected = 0;
  while (expected < static_cast<Revision>(count)) {
    const std::vector<EventPtr> events = watch->next(1).value();
    REQUIRE(events.size() == 1);
    CHECK(events[0]->revision == ++expected);
  }
  CHECK(watch->next(1).value().empty());
}

}  // namespace tidelock::store
