// SPDX-License-Identifier: Apache-2.0
// The real fetcher: archives that nobody trusts, downloads, the cache, and where a package ends up.
#include <archive.h>
#include <archive_entry.h>
#include <catch2/catch.hpp>
#include <sys/stat.h>

#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

#include "controller/agent/archive.h"
#include "controller/agent/download.h"
#include "controller/agent/package.h"
#include "controller/agent/work_pool.h"
#include "controller/base/digest.h"
#include "tests/support/temp_folder.h"

using namespace tidelock;
using namespace tidelock::testing;
namespace fs = std::filesystem;

namespace {

const std::atomic<bool> kGoOn{false};

struct Entry {
  std::string path;
  std::string content = {};
  int type = AE_IFREG;
  int mode = 0644;
  std::string link = {};
  std::string hard_link = {};
};

enum class Format { TarGz, Tar, Zip };

void write_archive(const std::string& path, const std::vector<Entry>& entries, Format format = Format::TarGz) {
  archive* writer = archive_write_new();
  if (format == Format::Zip) {
    archive_write_set_format_zip(writer);
  } else {
    archive_write_set_format_pax_restricted(writer);
  }
  if (format == Format::TarGz) archive_write_add_filter_gzip(writer);
  REQUIRE(archive_write_open_filename(writer, path.c_str()) == ARCHIVE_OK);
  for (const Entry& one : entries) {
    archive_entry* entry = archive_entry_new();
    archive_entry_set_pathname(entry, one.path.c_str());
    archive_entry_set_filetype(entry, static_cast<unsigned>(one.type));
    archive_entry_set_perm(entry, static_cast<unsigned>(one.mode));
    archive_entry_set_size(entry, one.type == AE_IFREG ? static_cast<la_int64_t>(one.content.size()) : 0);
    if (!one.link.empty()) archive_entry_set_symlink(entry, one.link.c_str());
    if (!one.hard_link.empty()) archive_entry_set_hardlink(entry, one.hard_link.c_str());
    REQUIRE(archive_write_header(writer, entry) == ARCHIVE_OK);
    if (!one.content.empty()) archive_write_data(writer, one.content.data(), one.content.size());
    archive_entry_free(entry);
  }
  archive_write_close(writer);
  archive_write_free(writer);
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}
void write(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

int mode_of(const std::string& path) {
  struct stat info {};
  REQUIRE(::lstat(path.c_str(), &info) == 0);
  return static_cast<int>(info.st_mode & 07777);
}

// Unpacks into <folder>/out beside which a trap lies.
Result<agent::ArchiveSummary> unpack(const TempFolder& folder, const std::vector<Entry>& entries,
                                     const agent::ArchiveLimits& limits = {}, Format format = Format::TarGz) {
  write_archive(folder / "a", entries, format);
  fs::create_directory(folder / "out");
  return agent::unpack(folder / "a", folder / "out", limits, kGoOn);
}

std::string refusal(const std::vector<Entry>& entries, const agent::ArchiveLimits& limits = {}) {
  TempFolder folder;
  const auto unpacked = unpack(folder, entries, limits);
  CHECK(fs::directory_iterator(folder.path()) != fs::directory_iterator{});
  for (const auto& entry : fs::directory_iterator(folder.path())) {
    const std::string name = entry.path().filename();
    CHECK((name == "a" || name == "out"));  // nothing was written beside it
  }
  return unpacked ? "" : unpacked.error().message;
}

agent::PackageJob job_for(const TempFolder& folder, const std::string& archive) {
  agent::PackageJob job;
  job.url = "file://" + folder / archive;
  job.sha256 = sha256_hex(read(folder / archive));
  job.directory = folder / "releases/1.0.0";
  return job;
}

struct Cache {
  TempFolder folder;
  agent::PackageCache cache{folder.path()};
};

}  // namespace

TEST_CASE("tar, tar.gz and zip archives are unpacked", "[agent][archive]") {
  for (const Format format : {Format::TarGz, Format::Tar, Format::Zip}) {
    TempFolder folder;
    const auto done = unpack(folder, {{.path = "bin", .type = AE_IFDIR, .mode = 0755},
                                      {.path = "bin/shop", .content = "#!", .mode = 0755},
                                      {.path = "./deep/er/file", .content = std::string(300'000, 'x')}},
                             {}, format);
    REQUIRE(done.has_value());
    CHECK(done->entries == 3);
    CHECK(done->bytes == 300'002);
    CHECK(read(folder / "out/bin/shop") == "#!");
    CHECK(read(folder / "out/deep/er/file").size() == 300'000);
    CHECK(mode_of(folder / "out/bin/shop") == 0755);
    CHECK(mode_of(folder / "out/deep/er/file") == 0644);
  }
}

TEST_CASE("links inside the tree are made", "[agent][archive]") {
  TempFolder folder;
  REQUIRE(unpack(folder, {{.path = "current", .type = AE_IFLNK, .link = "lib/v1"},
                          {.path = "lib/v1/so", .content = "code"},
                          {.path = "lib/up", .type = AE_IFLNK, .link = "../lib/v1/so"},
                          {.path = "hard", .hard_link = "lib/v1/so"}})
              .has_value());
  CHECK(read(folder / "out/current/so") == "code");
  CHECK(read(folder / "out/lib/up") == "code");
  CHECK(read(folder / "out/hard") == "code");
}

TEST_CASE("entries that leave the tree are refused by name", "[agent][archive]") {
  CHECK(refusal({{.path = "../evil", .content = "x"}}) == "archive entry \"../evil\": its path leaves the folder");
  CHECK(refusal({{.path = "a/../../evil", .content = "x"}}).find("leaves the folder") != std::string::npos);
  CHECK(refusal({{.path = "/tmp/evil", .content = "x"}}).find("leaves the folder") != std::string::npos);
}

TEST_CASE("links that leave the tree are refused", "[agent][archive]") {
  for (const std::string target : {"/etc/passwd", "../x", "a/../../x", "..", "a/.."}) {
    INFO(target);
    CHECK(refusal({{.path = "l", .type = AE_IFLNK, .link = target}}).find("link points outside") !=
          std::string::npos);
  }
  CHECK(refusal({{.path = "d/l", .type = AE_IFLNK, .link = "../../x"}}).find("outside") != std::string::npos);
  CHECK(refusal({{.path = "l", .hard_link = "../secret"}}).find("outside") != std::string::npos);
  CHECK(refusal({{.path = "l", .hard_link = "missing"}}).find("no file before it") != std::string::npos);
}

TEST_CASE("nothing is written through a link of the archive", "[agent][archive]") {
  const std::string through = refusal({{.path = "l", .type = AE_IFLNK, .link = "sub"},
                                       {.path = "l/evil", .content = "x"}});
  CHECK(through.find("there is a folder of that name") != std::string::npos);
  // The file replaces the link; it does not go where the link points.
  TempFolder folder;
  REQUIRE(unpack(folder, {{.path = "t", .content = "old"},
                          {.path = "l", .type = AE_IFLNK, .link = "t"},
                          {.path = "l", .content = "new"}})
              .has_value());
  CHECK(read(folder / "out/t") == "old");
  CHECK(read(folder / "out/l") == "new");
}

TEST_CASE("devices and pipes are refused", "[agent][archive]") {
  for (const int type : {AE_IFIFO, AE_IFCHR, AE_IFBLK}) {
    CHECK(refusal({{.path = "dev", .type = type}}).find("special files") != std::string::npos);
  }
}

TEST_CASE("set-id bits are dropped, and what was unpacked can be removed", "[agent][archive]") {
  TempFolder folder;
  REQUIRE(unpack(folder, {{.path = "suid", .content = "x", .mode = 06755},
                          {.path = "locked", .type = AE_IFDIR, .mode = 0},
                          {.path = "locked/file", .content = "x", .mode = 0},
                          {.path = "open", .content = "x", .mode = 0777}})
              .has_value());
  CHECK(mode_of(folder / "out/suid") == 0755);
  CHECK(mode_of(folder / "out/locked") == 0755);
  CHECK(mode_of(folder / "out/locked/file") == 0600);
  CHECK(mode_of(folder / "out/open") == 0755);  // nobody else may write it
}

TEST_CASE("each cap of an archive holds at the limit and not past it", "[agent][archive]") {
  const std::vector<Entry> three{{.path = "a", .content = "123"}, {.path = "b", .content = "456"}, {.path = "c"}};
  CHECK(refusal(three, {.entries_max = 3}).empty());
  CHECK(refusal(three, {.entries_max = 2}).find("more than 2 entries") != std::string::npos);
  CHECK(refusal(three, {.bytes_max = 6}).empty());
  CHECK(refusal(three, {.bytes_max = 5}).find("more than 5 bytes") != std::string::npos);
  const std::vector<Entry> bomb{{.path = "zeros", .content = std::string(4'000'000, '\0')}};
  CHECK(refusal(bomb, {.ratio_max = 10, .ratio_free_bytes = 1'000}).find("times its size") != std::string::npos);
  CHECK(refusal(bomb, {.ratio_max = 10, .ratio_free_bytes = 10'000'000}).empty());
}

TEST_CASE("damaged archives are refused", "[agent][archive]") {
  TempFolder folder;
  write_archive(folder / "good", {{.path = "a", .content = std::string(100'000, 'x')}});
  fs::create_directory(folder / "out");
  const std::string bytes = read(folder / "good");
  write(folder / "cut", bytes.substr(0, bytes.size() / 2));
  write(folder / "text", "this is no archive at all, only a text");
  for (const std::string name : {"cut", "text"}) {
    const auto done = agent::unpack(folder / name, folder / "out", {}, kGoOn);
    REQUIRE(!done.has_value());
    CHECK(done.error().message.find("damaged") != std::string::npos);
  }
}

TEST_CASE("a package is fetched, checked and put in its place whole", "[agent][package]") {
  Cache cache;
  TempFolder folder;
  write_archive(folder / "p.tar.gz", {{.path = "bin/shop", .content = "v1"}});
  auto job = job_for(folder, "p.tar.gz");
  REQUIRE(agent::install_package(cache.cache, job, kGoOn).has_value());
  CHECK(read(job.directory + "/bin/shop") == "v1");
  CHECK(std::distance(fs::directory_iterator(folder / "releases"), fs::directory_iterator{}) == 1);

  // A second package of the release is added to the first.
  write_archive(folder / "q.zip", {{.path = "bin/tool", .content = "v2"}}, Format::Zip);
  REQUIRE(agent::install_package(cache.cache, job_for(folder, "q.zip"), kGoOn).has_value());
  CHECK(read(job.directory + "/bin/shop") == "v1");
  CHECK(read(job.directory + "/bin/tool") == "v2");
}

TEST_CASE("a wrong digest is named, and nothing is left", "[agent][package]") {
  Cache cache;
  TempFolder folder;
  write_archive(folder / "p", {{.path = "a", .content = "x"}});
  auto job = job_for(folder, "p");
  const std::string got = job.sha256;
  job.sha256 = std::string(64, '0');
  const auto done = agent::install_package(cache.cache, job, kGoOn);
  REQUIRE(!done.has_value());
  CHECK(done.error().message == "sha256 mismatch: want " + std::string(64, '0') + ", got " + got);
  CHECK(!fs::exists(job.directory));
  CHECK(fs::is_empty(cache.folder.path()));
}

TEST_CASE("a package that is refused leaves the folder as it was", "[agent][package]") {
  Cache cache;
  TempFolder folder;
  write_archive(folder / "good", {{.path = "a", .content = "good"}});
  write_archive(folder / "evil", {{.path = "a", .content = "evil"}, {.path = "../out", .content = "x"}});
  auto job = job_for(folder, "good");
  REQUIRE(agent::install_package(cache.cache, job, kGoOn).has_value());
  const auto evil = agent::install_package(cache.cache, job_for(folder, "evil"), kGoOn);
  REQUIRE(!evil.has_value());
  CHECK(evil.error().message.find("\"../out\"") != std::string::npos);
  CHECK(read(job.directory + "/a") == "good");
  CHECK(std::distance(fs::directory_iterator(folder / "releases"), fs::directory_iterator{}) == 1);
}

TEST_CASE("one digest is fetched once, and a damaged cache is fetched again", "[agent][package]") {
  Cache cache;
  TempFolder folder;
  write_archive(folder / "p", {{.path = "a", .content = "x"}});
  const auto job = job_for(folder, "p");
  const auto path = cache.cache.get(job.url, job.sha256, kGoOn);
  REQUIRE(path.has_value());
  fs::rename(folder / "p", folder / "moved");
  CHECK(cache.cache.get(job.url, job.sha256, kGoOn).has_value());
  fs::rename(folder / "moved", folder / "p");
  write(*path, "damaged");
  agent::PackageCache after_restart(cache.folder.path());
  REQUIRE(after_restart.get(job.url, job.sha256, kGoOn).has_value());
  CHECK(sha256_hex(read(*path)) == job.sha256);
}

TEST_CASE("values replace names in the listed files only", "[agent][package]") {
  Cache cache;
  TempFolder folder;
  write_archive(folder / "p", {{.path = "etc/shop.conf", .content = "port=${port}\n"},
                               {.path = "run.sh", .content = "echo ${port}\n", .mode = 0755},
                               {.path = "link", .type = AE_IFLNK, .link = "etc/shop.conf"}});
  auto job = job_for(folder, "p");
  job.values = {{"port", "9001"}};
  job.substitute = {"etc/shop.conf"};
  REQUIRE(agent::install_package(cache.cache, job, kGoOn).has_value());
  CHECK(read(job.directory + "/etc/shop.conf") == "port=9001\n");
  CHECK(read(job.directory + "/run.sh") == "echo ${port}\n");

  for (const std::string name : {"missing", "../p", "/etc/passwd", "link", "etc"}) {
    job.substitute = {name};
    const auto done = agent::install_package(cache.cache, job, kGoOn);
    REQUIRE(!done.has_value());
    CHECK(done.error().message.find("\"" + name + "\"") != std::string::npos);
  }
  job.values.clear();
  job.substitute = {"etc/shop.conf"};
  const auto unknown = agent::install_package(cache.cache, job, kGoOn);
  REQUIRE(!unknown.has_value());
  CHECK(unknown.error().message.find("port") != std::string::npos);
}

TEST_CASE("only file, http and https URLs are fetched", "[agent][download]") {
  TempFolder folder;
  for (const std::string url : {"ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "dict://127.0.0.1/x", "nonsense"}) {
    const auto got = agent::download(url, folder / "x", kGoOn);
    REQUIRE(!got.has_value());
    CHECK(got.error().message.find(url) == 0);
    CHECK(!fs::exists(folder / "x"));
  }
  CHECK(!agent::download("file://" + folder / "missing", folder / "x", kGoOn).has_value());
  agent::HttpJob file_job;
  file_job.method = "GET";
  file_job.url = "file:///etc/hostname";
  file_job.timeout = std::chrono::seconds(5);
  CHECK(!agent::request(file_job, kGoOn).has_value());
}

TEST_CASE("the pool runs every job, at most so many at once", "[agent][pool]") {
  std::mutex mutex;
  std::condition_variable changed;
  int running = 0;
  int peak = 0;
  int done = 0;
  {
    agent::WorkPool pool(3);
    for (int i = 0; i < 100; ++i) {
      pool.add([&] {
        {
          const std::lock_guard lock(mutex);
          peak = std::max(peak, ++running);
        }
        std::this_thread::yield();
        const std::lock_guard lock(mutex);
        --running;
        ++done;
        changed.notify_all();
      });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return done == 100; });
  }
  CHECK(peak <= 3);
}
