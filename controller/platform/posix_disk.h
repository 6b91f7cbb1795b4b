// SPDX-License-Identifier: Apache-2.0
// The disk of the machine, by POSIX calls; see base/disk.h for the contract.
//
// A temporary file or link is `.<name>.tidelock-tmp` beside its target; a crash may leave one, the
// next write of the same target replaces it and list() does not show it. sync_tree() is one
// syncfs(): a tree of many files costs one flush of the file system instead of one per file.
#pragma once

#include <string>
#include <vector>

#include "controller/base/disk.h"

namespace tidelock::platform {

// Stateless and thread-safe, except for calls that write the same path.
class PosixDisk final : public Disk {
 public:
  Result<std::string> read_file(const std::string& path, std::size_t bytes_max) override;
  Result<void> write_file(const std::string& path, std::string_view bytes, int mode) override;
  Result<void> append_file(const std::string& path, std::string_view bytes) override;
  Result<void> truncate_file(const std::string& path, std::uint64_t size) override;
  Result<void> make_directories(const std::string& path, int mode) override;
  Result<void> make_scratch_directories(const std::string& path, int mode) override;
  Result<void> write_scratch_file(const std::string& path, std::string_view bytes,
                                  int mode) override;
  Result<void> remove_all(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> replace_symlink(const std::string& link, const std::string& target) override;
  Result<std::string> read_symlink(const std::string& path) override;
  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<DirectoryEntry>> list(const std::string& path) override;
  Result<void> sync_tree(const std::string& path) override;
};

}  // namespace tidelock::platform
