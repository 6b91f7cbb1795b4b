// SPDX-License-Identifier: Apache-2.0
// kill -9 while many threads write: what was acknowledged is there, and only whole transactions.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "controller/base/random.h"
#include "tests/unit/store/store_kinds.h"

namespace tidelock::store {
namespace {

struct Acknowledged {
  std::int32_t writer = 0;
  std::int32_t number = 0;
};

std::string key_of(char prefix, const Acknowledged& one) {
  return std::string(1, prefix) + std::to_string(one.writer) + "/" + std::to_string(one.number);
}

// Writes pairs of keys until it is killed; tells of each acknowledged one through the pipe.
[[noreturn]] void write_until_killed(const std::string& folder, int pipe, std::int32_t first) {
  auto store = open_embedded_store({folder});
  if (!store) _exit(1);
  std::vector<std::jthread> writers;
  for (std::int32_t writer = 0; writer < 8; ++writer) {
    writers.emplace_back([&, writer] {
      for (std::int32_t number = first;; ++number) {
        const Acknowledged one{writer, number};
        const auto done = (*store)->commit(
            {put(key_of('a', one), "1", 0), put(key_of('b', one), "2", 0)});
        if (!done) _exit(2);
        if (write(pipe, &one, sizeof one) != sizeof one) _exit(3);
      }
    });
  }
  writers.clear();
  _exit(4);
}

std::vector<Acknowledged> kill_after(const std::string& folder, std::size_t count, std::int32_t first) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) write_until_killed(folder, ends[1], first);
  close(ends[1]);
  std::vector<Acknowledged> acknowledged;
  Acknowledged one;
  while (read(ends[0], &one, sizeof one) == sizeof one) {
    acknowledged.push_back(one);
    if (acknowledged.size() == count) kill(child, SIGKILL);
  }
  close(ends[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  return acknowledged;
}

}  // namespace

TEST_CASE("a killed process loses nothing that it had acknowledged", "[store][crash]") {
  const testing::TempFolder folder;
  SeededRandom random(7);
  std::vector<Acknowledged> all;
  for (int round = 0; round < 8; ++round) {
    for (const Acknowledged& one :
         kill_after(folder.path(), 1 + random.below(400), round * 1'000'000)) {
      all.push_back(one);
    }
    auto store = open_embedded_store({folder.path()});
    REQUIRE(store.has_value());
    std::size_t firsts = (*store)->list("a", "b", 0)->entries.size();
    std::size_t seconds = (*store)->list("b", "c", 0)->entries.size();
    CHECK(firsts == seconds);  // both keys of a transaction or neither
    CHECK(firsts >= all.size());
    for (const Acknowledged& one : all) {
      REQUIRE((*store)->get(key_of('a', one))->has_value());
    }
  }
}

}  // namespace tidelock::store
