// SPDX-License-Identifier: Apache-2.0
// Finds members of a JSON text without building a document: lists and watch lines are cut into
// objects this way, so that each object is parsed once, by its typed decoder.
//
// Lenient: the pieces are checked when they are decoded. Malformed text finds nothing. Nesting does
// not recurse.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidelock::client {

// The value text of the top-level member; empty if absent or `object` is no object.
std::string_view json_member(std::string_view object, std::string_view name);
// The element texts of an array; empty for anything else.
std::vector<std::string_view> json_elements(std::string_view array);
// The content of a string value; empty for anything else.
std::string json_string(std::string_view value);

}  // namespace tidelock::client
