// SPDX-License-Identifier: Apache-2.0
// Answers that the transport itself gives: a Kubernetes Status as JSON.
#pragma once

#include <string>
#include <string_view>

#include "controller/http/message.h"

namespace tidelock::http {

// `reason` may be empty. The message is escaped.
Response status_response(int code, std::string_view reason, std::string_view message);

}  // namespace tidelock::http
