// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "controller/logs/log_files.h"

namespace tidelock::logs {
namespace {

constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;

Error os_error(const std::string& path) {
  const Reason reason = errno == ENOENT ? Reason::NotFound : Reason::ServiceUnavailable;
  return make_error(reason, path + ": " + std::strerror(errno));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// Names in a folder, without "." and "..".
std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return names;
  while (const dirent* entry = ::readdir(folder)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(name);
  }
  ::closedir(folder);
  return names;
}

class PosixLogFiles final : public LogFiles {
 public:
  explicit PosixLogFiles(std::string folder) : folder_(std::move(folder)) {}

  Result<void> append(const LogName& name, std::string_view bytes) override {
    const std::string path = path_of(name);
    constexpr int kFlags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
    int fd = ::open(path.c_str(), kFlags, kFileMode);
    if (fd < 0 && errno == ENOENT) {
      if (::mkdir((folder_ + "/" + name.ns).c_str(), kFolderMode) != 0 && errno != EEXIST) {
        return fail(os_error(path));
      }
      fd = ::open(path.c_str(), kFlags, kFileMode);
    }
    const Descriptor file(fd);
    if (fd < 0) return fail(os_error(path));
    while (!bytes.empty()) {
      const ssize_t written = ::write(fd, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return fail(os_error(path));
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return {};
  }

  Result<std::string> read(const LogName& name, std::uint64_t offset,
                           std::size_t bytes_max) override {
    const std::string path = path_of(name);
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (file.get() < 0) return fail(os_error(path));
    std::string bytes(bytes_max, '\0');
    ssize_t count = 0;
    do {
      count = ::pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    } while (count < 0 && errno == EINTR);
    if (count < 0) return fail(os_error(path));
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
  }

  Result<std::uint64_t> size(const LogName& name) override {
    struct stat info {};
    const std::string path = path_of(name);
    if (::lstat(path.c_str(), &info) != 0) return fail(os_error(path));
    return static_cast<std::uint64_t>(info.st_size);
  }

  Result<void> truncate(const LogName& name, std::uint64_t size) override {
    const std::string path = path_of(name);
    if (::truncate(path.c_str(), static_cast<off_t>(size)) != 0) return fail(os_error(path));
    return {};
  }

  Result<std::vector<LogFileInfo>> list() override {
    std::vector<LogFileInfo> files;
    for (const std::string& ns : names_in(folder_)) {
      for (const std::string& task : names_in(folder_ + "/" + ns)) {
        struct stat info {};
        const LogName name{ns, task};
        if (::lstat(path_of(name).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
        files.push_back({name, TimePoint{std::chrono::seconds{info.st_mtim.tv_sec}}});
      }
    }
    return files;
  }

  Result<void> remove(const LogName& name) override {
    const std::string path = path_of(name);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail(os_error(path));
    ::rmdir((folder_ + "/" + name.ns).c_str());  // fails while other logs are there
    return {};
  }

 private:
  std::string path_of(const LogName& name) const {
    return folder_ + "/" + name.ns + "/" + name.task;
  }
  std::string folder_;
};

}  // namespace

std::unique_ptr<LogFiles> open_log_files(const std::string& folder) {
  return std::make_unique<PosixLogFiles>(folder);
}

}  // namespace tidelock::logs
