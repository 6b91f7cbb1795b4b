// SPDX-License-Identifier: Apache-2.0
// What a script writes to TIDELOCK_OUTPUT, and texts from scripts made fit for the API.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "controller/base/result.h"

namespace tidelock::agent {

// Lines `name=value`; blank lines are skipped, the last of two equal names counts. An error names
// the line.
Result<std::map<std::string, std::string>> parse_outputs(std::string_view text);

// Bytes that are not UTF-8 become U+FFFD; control characters other than tab become blanks.
std::string printable(std::string_view text);
// At most `bytes_max` bytes, cut between characters.
std::string shortened(std::string text, std::size_t bytes_max);

// Remembers the last line of an output that is not blank, in bounded memory.
class LastLine {
 public:
  void add(std::string_view bytes);
  std::string text() const;  // printable, short

 private:
  std::string line_;     // last complete one
  std::string current_;  // not ended yet
};

}  // namespace tidelock::agent
