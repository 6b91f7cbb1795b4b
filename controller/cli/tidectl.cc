// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/tidectl.h"

#include <ostream>

#include "controller/cli/commands.h"
#include "controller/cli/errors.h"

namespace tidelock::cli {

int run(const std::vector<std::string>& arguments, Environment& environment) {
  const Command command = parse_command(arguments, environment);
  if (command.help) {
    *environment.out << *command.help;
    return 0;
  }
  if (command.mistake) {
    *environment.err << "error: " << *command.mistake << "\n";
    return 1;
  }
  const Result<int> code = command.execute();
  environment.out->flush();
  if (code) return *code;
  *environment.err << error_text(code.error()) << "\n";
  return 1;
}

}  // namespace tidelock::cli
