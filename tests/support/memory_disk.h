// SPDX-License-Identifier: Apache-2.0
// A Disk in memory that can be full, fail at a chosen operation, and lose what was not synced.
//
// Every node has two states, live and durable: file bytes become durable by a sync of the file,
// entries of a folder by a sync of that folder. crash() makes durable the only state. Models POSIX
// file systems at their most forgetful. Thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "controller/base/disk.h"

namespace tidelock::testing {

class MemoryDisk final : public Disk {
 public:
  enum class Fault {
    Error,     // "Input/output error", no effect
    DiskFull,  // "No space left on device", no effect
    Torn,      // like Error, but an append leaves half of its bytes behind, durable
  };

  MemoryDisk();
  ~MemoryDisk() override;

  // --- test side ---
  // Bytes of all files together; an operation that would exceed it finds the disk full.
  void set_quota(std::uint64_t bytes);
  std::uint64_t bytes_used() const;
  // The n-th operation from now (1 = the next) fails; persistent: and all after it, until heal() or
  // crash().
  void fail_at(std::uint64_t n, Fault fault = Fault::Error, bool persistent = false);
  void heal();
  std::uint64_t operations() const;  // of the Disk interface, since construction
  // The machine loses power: what was not made durable is gone. Faults are healed.
  void crash();
  // What a program that is not ours (or a library) leaves behind: a file, with its folders, of
  // which nothing is durable before sync_tree().
  void write_unsynced(const std::string& path, std::string_view bytes);

  // --- Disk ---
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

 private:
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  // A name in a folder that exists; node is null when there is no such entry.
  struct Place {
    NodePtr folder;
    std::string name;
    NodePtr node;
  };

  // Links in the middle are followed, the last one only if asked.
  Result<Place> find(const std::string& path, bool follow_last) const;
  Result<NodePtr> find_existing(const std::string& path, bool follow_last) const;
  Result<void> make_folders(const std::string& path, bool durable);
  Result<void> put_file(const Place& place, const std::string& path, std::string_view bytes);
  Result<void> check_space(std::uint64_t freed, std::uint64_t taken, const std::string& path) const;
  // Counts one operation; the fault when it is its turn.
  std::optional<Fault> begin();
  static Error fault_error(Fault fault, const std::string& path);

  mutable std::mutex mutex_;  // guards all below
  NodePtr root_;
  std::uint64_t quota_ = UINT64_MAX;
  std::uint64_t operations_ = 0;
  std::uint64_t fail_from_ = UINT64_MAX;
  Fault fault_ = Fault::Error;
  bool persistent_ = false;
};

}  // namespace tidelock::testing
