// SPDX-License-Identifier: Apache-2.0
// Looks into JSON text without parsing it into a document: for stored objects on hot paths.
//
// The text must be valid JSON as our own encoder writes it (no blanks between tokens). Everything is
// a view into the text. A path that is not there gives an empty view.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace tidelock::apiserver {

// The raw value at a path of object keys: `"abc"` with quotes, `{…}`, `12`, ….
std::string_view scan_value(std::string_view json, std::initializer_list<std::string_view> path);
std::string_view scan_value(std::string_view json, const std::string& dotted_path);
// A string value without its quotes and escapes; other scalars as they are spelled; "" if absent.
std::string scan_string(std::string_view json, std::initializer_list<std::string_view> path);
// The scalar of a raw value, as above.
std::string scalar_text(std::string_view raw);
// Calls for every member of a raw object, key unescaped.
void scan_members(std::string_view object,
                  const std::function<void(const std::string& key, std::string_view value)>& visit);
// Calls for every element of a raw array.
void scan_elements(std::string_view array, const std::function<void(std::string_view)>& visit);
// metadata.labels.
std::map<std::string, std::string> scan_labels(std::string_view json);

}  // namespace tidelock::apiserver
