// SPDX-License-Identifier: Apache-2.0
// Renders the records of one log as text, from its start, in pieces. Not thread-safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "controller/logs/log_files.h"
#include "controller/logs/log_record.h"

namespace tidelock::logs {

struct ReadOptions {
  std::string step;  // empty = all
  bool timestamps = false;
  bool prefix = false;
  std::optional<std::uint64_t> tail_lines;
  std::uint64_t since_offset = 0;  // bytes of the rendered text to skip
};

class LogReader {
 public:
  LogReader(LogFiles& files, LogName name, ReadOptions options);

  // Reads records up to the byte `end` of the file and appends what they say, at most about
  // `bytes_max`. True when everything up to `end` has been read.
  Result<bool> read(std::uint64_t end, std::size_t bytes_max, std::string& out);
  // Lines that are still open, as if they ended here.
  void finish(std::string& out);

 private:
  using StreamKey = std::pair<std::string, int>;  // step, attempt

  Result<void> skip_to_tail(std::uint64_t end);
  void render(const Record& record, std::string& out);
  void emit(TimePoint time, std::string_view step, std::string_view text, std::string& out);

  LogFiles& files_;
  LogName name_;
  ReadOptions options_;
  std::uint64_t position_ = 0;  // in the file, at the start of a record
  std::string pending_;         // read from the file and not yet rendered: a part of a record
  std::uint64_t skip_lines_ = 0;
  std::map<StreamKey, std::string> open_lines_;
  TimePoint last_time_;
};

}  // namespace tidelock::logs
