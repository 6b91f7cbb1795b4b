// SPDX-License-Identifier: Apache-2.0
// One suite for every Disk: what holds for the real one must hold for the one in memory.
#include <catch2/catch.hpp>

#include "controller/base/disk.h"
#include "controller/platform/posix_disk.h"
#include "tests/support/memory_disk.h"
#include "tests/support/temp_folder.h"

using namespace tidelock;
using tidelock::platform::PosixDisk;
using tidelock::testing::MemoryDisk;
using tidelock::testing::TempFolder;

namespace {

constexpr std::size_t kMax = 1 << 20;

// A disk with a root folder of its own.
template <class D>
struct World;
template <>
struct World<PosixDisk> {
  PosixDisk disk;
  TempFolder folder;
  std::string root = folder.path();
};
template <>
struct World<MemoryDisk> {
  World() { REQUIRE(disk.make_directories(root, 0755)); }
  MemoryDisk disk;
  std::string root = "/srv/test";
};

std::vector<std::string> names(Disk& disk, const std::string& path) {
  std::vector<std::string> found;
  const auto entries = disk.list(path).value();
  for (const auto& entry : entries) found.push_back(entry.name);
  return found;
}

template <class T>
Reason reason_of(const Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error().reason;
}

}  // namespace

#define DISK_CASE(name) \
  TEMPLATE_TEST_CASE(name, "[platform][disk]", PosixDisk, MemoryDisk)
#define WORLD                              \
  World<TestType> world;                   \
  Disk& disk = world.disk;                 \
  const std::string root = world.root;     \
  const auto at = [&](const char* name) { return root + "/" + name; }

DISK_CASE("a written file is read back, and written again replaced whole") {
  WORLD;
  REQUIRE(disk.write_file(at("f"), "long first content", 0644));
  REQUIRE(disk.write_file(at("f"), "second", 0600));
  CHECK(disk.read_file(at("f"), kMax) == std::string("second"));
  CHECK(names(disk, root) == std::vector<std::string>{"f"});
  const std::string binary("\0\xff\n", 3);
  REQUIRE(disk.write_file(at("f"), binary, 0600));
  CHECK(disk.read_file(at("f"), kMax) == binary);
}

DISK_CASE("a file is read at its limit and refused one past it") {
  WORLD;
  REQUIRE(disk.write_file(at("f"), "12345", 0600));
  CHECK(disk.read_file(at("f"), 5) == std::string("12345"));
  CHECK(reason_of(disk.read_file(at("f"), 4)) == Reason::RequestEntityTooLarge);
}

DISK_CASE("what is missing is NotFound and the error names the path") {
  WORLD;
  const auto read = disk.read_file(at("nope"), kMax);
  CHECK(reason_of(read) == Reason::NotFound);
  CHECK(read.error().message.find(at("nope")) != std::string::npos);
  CHECK(reason_of(disk.stat(at("nope"))) == Reason::NotFound);
  CHECK(reason_of(disk.list(at("nope"))) == Reason::NotFound);
  CHECK(reason_of(disk.read_symlink(at("nope"))) == Reason::NotFound);
  CHECK(reason_of(disk.truncate_file(at("nope"), 0)) == Reason::NotFound);
  CHECK(reason_of(disk.rename(at("nope"), at("x"))) == Reason::NotFound);
  CHECK(reason_of(disk.sync_tree(at("nope"))) == Reason::NotFound);
  CHECK(reason_of(disk.write_file(at("no/f"), "x", 0600)) == Reason::NotFound);
  CHECK(reason_of(disk.append_file(at("no/f"), "x")) == Reason::NotFound);
  CHECK(reason_of(disk.replace_symlink(at("no/l"), "x")) == Reason::NotFound);
}

DISK_CASE("an append creates the file and adds at its end") {
  WORLD;
  REQUIRE(disk.append_file(at("log"), "one\n"));
  REQUIRE(disk.append_file(at("log"), "two\n"));
  CHECK(disk.read_file(at("log"), kMax) == std::string("one\ntwo\n"));
  REQUIRE(disk.truncate_file(at("log"), 4));
  REQUIRE(disk.append_file(at("log"), "three\n"));
  CHECK(disk.read_file(at("log"), kMax) == std::string("one\nthree\n"));
}

DISK_CASE("folders are made with their parents, twice is fine, through a file is not") {
  WORLD;
  REQUIRE(disk.make_directories(at("a/b/c"), 0755));
  REQUIRE(disk.make_directories(at("a/b/c"), 0755));
  CHECK(disk.stat(at("a/b/c"))->type == FileType::Directory);
  REQUIRE(disk.write_file(at("f"), "", 0600));
  CHECK(reason_of(disk.make_directories(at("f"), 0755)) == Reason::Invalid);
  CHECK(reason_of(disk.make_directories(at("f/x"), 0755)) == Reason::Invalid);
}

DISK_CASE("a list is sorted by name and tells the types") {
  WORLD;
  REQUIRE(disk.write_file(at("b"), "", 0600));
  REQUIRE(disk.make_directories(at("a"), 0755));
  REQUIRE(disk.replace_symlink(at("c"), "b"));
  const auto entries = disk.list(root).value();
  REQUIRE(entries.size() == 3);
  CHECK((entries[0].name == "a" && entries[0].type == FileType::Directory));
  CHECK((entries[1].name == "b" && entries[1].type == FileType::Regular));
  CHECK((entries[2].name == "c" && entries[2].type == FileType::Symlink));
  CHECK(reason_of(disk.list(at("b"))) == Reason::Invalid);
}

