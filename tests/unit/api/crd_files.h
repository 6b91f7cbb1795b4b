// SPDX-License-Identifier: Apache-2.0
// The CRDs of crd/ and a way to walk their schemas.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tidelock::api::test {

using nlohmann::json;

// crd/<plural>.yaml.
json read_crd(const std::string& plural);
const json& schema_of(const json& crd);  // openAPIV3Schema of its only version

// A field below spec or status: keys, with "[]" for the items of a list and "{}" for map values.
using SchemaPath = std::vector<std::string>;
std::string to_text(const SchemaPath& path);
// Calls for spec, status and every schema below them, parents first.
void walk_schema(const json& schema,
                 const std::function<void(const SchemaPath&, const json& schema)>& visit);
// Calls with each object that holds the path's last key, in every item of every list on the way.
void for_each_holder(json& document, const SchemaPath& path,
                     const std::function<void(json& holder, const std::string& key)>& visit);

}  // namespace tidelock::api::test
