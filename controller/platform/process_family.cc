// SPDX-License-Identifier: Apache-2.0
#include "controller/platform/process_family.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/platform/os_error.h"

namespace tidelock::platform {
namespace {

constexpr int kRoundsMax = 8;

struct FileId {
  dev_t device;
  ino_t inode;
};

// What /proc/<pid>/stat says; `born` (in clock ticks since boot) tells a reused pid apart.
struct ProcessStat {
  char state = '?';
  pid_t parent = 0;
  unsigned long long born = 0;
};

using Directory = std::unique_ptr<DIR, int (*)(DIR*)>;

Directory open_directory(const std::string& path) {
  return Directory(::opendir(path.c_str()), ::closedir);
}

std::optional<pid_t> number(std::string_view text) {
  pid_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string read_small(const std::string& path) {
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 4096> block;
  const ssize_t got = file ? ::read(file.get(), block.data(), block.size()) : -1;
  return got > 0 ? std::string(block.data(), static_cast<std::size_t>(got)) : std::string();
}

std::optional<ProcessStat> read_stat(pid_t pid) {
  const std::string text = read_small("/proc/" + std::to_string(pid) + "/stat");
  // The name of the program stands in parentheses and may itself hold any byte.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return std::nullopt;
  ProcessStat stat;
  const int read = std::sscanf(text.c_str() + name_end + 1,
                               " %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
                               "%*d %*d %*d %llu",
                               &stat.state, &stat.parent, &stat.born);
  return read == 3 ? std::optional(stat) : std::nullopt;
}

// Having the file open is not enough: a backup may read it. The description must hold the lock.
bool holds_lock(pid_t pid, const FileId& file) {
  const std::string base = "/proc/" + std::to_string(pid);
  const Directory folder = open_directory(base + "/fd");
  if (folder == nullptr) return false;
  while (const dirent* entry = ::readdir(folder.get())) {
    struct stat info {};
    if (!number(entry->d_name) || ::fstatat(::dirfd(folder.get()), entry->d_name, &info, 0) != 0 ||
        info.st_ino != file.inode || info.st_dev != file.device) {
      continue;
    }
    if (read_small(base + "/fdinfo/" + entry->d_name).find("FLOCK") != std::string::npos) {
      return true;
    }
  }
  return false;
}

// A zombie has no descriptors and no future.
std::map<pid_t, ProcessStat> living_processes() {
  std::map<pid_t, ProcessStat> living;
  const Directory folder = open_directory("/proc");
  if (folder == nullptr) return living;
  while (const dirent* entry = ::readdir(folder.get())) {
    const auto pid = number(entry->d_name);
    const auto stat = pid ? read_stat(*pid) : std::nullopt;
    if (stat && stat->state != 'Z' && stat->state != 'X') living.emplace(*pid, *stat);
  }
  return living;
}

bool descends_from(pid_t pid, pid_t root, const std::map<pid_t, ProcessStat>& living) {
  // The chain is a snapshot of a moving thing: a bound instead of trust that it has no circle.
  for (std::size_t hop = 0; hop <= living.size(); ++hop) {
    if (pid == root) return true;
    const auto found = living.find(pid);
    if (found == living.end() || found->second.parent <= 1) return false;
    pid = found->second.parent;
  }
  return false;
}

// The pid may have been given to another process since it was looked at: opened first, compared
// then, killed through the descriptor.
bool kill_exactly(pid_t pid, const ProcessStat& seen) {
  const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!process) return false;
  const auto now = read_stat(pid);
  if (!now || now->born != seen.born) return false;
  return ::syscall(SYS_pidfd_send_signal, process.get(), SIGKILL, nullptr, 0) == 0;
}

}  // namespace

Result<UniqueFd> take_lock(const std::string& lock_file) {
  UniqueFd file(::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail(os_error(errno, lock_file));
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return file;
  if (errno == EWOULDBLOCK) {
    return fail(Reason::Conflict, lock_file + ": held by an earlier process");
  }
  return fail(os_error(errno, lock_file));
}

Liveness probe_lock(const std::string& lock_file) {
  const UniqueFd file(::open(lock_file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) return errno == ENOENT ? Liveness::Dead : Liveness::Unknown;
  // Shared: it meets the exclusive lock of a family, but not another probe.
  if (::flock(file.get(), LOCK_SH | LOCK_NB) == 0) return Liveness::Dead;
  return errno == EWOULDBLOCK ? Liveness::Alive : Liveness::Unknown;
}

void kill_family(const std::string& lock_file, pid_t root) {
  struct stat info {};
  const bool has_file = ::lstat(lock_file.c_str(), &info) == 0;
  const FileId file{info.st_dev, info.st_ino};
  // Who was not of the family in one round cannot join it later; only the newly born can be.
  std::set<std::pair<pid_t, unsigned long long>> seen;
  for (int round = 0; round < kRoundsMax; ++round) {
    bool found = false;
    const auto living = living_processes();
    for (const auto& [pid, stat] : living) {
      if (pid == ::getpid() || !seen.emplace(pid, stat.born).second) continue;
      if (!(root != 0 && descends_from(pid, root, living)) &&
          !(has_file && holds_lock(pid, file))) {
        continue;
      }
      if (kill_exactly(pid, stat)) found = true;
    }
    if (!found) return;
  }
}

}  // namespace tidelock::platform
