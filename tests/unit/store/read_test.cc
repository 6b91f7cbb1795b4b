// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "controller/base/limits.h"
#include "tests/unit/store/store_kinds.h"

namespace tidelock::store {

TEST_CASE("pages of a list are one snapshot however the store changes", "[store][list]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  for (const char* key : {"a", "b", "c", "d", "e"}) store->commit({put(key, "1")}).value();
  const Page first = store->list("a", "e", 2).value();
  CHECK(text(first) == "@5 a=1[1,1] b=1[2,2] next c +2");

  store->commit({erase("c")}).value();
  store->commit({put("d", "2")}).value();
  store->commit({put("cc", "2")}).value();
  store->commit({erase("d")}).value();
  store->commit({put("d", "3")}).value();
  CHECK(text(store->list(first.next, "e", 1, {first.revision}).value()) ==
        "@5 c=1[3,3] next d +1");
  CHECK(text(store->list("d", "e", 1, {first.revision}).value()) == "@5 d=1[4,4]");
  CHECK(text(store->list("a", "e", 0).value()) == "@10 a=1[1,1] b=1[2,2] cc=2[8,8] d=3[10,10]");
}

TEST_CASE("a full page that is the last has no next key", "[store][list]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  CHECK(text(store->list("", "", 2).value()) == "@0");
  store->commit({put("a", "1"), put("b", "1"), put("c", "1")}).value();
  store->commit({erase("c")}).value();
  CHECK(text(store->list("", "", 2).value()) == "@2 a=1[1,1] b=1[1,1]");
  CHECK(text(store->list("", "", 1).value()) == "@2 a=1[1,1] next b +1");
  CHECK(text(store->list("b", "b", 0).value()) == "@2");
  CHECK(text(store->list("z", "b", 0).value()) == "@2");
}

TEST_CASE("every revision can be read until it is compacted", "[store][get]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  store->commit({put("b", "0")}).value();
  store->commit({put("a", "1")}).value();
  store->commit({put("a", "2")}).value();
  store->commit({erase("a")}).value();
  store->commit({put("a", "3")}).value();
  const auto value = [&](Revision at) {
    const std::optional<Entry> entry = store->get("a", {at}).value();
    return entry ? entry->value + "@" + std::to_string(entry->create_revision) : "-";
  };
  CHECK(value(1) == "-");
  CHECK(value(2) == "1@2");
  CHECK(value(3) == "2@2");
  CHECK(value(4) == "-");
  CHECK(value(5) == "3@5");
  CHECK(value(0) == "3@5");
  if (store.durable()) {
    store.reopen();
    CHECK(value(3) == "2@2");
    CHECK(store->revision() == 5);
  }
}

TEST_CASE("a revision in the future cannot be read yet", "[store][get]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  CHECK(store->get("a", {1}).error().reason == Reason::Timeout);
  store->commit({put("a", "1")}).value();
  CHECK(store->get("a", {1}).value().has_value());
  CHECK(store->get("a", {2}).error().reason == Reason::Timeout);
  CHECK(store->list("", "", 0, {2}).error().reason == Reason::Timeout);
  CHECK(store->compact_step(2).error().reason == Reason::Timeout);
}

TEST_CASE("compaction forgets what is before its revision and keeps the state at it",
          "[store][compact]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  store->commit({put("a", "1"), put("b", "1"), put("gone", "1")}).value();
  store->commit({put("a", "2")}).value();
  store->commit({erase("gone")}).value();
  store->commit({put("a", "4"), put("late", "4")}).value();
  store->commit({erase("a")}).value();

  compact(*store, 3);
  CHECK(store->compacted_revision() == 3);
  CHECK(store->get("a", {2}).error().reason == Reason::Expired);
  CHECK(store->list("", "", 0, {1}).error().reason == Reason::Expired);
  CHECK(text(store->list("", "", 0, {3}).value()) == "@3 a=2[1,2] b=1[1,1]");
  CHECK(text(store->list("", "", 0, {4}).value()) == "@4 a=4[1,4] b=1[1,1] late=4[4,4]");
  CHECK(text(store->list("", "", 0).value()) == "@5 b=1[1,1] late=4[4,4]");
  CHECK(store->watch("", "", 2, [] {}).error().reason == Reason::Expired);
  CHECK(read_all(*store->watch("", "", 3, [] {}).value()) ==
        std::vector<std::string>{"4 a=4<2", "4 late=4", "5 a-<4"});

  compact(*store, 5);
  CHECK(text(store->list("", "", 0, {5}).value()) == "@5 b=1[1,1] late=4[4,4]");
  if (store.durable()) {
    store.reopen();
    CHECK(store->compacted_revision() == 5);
    CHECK(store->get("b", {4}).error().reason == Reason::Expired);
    CHECK(text(store->list("", "", 0).value()) == "@5 b=1[1,1] late=4[4,4]");
  }
  CHECK(store->commit({put("a", "6", 0)}).value() == 6);
  CHECK(store->get("a").value()->create_revision == 6);
}

TEST_CASE("an event just after the compacted revision still knows the value before",
          "[store][compact]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  store->commit({put("a", "1")}).value();
  store->commit({erase("a")}).value();
  store->commit({put("a", "3")}).value();
  store->commit({put("a", "4")}).value();
  compact(*store, 2);
  if (store.durable()) store.reopen();
  CHECK(read_all(*store->watch("", "", 2, [] {}).value()) ==
        std::vector<std::string>{"3 a=3", "4 a=4<3"});
  CHECK(text(store->list("", "", 0, {2}).value()) == "@2");
}

TEST_CASE("compaction works in steps of kCompactionRowsPerStep, history is gone with the first",
          "[store][compact][limits]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  const auto write = [&](std::size_t revisions) {
    for (std::size_t i = 0; i < revisions; ++i) {
      store->submit({put("k" + std::to_string(i % 7), std::to_string(i))}, [](auto) {});
    }
    store->commit({}).value();
  };
  const auto steps = static_cast<Revision>(limits::kCompactionRowsPerStep);
  write(limits::kCompactionRowsPerStep);
  CHECK_FALSE(store->compact_step(steps).value());

  write(limits::kCompactionRowsPerStep + 1);
  const Revision target = 2 * steps + 1;
  CHECK(store->compact_step(target).value());
  CHECK(store->compacted_revision() == target);
  CHECK(store->get("k0", {target - 1}).error().reason == Reason::Expired);
  CHECK(store->get("k0", {target}).value().has_value());
  if (store.durable()) store.reopen();
  // An older target carries on with what is left.
  CHECK_FALSE(store->compact_step(1).value());
  CHECK(store->compacted_revision() == target);
  CHECK(store->list("", "", 0, {target})->entries.size() == 7);
}

}  // namespace tidelock::store
