// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <future>

#include "controller/base/limits.h"
#include "tests/unit/store/store_kinds.h"

namespace tidelock::store {

TEST_CASE("a key is created, updated and deleted under preconditions", "[store][transaction]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  CHECK(store->revision() == 0);
  CHECK(store->commit({put("a", "1", 0)}).value() == 1);
  CHECK(store->commit({put("a", "2", 0)}).error().reason == Reason::Conflict);
  CHECK(store->commit({put("a", "2", 7)}).error().name == "a");
  CHECK(store->commit({put("b", "2", 1)}).error().reason == Reason::Conflict);
  CHECK(store->commit({put("a", "2", 1)}).value() == 2);
  CHECK(store->commit({put("a", "3")}).value() == 3);

  const Entry entry = store->get("a").value().value();
  CHECK(entry.key == "a");
  CHECK(entry.value == "3");
  CHECK(entry.create_revision == 1);
  CHECK(entry.mod_revision == 3);

  CHECK(store->commit({erase("a", 2)}).error().reason == Reason::Conflict);
  CHECK(store->commit({erase("a", 3)}).value() == 4);
  CHECK_FALSE(store->get("a").value().has_value());
  CHECK(store->revision() == 4);
}

TEST_CASE("a key created again starts a new life", "[store][transaction]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  store->commit({put("a", "1")}).value();
  store->commit({erase("a")}).value();
  CHECK(store->commit({put("a", "2", 1)}).error().reason == Reason::Conflict);
  CHECK(store->commit({put("a", "2", 2)}).error().reason == Reason::Conflict);
  CHECK(store->commit({put("a", "2", 0)}).value() == 3);
  CHECK(store->get("a").value()->create_revision == 3);
}

TEST_CASE("all puts of a transaction share one revision or none is written",
          "[store][transaction]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  CHECK(store->commit({put("b", "1", 0), put("a", "1", 0), put("c", "1", 0)}).value() == 1);
  CHECK(text(store->list("", "", 0).value()) == "@1 a=1[1,1] b=1[1,1] c=1[1,1]");

  const auto refused = store->commit({put("a", "2"), erase("b"), put("d", "2"), put("c", "2", 9)});
  CHECK(refused.error().reason == Reason::Conflict);
  CHECK(refused.error().name == "c");
  CHECK(text(store->list("", "", 0).value()) == "@1 a=1[1,1] b=1[1,1] c=1[1,1]");

  CHECK(store->commit({put("a", "2", 1), erase("b", 1), put("d", "2", 0)}).value() == 2);
  CHECK(text(store->list("", "", 0).value()) == "@2 a=2[1,2] c=1[1,1] d=2[2,2]");
}

TEST_CASE("a transaction that changes nothing has no revision of its own",
          "[store][transaction]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  CHECK(store->commit({}).value() == 0);
  CHECK(store->commit({erase("a")}).value() == 0);
  CHECK(store->commit({put("a", "1")}).value() == 1);
  CHECK(store->commit({erase("b"), erase("c", 0)}).value() == 1);
  CHECK(store->commit({erase("b", 1)}).error().reason == Reason::Conflict);
  // The same bytes again are a write; a delete of nothing beside a put leaves no event.
  auto watch = store->watch("", "", 1, [] {}).value();
  CHECK(store->commit({put("a", "1"), erase("b")}).value() == 2);
  CHECK(read_all(*watch) == std::vector<std::string>{"2 a=1<1"});
}

TEST_CASE("a transaction cannot write one key twice", "[store][transaction]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  const auto refused = store->commit({put("a", "1"), put("b", "1"), erase("a")});
  CHECK(refused.error().reason == Reason::BadRequest);
  CHECK(refused.error().name == "a");
  CHECK(store->revision() == 0);
}

TEST_CASE("a transaction holds kStorePutsPerTransactionMax writes and no more",
          "[store][transaction][limits]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  std::vector<Put> puts;
  for (std::size_t i = 0; i < limits::kStorePutsPerTransactionMax; ++i) {
    puts.push_back(put(std::to_string(i), "x"));
  }
  CHECK(store->commit(puts).value() == 1);
  CHECK(store->list("", "", 0)->entries.size() == limits::kStorePutsPerTransactionMax);
  puts.push_back(put("one more", "x"));
  CHECK(store->commit(puts).error().reason == Reason::RequestEntityTooLarge);
}

TEST_CASE("keys and values are any bytes, also none", "[store][transaction]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  const std::string zero("\0", 1);
  const std::string high("\xff\xff", 2);
  store->commit({put("", "of the empty key"), put(zero, ""), put(high, zero + high)}).value();
  CHECK(store->get("").value()->value == "of the empty key");
  CHECK(store->get(zero).value()->value.empty());
  CHECK(store->get(high).value()->value == zero + high);
  CHECK_FALSE(store->get(zero + zero).value());

  const Page page = store->list("", "", 2).value();
  CHECK(page.entries.size() == 2);
  CHECK(page.next == high);
  CHECK(store->list(page.next, "", 2)->entries.size() == 1);
  CHECK(store->list("", zero, 0)->entries.size() == 1);
}

TEST_CASE("the key after a prefix skips every key with it", "[store][prefix]") {
  CHECK(prefix_end("a/") == "a0");
  CHECK(prefix_end("a\xff") == "b");
  CHECK(prefix_end("a\xff\xff") == "b");
  CHECK(prefix_end("\xff").empty());
  CHECK(prefix_end("").empty());
  CHECK(prefix_end("\x7f") == "\x80");
  CHECK(prefix_end("\xfe") == "\xff");
  CHECK(prefix_end(std::string("a\0", 2)) == "a\x01");

  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  store->commit({put("a", "x"), put("a\xff", "x"), put("a\xff\xff z", "x"), put("b", "x"),
                 put("\xff", "x"), put("\xff\xff", "x")})
      .value();
  const auto count = [&](const std::string& prefix) {
    return store->list(prefix, prefix_end(prefix), 0)->entries.size();
  };
  CHECK(count("a") == 3);
  CHECK(count("a\xff") == 2);
  CHECK(count("\xff") == 2);
  CHECK(count("") == 6);
}

TEST_CASE("a callback may submit the next transaction", "[store][transaction]") {
  StoreUnderTest store(GENERATE(from_range(kStoreKinds)));
  std::promise<Revision> last;
  store->submit({put("a", "1")}, [&](Result<Revision> first) {
    store->submit({put("a", "2", first.value())},
                  [&](Result<Revision> second) { last.set_value(second.value()); });
  });
  CHECK(last.get_future().get() == 2);
}

}  // namespace tidelock::store
