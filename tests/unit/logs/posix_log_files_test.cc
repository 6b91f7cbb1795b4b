// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "controller/logs/log_files.h"
#include "tests/support/temp_folder.h"

using namespace tidelock;

TEST_CASE("log files are appended to, read in pieces, listed and removed", "[logs][posix]") {
  testing::TempFolder folder;
  auto files = logs::open_log_files(folder.path());
  const logs::LogName name{"default", "t1"};
  CHECK(files->read(name, 0, 10).error().reason == Reason::NotFound);
  CHECK(files->size(name).error().reason == Reason::NotFound);
  REQUIRE(files->append(name, "hello "));
  REQUIRE(files->append(name, "world"));
  CHECK(files->size(name).value() == 11);
  CHECK(files->read(name, 3, 5).value() == "lo wo");
  CHECK(files->read(name, 11, 5).value().empty());
  REQUIRE(files->truncate(name, 5));
  CHECK(files->read(name, 0, 100).value() == "hello");
  auto listed = files->list();
  REQUIRE(listed);
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().name == name);
  REQUIRE(files->remove(name));
  REQUIRE(files->remove(name));
  CHECK(files->list().value().empty());
}

TEST_CASE("log files are the owner's own and links are not followed", "[logs][posix]") {
  testing::TempFolder folder;
  auto files = logs::open_log_files(folder.path());
  REQUIRE(files->append({"a", "t"}, "x"));
  struct stat info {};
  REQUIRE(::stat((folder / "a/t").c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  REQUIRE(::symlink("/etc/passwd", (folder / "a/link").c_str()) == 0);
  CHECK_FALSE(files->append({"a", "link"}, "x"));
  CHECK_FALSE(files->read({"a", "link"}, 0, 10));
}

TEST_CASE("a task may have the longest name there is", "[logs][posix]") {
  testing::TempFolder folder;
  auto files = logs::open_log_files(folder.path());
  CHECK(files->append({"a", std::string(253, 'x')}, "x"));
}
