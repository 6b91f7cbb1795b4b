// SPDX-License-Identifier: Apache-2.0
// The faults of the disk in memory: tests rest on them, so they are tested themselves.
#include "tests/support/memory_disk.h"

#include <catch2/catch.hpp>

using namespace tidelock;
using tidelock::testing::MemoryDisk;
using Fault = MemoryDisk::Fault;

TEST_CASE("a crash keeps what was made durable", "[platform][memory_disk]") {
  MemoryDisk disk;
  REQUIRE(disk.make_directories("/a/b", 0755));
  REQUIRE(disk.write_file("/a/b/f", "one", 0600));
  REQUIRE(disk.append_file("/a/b/log", "x"));
  REQUIRE(disk.replace_symlink("/a/current", "b"));
  disk.crash();
  CHECK(disk.read_file("/a/current/f", 10) == std::string("one"));
  CHECK(disk.read_file("/a/b/log", 10) == std::string("x"));
}

TEST_CASE("a crash loses an unsynced tree, a synced one survives", "[platform][memory_disk]") {
  MemoryDisk disk;
  REQUIRE(disk.make_directories("/kept", 0755));
  disk.write_unsynced("/lost/sub/f", "x");
  disk.write_unsynced("/kept/sub/f", "x");
  REQUIRE(disk.sync_tree("/kept"));
  disk.write_unsynced("/kept/sub/f", "changed");
  disk.crash();
  CHECK(disk.stat("/lost").error().reason == Reason::NotFound);
  CHECK(disk.read_file("/kept/sub/f", 10) == std::string("x"));
}

TEST_CASE("a tree renamed before it was synced is there after a crash, but hollow",
          "[platform][memory_disk]") {
  MemoryDisk disk;
  disk.write_unsynced("/tmp/v1/f", "x");
  REQUIRE(disk.make_directories("/srv", 0755));
  REQUIRE(disk.rename("/tmp/v1", "/srv/v1"));
  CHECK(disk.read_file("/srv/v1/f", 10) == std::string("x"));
  disk.crash();
  CHECK(disk.list("/srv/v1")->empty());
}

TEST_CASE("a removal is undone by a crash", "[platform][memory_disk]") {
  MemoryDisk disk;
  REQUIRE(disk.write_file("/f", "x", 0600));
  REQUIRE(disk.remove_all("/f"));
  CHECK(disk.stat("/f").error().reason == Reason::NotFound);
  disk.crash();
  CHECK(disk.stat("/f").has_value());
}

TEST_CASE("the disk is full one byte past its quota", "[platform][memory_disk]") {
  MemoryDisk disk;
  disk.set_quota(5);
  REQUIRE(disk.write_file("/f", "12345", 0600));
  const auto full = disk.append_file("/f", "6");
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().reason == Reason::ServiceUnavailable);
  CHECK(full.error().message == "/f: No space left on device");
  CHECK(disk.write_file("/f", "abcde", 0600));
  CHECK_FALSE(disk.write_file("/g", "x", 0600));
  REQUIRE(disk.remove_all("/f"));
  CHECK(disk.write_file("/g", "x", 0600));
  CHECK(disk.bytes_used() == 1);
}

TEST_CASE("the chosen operation fails, once or until healed", "[platform][memory_disk]") {
  MemoryDisk disk;
  disk.fail_at(2);
  CHECK(disk.write_file("/a", "x", 0600));
  CHECK(disk.write_file("/b", "x", 0600).error().message == "/b: Input/output error");
  CHECK(disk.write_file("/b", "x", 0600));
  disk.fail_at(1, Fault::DiskFull, true);
  CHECK(disk.stat("/a").error().reason == Reason::ServiceUnavailable);
  CHECK_FALSE(disk.stat("/a").has_value());
  disk.heal();
  CHECK(disk.stat("/a").has_value());
  CHECK(disk.operations() == 6);
}

TEST_CASE("a torn append leaves half of its bytes", "[platform][memory_disk]") {
  MemoryDisk disk;
  REQUIRE(disk.append_file("/log", "first\n"));
  disk.fail_at(1, Fault::Torn);
  CHECK_FALSE(disk.append_file("/log", "second").has_value());
  disk.crash();
  CHECK(disk.read_file("/log", 100) == std::string("first\nsec"));
}
