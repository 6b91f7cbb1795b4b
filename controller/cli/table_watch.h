// SPDX-License-Identifier: Apache-2.0
// `get -w`: what is there, then every change as it comes, over lost connections until Ctrl-C.
#pragma once

#include "controller/cli/fetch.h"
#include "controller/cli/printer.h"

namespace tidelock::cli {

// Returns 130 when interrupted.
Result<int> watch_table(Session& session, const Unit& unit, const OutputFormat& format,
                        const TableOptions& options, bool watch_only);

}  // namespace tidelock::cli
