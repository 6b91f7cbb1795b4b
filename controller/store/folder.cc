// SPDX-License-Identifier: Apache-2.0
#include "controller/store/folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

namespace tidelock::store {
namespace {

tl::unexpected<Error> os_error(const std::string& path, int error) {
  return fail(Reason::ServiceUnavailable,
              path + ": " + std::error_code(error, std::system_category()).message());
}

Result<void> sync_folder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return os_error(path, errno);
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (error != 0) return os_error(path, error);
  return {};
}

// With all parents; each new name is durable in its parent.
Result<void> make_folder(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return {};
    return os_error(path, ENOTDIR);
  }
  const std::size_t slash = path.find_last_not_of('/') == std::string::npos
                                ? std::string::npos
                                : path.rfind('/', path.find_last_not_of('/'));
  std::string parent = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  if (parent != "." && parent != "/") {
    if (const Result<void> made = make_folder(parent); !made) return made;
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return os_error(path, errno);
  return sync_folder(parent);
}

}  // namespace

Result<Folder> Folder::open(const std::string& path) {
  if (const Result<void> made = make_folder(path); !made) return fail(made.error());
  const std::string name = path + "/lock";
  const int fd = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return os_error(name, errno);
  Folder folder(path, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return folder;
  if (errno != EWOULDBLOCK) return os_error(name, errno);
  return fail(Reason::Conflict, path + ": the store is in use by another process");
}

Folder::~Folder() {
  if (lock_ >= 0) ::close(lock_);
}

Folder::Folder(Folder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

bool Folder::has(const std::string& name) const {
  struct stat info {};
  return ::lstat(file(name).c_str(), &info) == 0;
}

Result<void> Folder::remove(const std::string& name) const {
  if (::unlink(file(name).c_str()) != 0 && errno != ENOENT) return os_error(file(name), errno);
  return {};
}

Result<void> Folder::rename(const std::string& from, const std::string& to) const {
  if (::rename(file(from).c_str(), file(to).c_str()) != 0) return os_error(file(from), errno);
  return sync_folder(path_);
}

}  // namespace tidelock::store
