// SPDX-License-Identifier: Apache-2.0
// The files behind the log service: appended to without fsync, read in pieces.
//
// A log is worth less than the disk's time: after a power cut its tail may be missing, and the
// service says so where it was. Thread-safe for calls on different files, and for reads beside an append.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"

namespace tidelock::logs {

// Both parts are checked names: neither empty, nor "..", nor with a slash.
struct LogName {
  std::string ns;
  std::string task;
  auto operator<=>(const LogName&) const = default;
};

struct LogFileInfo {
  LogName name;
  TimePoint modified;
};

class LogFiles {
 public:
  virtual ~LogFiles() = default;
  // All of `bytes` or an error; creates the file. After an error a part may be there.
  virtual Result<void> append(const LogName& name, std::string_view bytes) = 0;
  // At most `bytes_max` from `offset` on; empty at the end. Missing = Reason::NotFound.
  virtual Result<std::string> read(const LogName& name, std::uint64_t offset,
                                   std::size_t bytes_max) = 0;
  virtual Result<std::uint64_t> size(const LogName& name) = 0;
  virtual Result<void> truncate(const LogName& name, std::uint64_t size) = 0;
  virtual Result<std::vector<LogFileInfo>> list() = 0;
  virtual Result<void> remove(const LogName& name) = 0;  // a missing one is fine
};

// <folder>/<namespace>/<task>, readable by the owner only. Links are not followed.
std::unique_ptr<LogFiles> open_log_files(const std::string& folder);

}  // namespace tidelock::logs
