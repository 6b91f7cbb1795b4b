// SPDX-License-Identifier: Apache-2.0
// Errors in kubectl's words.
#pragma once

#include <string>

#include "controller/base/error.h"

namespace tidelock::cli {

// What kubectl prints for this error, without a trailing newline:
//   Error from server (NotFound): tenants.tidelock.dev "x" not found
//   The Project "x" is invalid: spec.steps: Required value        (several causes: one "* " line
//   each) The connection to the server 127.0.0.1:6443 was refused - did you specify the right host
//   or port? error: …                                                      (Error::code kLocal)
std::string error_text(const Error& error);

}  // namespace tidelock::cli
