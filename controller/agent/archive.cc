// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace tidelock::agent {
namespace {

constexpr std::size_t kReadBlock = 64 * 1024;
constexpr std::size_t kPathBytesMax = 4096;

using Reader = std::unique_ptr<archive, int (*)(archive*)>;

struct File {
  explicit File(int descriptor) : fd(descriptor) {}
  ~File() {
    if (fd >= 0) ::close(fd);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd;
};

// Parts of a path without empty ones and "."; nullopt if it leaves the tree.
std::optional<std::vector<std::string>> parts_of(std::string_view path) {
  if (path.starts_with('/') || path.find('\0') != std::string_view::npos) return std::nullopt;
  std::vector<std::string> parts;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part == "..") return std::nullopt;
    if (!part.empty() && part != ".") parts.emplace_back(part);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return parts;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string path;
  for (const std::string& part : parts) path += (path.empty() ? "" : "/") + part;
  return path;
}

// ".." only at the start, and not more of them than the link's folder is deep: a folder in the tree
// is a real one, so the target is inside whatever other links its later parts go through.
bool stays_inside(std::string_view target, std::size_t depth) {
  if (target.empty() || target.starts_with('/')) return false;
  bool leading = true;
  while (!target.empty()) {
    const std::size_t slash = target.find('/');
    const std::string_view part = target.substr(0, slash);
    if (part == "..") {
      if (!leading || depth == 0) return false;
      --depth;
    } else if (!part.empty() && part != ".") {
      leading = false;
    }
    target.remove_prefix(slash == std::string_view::npos ? target.size() : slash + 1);
  }
  return true;
}

class Unpacker {
 public:
  Unpacker(std::string archive_path, std::string directory, const ArchiveLimits& limits,
           const std::atomic<bool>& cancelled)
      : archive_path_(std::move(archive_path)),
        directory_(std::move(directory)),
        limits_(limits),
        cancelled_(cancelled) {}

  Result<ArchiveSummary> run() {
    struct stat info {};
    if (::stat(archive_path_.c_str(), &info) != 0) return system_error(archive_path_);
    packed_bytes_ = static_cast<std::uint64_t>(info.st_size);
    if (auto opened = open(); !opened) return fail(opened.error());
    archive_entry* entry = nullptr;
    while (true) {
      const int code = archive_read_next_header(reader_.get(), &entry);
      if (code == ARCHIVE_EOF) break;
      if (code != ARCHIVE_OK && code != ARCHIVE_WARN) return broken();
      if (auto done = take(entry); !done) return fail(done.error());
    }
    if (auto linked = make_links(); !linked) return fail(linked.error());
    return summary_;
  }

 private:
  tl::unexpected<Error> system_error(const std::string& what) const {
    const int number = errno;
    const bool full = number == ENOSPC || number == EDQUOT;
    return fail(full ? Reason::ServiceUnavailable : Reason::InternalError,
                what + ": " + std::strerror(number));
  }
  tl::unexpected<Error> broken() const {
    const char* text = archive_error_string(reader_.get());
    return fail(Reason::Invalid, std::string("archive is damaged or of an unknown format: ") +
                                     (text == nullptr ? "no details" : text));
  }
  tl::unexpected<Error> refused(const std::string& why) const {
    return fail(Reason::Invalid, "archive entry \"" + name_ + "\": " + why);
  }
  std::string path_of(const std::vector<std::string>& parts) const {
    return directory_ + "/" + joined(parts);
  }

  Result<void> open() {
    archive_read_support_filter_gzip(reader_.get());
    archive_read_support_filter_none(reader_.get());
    archive_read_support_format_tar(reader_.get());
    archive_read_support_format_zip(reader_.get());
    if (archive_read_open_filename(reader_.get(), archive_path_.c_str(), kReadBlock) != ARCHIVE_OK) {
      return broken();
    }
    return {};
  }

  Result<void> take(archive_entry* entry) {
    if (cancelled_) return fail(Reason::Timeout, "unpacking was cancelled");
    const char* name = archive_entry_pathname(entry);
    name_ = name == nullptr ? "" : name;
    if (++summary_.entries > limits_.entries_max) {
      return refused("more than " + std::to_string(limits_.entries_max) + " entries");
    }
    if (name_.size() > kPathBytesMax) return refused("its path is too long");
    const auto parts = parts_of(name_);
    if (!parts) return refused("its path leaves the folder");
    if (const char* target = archive_entry_hardlink(entry)) return hard_link(*parts, target);
    switch (archive_entry_filetype(entry)) {
      case AE_IFDIR: return make_folders(*parts);
      case AE_IFREG: return write_file(*parts, entry);
      case AE_IFLNK: return remember_link(*parts, archive_entry_symlink(entry));
      default: return refused("devices and other special files are not allowed");
    }
  }

  Result<void> make_folders(const std::vector<std::string>& parts) {
    std::vector<std::string> above;
    for (const std::string& part : parts) {
      above.push_back(part);
      const std::string path = path_of(above);
      if (::mkdir(path.c_str(), 0755) == 0) continue;
      if (errno != EEXIST) return system_error(joined(above));
      struct stat info {};
      if (::lstat(path.c_str(), &info) != 0) return system_error(joined(above));
      if (!S_ISDIR(info.st_mode)) return refused("\"" + joined(above) + "\" is no folder");
    }
    return {};
  }