DISK_CASE("a folder is not a file") {
  WORLD;
  REQUIRE(disk.make_directories(at("d"), 0755));
  CHECK(reason_of(disk.read_file(at("d"), kMax)) == Reason::Invalid);
  CHECK(reason_of(disk.append_file(at("d"), "x")) == Reason::Invalid);
  CHECK(reason_of(disk.write_file(at("d"), "x", 0600)) == Reason::Invalid);
  CHECK(reason_of(disk.replace_symlink(at("d"), "x")) == Reason::Invalid);
  CHECK(names(disk, root) == std::vector<std::string>{"d"});
}

DISK_CASE("removing takes a whole folder and never what a link points at") {
  WORLD;
  REQUIRE(disk.make_directories(at("keep"), 0755));
  REQUIRE(disk.write_file(at("keep/f"), "x", 0600));
  REQUIRE(disk.make_directories(at("d/e"), 0755));
  REQUIRE(disk.write_file(at("d/e/f"), "x", 0600));
  REQUIRE(disk.replace_symlink(at("d/link"), at("keep")));
  REQUIRE(disk.remove_all(at("d")));
  REQUIRE(disk.replace_symlink(at("l"), at("keep")));
  REQUIRE(disk.remove_all(at("l")));
  CHECK(names(disk, root) == std::vector<std::string>{"keep"});
  CHECK(names(disk, at("keep")) == std::vector<std::string>{"f"});
  CHECK(disk.remove_all(at("d")));
  CHECK(disk.remove_all(at("no/such")));
}

DISK_CASE("a link is switched in place and followed on the way to a file") {
  WORLD;
  REQUIRE(disk.make_directories(at("v1"), 0755));
  REQUIRE(disk.make_directories(at("v2"), 0755));
  REQUIRE(disk.write_file(at("v1/f"), "one", 0600));
  REQUIRE(disk.write_file(at("v2/f"), "two", 0600));
  REQUIRE(disk.replace_symlink(at("current"), "v1"));
  CHECK(disk.read_file(at("current/f"), kMax) == std::string("one"));
  REQUIRE(disk.replace_symlink(at("current"), at("v2")));
  CHECK(disk.read_file(at("current/f"), kMax) == std::string("two"));
  CHECK(disk.read_symlink(at("current")) == at("v2"));
  CHECK(disk.stat(at("current"))->type == FileType::Symlink);
  CHECK(reason_of(disk.read_symlink(at("v1"))) == Reason::Invalid);
  CHECK(disk.read_file(at("v1/../current/./f"), kMax) == std::string("two"));
}

DISK_CASE("a link to itself is an error, a dangling one is NotFound") {
  WORLD;
  REQUIRE(disk.replace_symlink(at("loop"), "loop"));
  REQUIRE(disk.replace_symlink(at("dangling"), "nope"));
  CHECK(reason_of(disk.read_file(at("loop"), kMax)) == Reason::Invalid);
  CHECK(reason_of(disk.read_file(at("dangling"), kMax)) == Reason::NotFound);
}

DISK_CASE("a write replaces a link, not what it points at") {
  WORLD;
  REQUIRE(disk.write_file(at("f"), "old", 0600));
  REQUIRE(disk.replace_symlink(at("l"), "f"));
  REQUIRE(disk.write_file(at("l"), "new", 0600));
  CHECK(disk.stat(at("l"))->type == FileType::Regular);
  CHECK(disk.read_file(at("f"), kMax) == std::string("old"));
}

DISK_CASE("a rename moves files and folders, over files and empty folders only") {
  WORLD;
  REQUIRE(disk.make_directories(at("new/sub"), 0755));
  REQUIRE(disk.write_file(at("new/sub/f"), "x", 0600));
  REQUIRE(disk.make_directories(at("empty"), 0755));
  REQUIRE(disk.rename(at("new"), at("empty")));
  CHECK(disk.read_file(at("empty/sub/f"), kMax) == std::string("x"));
  REQUIRE(disk.make_directories(at("other"), 0755));
  CHECK(reason_of(disk.rename(at("other"), at("empty"))) == Reason::Conflict);
  REQUIRE(disk.write_file(at("f"), "x", 0600));
  CHECK(reason_of(disk.rename(at("f"), at("other"))) == Reason::Invalid);
  CHECK(reason_of(disk.rename(at("other"), at("f"))) == Reason::Invalid);
  CHECK(reason_of(disk.rename(at("other"), at("other/inside"))) == Reason::Invalid);
  REQUIRE(disk.rename(at("f"), at("empty/sub/f")));
  CHECK(names(disk, root) == std::vector<std::string>{"empty", "other"});
}

DISK_CASE("sizes are those of regular files") {
  WORLD;
  REQUIRE(disk.write_file(at("f"), "12345", 0600));
  CHECK(disk.stat(at("f"))->size == 5);
  CHECK(disk.stat(root)->size == 0);
  CHECK(disk.sync_tree(root));
}
