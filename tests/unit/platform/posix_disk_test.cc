// SPDX-License-Identifier: Apache-2.0
// What only the real disk has: modes, special files, leftovers of a crash.
#include "controller/platform/posix_disk.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <fstream>

#include "controller/platform/os_error.h"
#include "tests/support/temp_folder.h"

using namespace tidelock;
using platform::PosixDisk;
using tidelock::testing::TempFolder;

TEST_CASE("a file has the mode that was asked for, whatever the umask", "[platform][disk]") {
  PosixDisk disk;
  const TempFolder folder;
  const mode_t before = umask(0077);
  REQUIRE(disk.write_file(folder / "f", "x", 0644));
  umask(before);
  struct stat info {};
  REQUIRE(::stat((folder / "f").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0644);
}

TEST_CASE("a FIFO does not hold up a reader", "[platform][disk]") {
  PosixDisk disk;
  const TempFolder folder;
  REQUIRE(mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(disk.read_file(folder / "fifo", 10).error().reason == Reason::Invalid);
  CHECK(disk.stat(folder / "fifo")->type == FileType::Other);
}

TEST_CASE("a temporary file that a crash left is not shown and not in the way",
          "[platform][disk]") {
  PosixDisk disk;
  const TempFolder folder;
  std::ofstream(folder / ".f.tidelock-tmp") << "half";
  CHECK(disk.list(folder.path())->empty());
  REQUIRE(disk.write_file(folder / "f", "whole", 0600));
  CHECK(disk.read_file(folder / "f", 10) == std::string("whole"));
  CHECK(disk.stat(folder / ".f.tidelock-tmp").error().reason == Reason::NotFound);
}

TEST_CASE("a failed write leaves the old bytes and no temporary file", "[platform][disk]") {
  PosixDisk disk;
  const TempFolder folder;
  REQUIRE(disk.make_directories(folder / "d", 0755));
  CHECK_FALSE(disk.write_file(folder / "d", "x", 0600).has_value());
  CHECK(disk.stat(folder / ".d.tidelock-tmp").error().reason == Reason::NotFound);
}

TEST_CASE("a full disk is ServiceUnavailable and says No space left", "[platform][disk]") {
  PosixDisk disk;
  const auto full = disk.append_file("/dev/full", "x");
  REQUIRE_FALSE(full.has_value());
  CHECK(full.error().reason == Reason::ServiceUnavailable);
  CHECK(full.error().message == "/dev/full: No space left on device");
  CHECK(platform::os_error(EDQUOT, "f").message == "f: No space left on device");
}
