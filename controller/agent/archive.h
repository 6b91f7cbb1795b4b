// SPDX-License-Identifier: Apache-2.0
// Unpacks tar, tar.gz and zip archives that nobody trusts.
//
// Refused, with the entry's name: absolute paths, "..", links that leave the tree, devices and other
// special files, too many entries or bytes, a bomb's ratio. Links are made last, so nothing is ever
// written through one. Set-id bits are dropped; folders stay writable for their owner, so that what
// was unpacked can be removed. Blocking; thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "controller/base/limits.h"
#include "controller/base/result.h"

namespace tidelock::agent {

struct ArchiveLimits {
  std::uint64_t bytes_max = limits::kArchiveBytesMax;
  std::uint64_t entries_max = limits::kArchiveEntriesMax;
  std::uint64_t ratio_max = limits::kArchiveRatioMax;
  std::uint64_t ratio_free_bytes = 64 * 1024 * 1024;  // below it the ratio does not matter
};

struct ArchiveSummary {
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

// Into `directory`, which exists, is empty and is nobody else's. After an error a part is there.
Result<ArchiveSummary> unpack(const std::string& archive, const std::string& directory,
                              const ArchiveLimits& limits, const std::atomic<bool>& cancelled);

}  // namespace tidelock::agent
