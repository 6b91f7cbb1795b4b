// SPDX-License-Identifier: Apache-2.0
// What Go's encoding/json says about a malformed text; clients and their tests match on the words.
#pragma once

#include <string>
#include <string_view>

namespace tidelock::api {

// "invalid character 'n' looking for beginning of value", "unexpected end of JSON input", …; empty
// when Go's scanner has nothing to object to.
std::string go_json_error(std::string_view text);

}  // namespace tidelock::api
