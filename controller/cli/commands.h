// SPDX-License-Identifier: Apache-2.0
// The command line: which verbs, flags and examples there are. CLI11 stays in commands.cc.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "controller/cli/session.h"
#include "controller/cli/tidectl.h"

namespace tidelock::cli {

// What the arguments ask for: exactly one of the three.
struct Command {
  std::optional<std::string> help;     // to be printed, exit 0
  std::optional<std::string> mistake;  // to be printed as an error, exit 1
  std::function<Result<int>()> execute;
};
Command parse_command(const std::vector<std::string>& arguments, Environment& environment);

}  // namespace tidelock::cli
