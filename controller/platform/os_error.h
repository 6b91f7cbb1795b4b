// SPDX-License-Identifier: Apache-2.0
// errno as an Error: "<what>: <text of errno>" with the reason that fits.
#pragma once

#include <string>

#include "controller/base/error.h"

namespace tidelock::platform {

// A full disk or a full table is ServiceUnavailable: it can pass.
Error os_error(int error_number, const std::string& what);

}  // namespace tidelock::platform
