// SPDX-License-Identifier: Apache-2.0
// The disk as the agent needs it: whole small files, folders, links, renames, and durability.
//
// Real in platform/, in memory with faults in tests/support/. Paths are absolute. Errors name the
// path and carry the errno text; a full disk is Reason::ServiceUnavailable with "No space left".
// Thread-safe for calls on different paths.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace tidelock {

enum class FileType { Regular, Directory, Symlink, Other };

struct FileInfo {
  FileType type = FileType::Regular;
  std::uint64_t size = 0;
};

struct DirectoryEntry {
  std::string name;
  FileType type = FileType::Regular;
};

class Disk {
 public:
  virtual ~Disk() = default;

  // Reads at most `bytes_max`; a longer file is an error. Missing = Reason::NotFound.
  virtual Result<std::string> read_file(const std::string& path, std::size_t bytes_max) = 0;
  // Temporary file beside it, fsync, rename, fsync of the folder: afterwards the file holds either
  // the old or the new bytes, whatever happens.
  virtual Result<void> write_file(const std::string& path, std::string_view bytes, int mode) = 0;
  // Appends and makes durable (fdatasync) before it returns. Creates the file. After an error or a
  // crash a part of the bytes may be there: a reader must tell a torn record from a whole one.
  virtual Result<void> append_file(const std::string& path, std::string_view bytes) = 0;
  virtual Result<void> truncate_file(const std::string& path, std::uint64_t size) = 0;
  // With all parents, durable; one that exists keeps its mode.
  virtual Result<void> make_directories(const std::string& path, int mode) = 0;
  // The same without durability: for what nobody misses after a crash of the machine.
  virtual Result<void> make_scratch_directories(const std::string& path, int mode) = 0;
  // Overwrites in place, neither atomic nor durable.
  virtual Result<void> write_scratch_file(const std::string& path, std::string_view bytes,
                                          int mode) = 0;
  // Removes a file, link or whole folder; a missing one is fine. Never follows links. Not durable:
  // after a crash of the machine it may be back, in part or whole.
  virtual Result<void> remove_all(const std::string& path) = 0;
  // Renames inside one file system and makes both folders durable (the entries, not what is below:
  // sync_tree() a new tree first). Replaces a file or an empty folder.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  // Points `link` at `target` by an atomic rename and makes the folder durable. Replaces a link or
  // a file, never a folder.
  virtual Result<void> replace_symlink(const std::string& link, const std::string& target) = 0;
  virtual Result<std::string> read_symlink(const std::string& path) = 0;
  virtual Result<FileInfo> stat(const std::string& path) = 0;  // of the link itself
  virtual Result<std::vector<DirectoryEntry>> list(const std::string& path) = 0;  // by name
  // Makes a whole tree durable: every file and folder below it.
  virtual Result<void> sync_tree(const std::string& path) = 0;
};

}  // namespace tidelock
