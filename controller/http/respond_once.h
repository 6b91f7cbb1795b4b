// SPDX-License-Identifier: Apache-2.0
// A Respond that keeps a handler's promise for it: dropped without a call, it answers 500; a second
// call is ignored. So a forgetful handler costs an error, not a connection that hangs.
#pragma once

#include "controller/http/message.h"

namespace tidelock::http {

Respond respond_once(Respond respond);

}  // namespace tidelock::http
