// SPDX-License-Identifier: Apache-2.0
// Reading JSON that somebody else wrote: what is absent or of another type is empty, never a throw.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace tidelock::cli {

// The member, or null.
const nlohmann::json& member(const nlohmann::json& object, const char* name);
// The string at `name`; empty for anything else.
std::string text_at(const nlohmann::json& object, const char* name);
// The integer at `name`; `otherwise` for anything else.
std::int64_t integer_at(const nlohmann::json& object, const char* name, std::int64_t otherwise = 0);
// The array at `name`; an empty one for anything else.
const nlohmann::json& elements(const nlohmann::json& object, const char* name);
// metadata.name, metadata.namespace
std::string name_of(const nlohmann::json& object);
std::string namespace_of(const nlohmann::json& object);

// Without metadata.managedFields, which nobody wants to read.
void strip_managed_fields(nlohmann::json& object);

}  // namespace tidelock::cli
