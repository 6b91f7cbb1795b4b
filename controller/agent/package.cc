// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/package.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "controller/agent/archive.h"
#include "controller/agent/download.h"
#include "controller/api/variables.h"
#include "controller/base/digest.h"
#include "controller/base/limits.h"

namespace tidelock::agent {
namespace {

namespace fs = std::filesystem;

auto system_error(const std::string& what) {
  const int number = errno;
  const bool full = number == ENOSPC || number == EDQUOT;
  return fail(full ? Reason::ServiceUnavailable : Reason::InternalError,
              what + ": " + std::strerror(number));
}

Result<void> sync_folder(const std::string& path, bool file_system) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error(path);
  const int code = file_system ? ::syncfs(fd) : ::fsync(fd);
  const int number = errno;
  ::close(fd);
  errno = number;
  if (code != 0) return system_error(path);
  return {};
}

// Removed with all that is in it unless kept.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }
  Result<void> make() {
    std::error_code error;
    fs::remove_all(path_, error);
    if (!error) fs::create_directories(path_, error);
    if (error) return fail(Reason::ServiceUnavailable, path_ + ": " + error.message());
    return {};
  }

 private:
  std::string path_;
};

// Where `name` is below `root`; refused if it leaves it or goes through a link.
Result<std::string> file_below(const std::string& root, const std::string& name) {
  std::string path = root;
  for (const fs::path& part : fs::path(name)) {
    if (part == ".." || part == "/") {
      return fail(Reason::Invalid, "substitute \"" + name + "\": the path leaves the package");
    }
    if (part.empty() || part == ".") continue;
    path += "/" + part.string();
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) {
      return fail(Reason::NotFound, "substitute \"" + name + "\": the package has no such file");
    }
    if (S_ISLNK(info.st_mode)) {
      return fail(Reason::Invalid, "substitute \"" + name + "\": links are not followed");
    }
  }
  if (!fs::is_regular_file(path)) {
    return fail(Reason::Invalid, "substitute \"" + name + "\": not a file");
  }
  return path;
}

Result<void> substitute_file(const std::string& path, const std::string& name,
                             const std::map<std::string, std::string>& values) {
  std::error_code error;
  const auto size = fs::file_size(path, error);
  if (error || size > limits::kSubstitutedFileBytesMax) {
    return fail(Reason::RequestEntityTooLarge,
                "substitute \"" + name + "\": larger than " +
                    std::to_string(limits::kSubstitutedFileBytesMax) + " bytes");
  }
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto expanded =
      api::expand_template(text, [&](std::string_view key) -> std::optional<std::string> {
        const auto found = values.find(std::string(key));
        return found == values.end() ? std::nullopt : std::optional(found->second);
      });
  if (!expanded) return fail(Reason::Invalid, "substitute \"" + name + "\": " + expanded.error().message);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << *expanded;
  out.close();
  if (!out) return system_error("substitute \"" + name + "\"");
  return {};
}

// Moves what is in `from` into `to`; folders of the same name are joined, files are replaced.
Result<void> join_folders(const std::string& from, const std::string& to) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(from, error)) {
    const std::string target = to + "/" + entry.path().filename().string();
    const fs::file_status there = fs::symlink_status(target);
    if (fs::is_directory(there) && entry.symlink_status().type() == fs::file_type::directory) {
      if (auto joined = join_folders(entry.path().string(), target); !joined) return joined;
      continue;
    }
    if (fs::exists(there)) fs::remove_all(target, error);
    if (::rename(entry.path().c_str(), target.c_str()) != 0) return system_error(target);
  }
  if (error) return fail(Reason::InternalError, from + ": " + error.message());
  return {};
}

// An empty or absent folder is replaced at once; one that another package of the release filled
// already is added to.
Result<void> move_into_place(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    if (errno != ENOTEMPTY && errno != EEXIST) return system_error(to);
    if (auto joined = join_folders(from, to); !joined) return joined;
    return sync_folder(to, true);
  }
  return sync_folder(fs::path(to).parent_path().string(), false);
}

}  // namespace

bool PackageCache::verified_on_disk(const std::string& sha256) const {
  std::ifstream in(path_of(sha256), std::ios::binary);
  if (!in) return false;
  Sha256 hash;
  std::string block(256 * 1024, '\0');
  while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
    hash.update({block.data(), static_cast<std::size_t>(in.gcount())});
  }
  return hash.finish_hex() == sha256;
}

Result<void> PackageCache::fill(const std::string& url, const std::string& sha256,
                                const std::atomic<bool>& cancelled) {
  const std::string part = path_of(sha256) + ".part";
  const auto got = download(url, part, cancelled);
  if (!got) return fail(got.error());
  if (*got != sha256) {
    ::unlink(part.c_str());
    return fail(Reason::Invalid, "sha256 mismatch: want " + sha256 + ", got " + *got);
  }
  if (::rename(part.c_str(), path_of(sha256).c_str()) != 0) return system_error(path_of(sha256));
  return {};
}

Result<std::string> PackageCache::get(const std::string& url, const std::string& sha256,
                                      const std::atomic<bool>& cancelled) {
  const bool hex = sha256.size() == 64 &&
                   sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!hex) return fail(Reason::Invalid, "sha256 \"" + sha256 + "\": want 64 lower-case hex digits");
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !busy_.contains(sha256); });
  if (verified_.contains(sha256) && fs::exists(path_of(sha256))) return path_of(sha256);
  busy_.insert(sha256);
  lock.unlock();
  const auto filled = verified_on_disk(sha256) ? Result<void>{} : fill(url, sha256, cancelled);
  lock.lock();
  busy_.erase(sha256);
  if (filled) verified_.insert(sha256);
  changed_.notify_all();
  if (!filled) return fail(filled.error());
  return path_of(sha256);
}

Result<std::string> install_package(PackageCache& cache, const PackageJob& job,
                                    const std::atomic<bool>& cancelled) {
  std::string sha256 = job.sha256;
  for (char& c : sha256) c = c >= 'A' && c <= 'F' ? static_cast<char>(c + ('a' - 'A')) : c;
  const auto archive = cache.get(job.url, sha256, cancelled);
  if (!archive) return fail(archive.error());
  const fs::path directory(job.directory);
  TemporaryFolder temporary(
      (directory.parent_path() / ("." + directory.filename().string() + ".partial")).string());
  if (auto made = temporary.make(); !made) return fail(made.error());
  const auto unpacked = unpack(*archive, temporary.path(), ArchiveLimits{}, cancelled);
  if (!unpacked) return fail(unpacked.error());
  for (const std::string& name : job.substitute) {
    const auto path = file_below(temporary.path(), name);
    if (!path) return fail(path.error());
    auto done = substitute_file(*path, name, job.values);
    if (!done) return fail(done.error());
  }
  if (auto synced = sync_folder(temporary.path(), true); !synced) return fail(synced.error());
  if (auto moved = move_into_place(temporary.path(), job.directory); !moved) return fail(moved.error());
  return "unpacked " + std::to_string(unpacked->entries) + " entries, " +
         std::to_string(unpacked->bytes) + " bytes";
}

}  // namespace tidelock::agent
