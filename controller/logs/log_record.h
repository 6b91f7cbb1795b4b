// SPDX-License-Identifier: Apache-2.0
// The form of a log on disk: one record per line, so that a torn tail is seen and cut off.
//
//   <kind> <microseconds> <attempt> <step> <text>\n
// Kind: L a line, P a piece of a line that goes on in the next record of the same step and attempt,
// G a line of ours about bytes that are missing (the count is its text), C a line of ours (the log
// was cut), E the log is complete. Text holds no line feed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/base/time.h"

namespace tidelock::logs {

struct Record {
  enum class Kind : char { Line = 'L', Piece = 'P', Gap = 'G', Cut = 'C', End = 'E' };
  Kind kind = Kind::Line;
  TimePoint time;
  int attempt = 0;
  std::string_view step;  // "-" when there is none
  std::string_view text;
};

std::string to_line(const Record& record);
// `line` without its line feed; views point into it.
std::optional<Record> parse_record(std::string_view line);
// How many bytes of the step's attempt the record stands for.
std::uint64_t stream_bytes(const Record& record);

}  // namespace tidelock::logs
