// SPDX-License-Identifier: Apache-2.0
// The components that all OpenAPI documents share: metadata, Status, DeleteOptions. Internal to
// openapi*.cc.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tidelock::apiserver {

inline constexpr const char* kMetaTypes = "io.k8s.apimachinery.pkg.apis.meta.v1.";

// Name → schema.
const nlohmann::json& meta_components();
// {"$ref":"#/components/schemas/<name>"}.
nlohmann::json reference_to(const std::string& component);
// The properties that every kind has, with their texts.
nlohmann::json api_version_property();
nlohmann::json kind_property();

}  // namespace tidelock::apiserver
