// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <system_error>

#include "controller/platform/os_error.h"
#include "controller/platform/unique_fd.h"

namespace tidelock::platform {
namespace {

constexpr std::string_view kTemporarySuffix = ".tidelock-tmp";

auto fail_errno(const std::string& what) { return fail(os_error(errno, what)); }

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string temporary_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  const std::size_t name = slash == std::string::npos ? 0 : slash + 1;
  return path.substr(0, name) + "." + path.substr(name) + std::string(kTemporarySuffix);
}

FileType type_of(mode_t mode) {
  if (S_ISREG(mode)) return FileType::Regular;
  if (S_ISDIR(mode)) return FileType::Directory;
  return S_ISLNK(mode) ? FileType::Symlink : FileType::Other;
}

Result<void> sync_directory(const std::string& path) {
  const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return fail_errno(path);
  return {};
}

// errno is set on false.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// Opens for appending; *created tells whether the folder has a new entry.
UniqueFd open_for_append(const std::string& path, bool* created) {
  constexpr int kFlags = O_WRONLY | O_APPEND | O_CLOEXEC;
  UniqueFd file(::open(path.c_str(), kFlags));
  *created = !file && errno == ENOENT;
  if (*created) file.reset(::open(path.c_str(), kFlags | O_CREAT, 0600));
  return file;
}

// mkdir -p; durable: each new entry is there before the next is made below it.
Result<void> make_folders(const std::string& path, int mode, bool durable) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), static_cast<mode_t>(mode)) == 0) {
      auto synced = durable ? sync_directory(parent_of(part)) : Result<void>{};
      if (!synced) return synced;
    } else if (errno != EEXIST) {
      // A parent that exists but may not be written (EROFS, EACCES) is no obstacle by itself.
      struct stat info {};
      const int reason = errno;
      if (::stat(part.c_str(), &info) != 0) return fail(os_error(reason, part));
    }
    if (end == std::string::npos) break;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno(path);
  if (!S_ISDIR(info.st_mode)) return fail(os_error(ENOTDIR, path));
  return {};
}

}  // namespace

Result<std::string> PosixDisk::read_file(const std::string& path, std::size_t bytes_max) {
  // Non-blocking: a FIFO of that name must not hold up the caller.
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat info {};
  if (!file || ::fstat(file.get(), &info) != 0) return fail_errno(path);
  if (!S_ISREG(info.st_mode)) return fail(Reason::Invalid, path + ": not a regular file");
  std::string bytes;
  std::array<char, 16384> block;
  while (true) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(path);
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<std::size_t>(got) > bytes_max) {
      return fail(Reason::RequestEntityTooLarge,
                  path + ": more than " + std::to_string(bytes_max) + " bytes");
    }
    bytes.append(block.data(), static_cast<std::size_t>(got));
  }
}

Result<void> PosixDisk::write_file(const std::string& path, std::string_view bytes, int mode) {
  const std::string temporary = temporary_of(path);
  ::unlink(temporary.c_str());
  UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return fail_errno(path);
  // fchmod, not open: the mode is what was asked for, whatever the umask.
  if (::fchmod(file.get(), static_cast<mode_t>(mode)) != 0 || !write_all(file.get(), bytes) ||
      ::fsync(file.get()) != 0 || ::rename(temporary.c_str(), path.c_str()) != 0) {
    const Error error = os_error(errno, path);
    ::unlink(temporary.c_str());
    return fail(error);
  }
  return sync_directory(parent_of(path));
}

Result<void> PosixDisk::append_file(const std::string& path, std::string_view bytes) {
  bool created = false;
  const UniqueFd file = open_for_append(path, &created);
  if (!file) return fail_errno(path);
  const off_t before = ::lseek(file.get(), 0, SEEK_END);
  if (!write_all(file.get(), bytes) || ::fdatasync(file.get()) != 0) {
    const Error error = os_error(errno, path);
    // Best effort: leave no half record behind for the next append to continue.
    if (before >= 0) [[maybe_unused]] const int cut = ::ftruncate(file.get(), before);
    return fail(error);
  }
  if (created) return sync_directory(parent_of(path));
  return {};
}

Result<void> PosixDisk::truncate_file(const std::string& path, std::uint64_t size) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::ftruncate(file.get(), static_cast<off_t>(size)) != 0 ||
      ::fdatasync(file.get()) != 0) {
    return fail_errno(path);
  }
  return {};
}

Result<void> PosixDisk::make_directories(const std::string& path, int mode) {
  return make_folders(path, mode, true);
}

Result<void> PosixDisk::make_scratch_directories(const std::string& path, int mode) {
  return make_folders(path, mode, false);
}

Result<void> PosixDisk::write_scratch_file(const std::string& path, std::string_view bytes,
                                           int mode) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
  const UniqueFd file(::open(path.c_str(), kFlags, static_cast<mode_t>(mode)));
  if (!file || ::fchmod(file.get(), static_cast<mode_t>(mode)) != 0 ||
      !write_all(file.get(), bytes)) {
    return fail_errno(path);
  }
  return {};
}

Result<void> PosixDisk::remove_all(const std::string& path) {
  // By openat() and unlinkat(): a folder swapped for a link midway is not followed.
  std::error_code error;
  std::filesystem::remove_all(path, error);
  if (error) return fail(os_error(error.value(), path));
  return {};
}

Result<void> PosixDisk::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno(from + " -> " + to);
  if (auto synced = sync_directory(parent_of(to)); !synced) return synced;
  if (parent_of(from) == parent_of(to)) return {};
  return sync_directory(parent_of(from));
}

Result<void> PosixDisk::replace_symlink(const std::string& link, const std::string& target) {
  const std::string temporary = temporary_of(link);
  ::unlink(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0) return fail_errno(link);
  if (::rename(temporary.c_str(), link.c_str()) != 0) {
    const Error error = os_error(errno, link);
    ::unlink(temporary.c_str());
    return fail(error);
  }
  return sync_directory(parent_of(link));
}

Result<std::string> PosixDisk::read_symlink(const std::string& path) {
  std::array<char, 4096> target;  // PATH_MAX
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) return fail_errno(path);
  return std::string(target.data(), static_cast<std::size_t>(size));
}

Result<FileInfo> PosixDisk::stat(const std::string& path) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return fail_errno(path);
  const FileType type = type_of(info.st_mode);
  return FileInfo{type, type == FileType::Regular ? static_cast<std::uint64_t>(info.st_size) : 0};
}

Result<std::vector<DirectoryEntry>> PosixDisk::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (folder == nullptr) return fail_errno(path);
  std::vector<DirectoryEntry> entries;
  errno = 0;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != ".." && !(name[0] == '.' && name.ends_with(kTemporarySuffix))) {
      struct stat info {};
      const int flags = AT_SYMLINK_NOFOLLOW;
      if (::fstatat(::dirfd(folder.get()), entry->d_name, &info, flags) == 0) {
        entries.push_back({name, type_of(info.st_mode)});
      }  // else it is gone since
    }
    errno = 0;
  }
  if (errno != 0) return fail_errno(path);
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return entries;
}

Result<void> PosixDisk::sync_tree(const std::string& path) {
  const UniqueFd root(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!root || ::syncfs(root.get()) != 0) return fail_errno(path);
  return {};
}

}  // namespace tidelock::platform