  // Folders above it, and nothing at its own place.
  Result<std::string> free_place(const std::vector<std::string>& parts) {
    if (parts.empty()) return refused("it has no name");
    auto made = make_folders({parts.begin(), parts.end() - 1});
    if (!made) return fail(made.error());
    const std::string path = path_of(parts);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
      return refused("there is a folder of that name");
    }
    return path;
  }

  Result<void> write_file(const std::vector<std::string>& parts, archive_entry* entry) {
    const auto path = free_place(parts);
    if (!path) return fail(path.error());
    links_.erase(joined(parts));
    const File file(::open(path->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (file.fd < 0) return system_error(name_);
    std::int64_t end = 0;
    while (true) {
      const void* block = nullptr;
      std::size_t size = 0;
      la_int64_t offset = 0;
      const int code = archive_read_data_block(reader_.get(), &block, &size, &offset);
      if (code == ARCHIVE_EOF) break;
      if (code != ARCHIVE_OK) return broken();
      if (cancelled_) return fail(Reason::Timeout, "unpacking was cancelled");
      const std::int64_t after = offset + static_cast<std::int64_t>(size);
      if (offset < end) return refused("its blocks are not in order");
      if (auto counted = count(static_cast<std::uint64_t>(after - end)); !counted) return counted;
      end = after;
      if (auto done = write_block(file.fd, block, size, offset); !done) return done;
    }
    if (auto done = extend(file.fd, entry, end); !done) return done;
    // Its owner can read and write it, nobody else can write it; no set-id or sticky bits.
    const mode_t mode = (archive_entry_mode(entry) & 0755) | 0600;
    if (::fchmod(file.fd, mode) != 0) return system_error(name_);
    return {};
  }

  Result<void> write_block(int fd, const void* block, std::size_t size, std::int64_t offset) {
    const char* bytes = static_cast<const char*>(block);
    while (size > 0) {
      const ssize_t written = ::pwrite(fd, bytes, size, offset);
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return system_error(name_);
      bytes += written;
      size -= static_cast<std::size_t>(written);
      offset += written;
    }
    return {};
  }

  // A sparse file may end in a hole.
  Result<void> extend(int fd, archive_entry* entry, std::int64_t end) {
    if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) <= end) return {};
    const std::int64_t size = archive_entry_size(entry);
    if (auto counted = count(static_cast<std::uint64_t>(size - end)); !counted) return counted;
    if (::ftruncate(fd, size) != 0) return system_error(name_);
    return {};
  }

  Result<void> count(std::uint64_t bytes) {
    summary_.bytes += bytes;
    if (summary_.bytes > limits_.bytes_max) {
      return refused("more than " + std::to_string(limits_.bytes_max) + " bytes in the archive");
    }
    if (summary_.bytes > limits_.ratio_free_bytes &&
        summary_.bytes / std::max<std::uint64_t>(packed_bytes_, 1) > limits_.ratio_max) {
      return refused("the archive unpacks to more than " + std::to_string(limits_.ratio_max) +
                     " times its size");
    }
    return {};
  }

  Result<void> hard_link(const std::vector<std::string>& parts, const char* target) {
    const auto from = parts_of(target);
    if (!from || from->empty()) return refused("link points outside: \"" + std::string(target) + "\"");
    const auto path = free_place(parts);
    if (!path) return fail(path.error());
    struct stat info {};
    const std::string source = path_of(*from);
    if (::lstat(source.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) {
      return refused("links to \"" + std::string(target) + "\", which is no file before it");
    }
    if (::link(source.c_str(), path->c_str()) != 0) return system_error(name_);
    return {};
  }

  Result<void> remember_link(const std::vector<std::string>& parts, const char* target) {
    if (parts.empty()) return refused("it has no name");
    const std::string text = target == nullptr ? "" : target;
    if (!stays_inside(text, parts.size() - 1)) return refused("link points outside: \"" + text + "\"");
    if (auto made = make_folders({parts.begin(), parts.end() - 1}); !made) return made;
    links_[joined(parts)] = text;
    return {};
  }

  // Nothing is written any more, so nothing can be written through them.
  Result<void> make_links() {
    for (const auto& [name, target] : links_) {
      name_ = name;
      const auto path = free_place(*parts_of(name));
      if (!path) return fail(path.error());
      if (::symlink(target.c_str(), path->c_str()) != 0) return system_error(name);
    }
    return {};
  }

  const std::string archive_path_;
  const std::string directory_;
  const ArchiveLimits& limits_;
  const std::atomic<bool>& cancelled_;
  Reader reader_{archive_read_new(), archive_read_free};
  std::uint64_t packed_bytes_ = 0;
  ArchiveSummary summary_;
  std::string name_;                          // of the entry at hand
  std::map<std::string, std::string> links_;  // to be made
};

}  // namespace

Result<ArchiveSummary> unpack(const std::string& archive, const std::string& directory,
                              const ArchiveLimits& limits, const std::atomic<bool>& cancelled) {
  return Unpacker(archive, directory, limits, cancelled).run();
}

}  // namespace tidelock::agent
