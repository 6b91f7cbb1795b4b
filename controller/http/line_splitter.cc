// SPDX-License-Identifier: Apache-2.0
#include "controller/http/line_splitter.h"

#include <utility>

namespace tidelock::http {

void LineSplitter::add(std::string_view bytes, std::vector<std::string>& lines) {
  for (;;) {
    const std::size_t end = bytes.find('\n');
    rest_ += bytes.substr(0, end);
    if (end == bytes.npos) return;
    lines.push_back(std::exchange(rest_, {}));
    bytes.remove_prefix(end + 1);
  }
}

std::string LineSplitter::take_rest() { return std::exchange(rest_, {}); }

}  // namespace tidelock::http
