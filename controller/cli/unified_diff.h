// SPDX-License-Identifier: Apache-2.0
// Two texts as `diff -u` shows them.
#pragma once

#include <string>

namespace tidelock::cli {

// Empty when the texts are equal; else "--- from", "+++ to" and hunks with three lines of context.
std::string unified_diff(const std::string& from_name, const std::string& from,
                         const std::string& to_name, const std::string& to);

}  // namespace tidelock::cli
