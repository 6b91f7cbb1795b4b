// SPDX-License-Identifier: Apache-2.0
// Bytes in, lines out. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidelock::http {

class LineSplitter {
 public:
  // Appends to `lines` what has become complete, without '\n'.
  void add(std::string_view bytes, std::vector<std::string>& lines);
  // The bytes after the last '\n'; empty afterwards.
  std::string take_rest();

 private:
  std::string rest_;
};

}  // namespace tidelock::http
