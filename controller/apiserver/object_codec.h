// SPDX-License-Identifier: Apache-2.0
// How objects lie in the store, and how their resourceVersion gets into an answer without parsing.
//
// Stored: compact JSON that starts {"apiVersion":…,"kind":…,"metadata":{… and has no
// resourceVersion, for that is the store's revision of the key. Other keys follow in order. The same
// document always gives the same bytes, so equal bytes mean an unchanged object.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "controller/apiserver/resource_type.h"
#include "controller/store/store.h"

namespace tidelock::apiserver {

// The document must be an object with a non-empty metadata. Drops metadata.resourceVersion.
std::string encode_stored(const ResourceType& type, const nlohmann::json& document);

// Appends the object as `type`'s version shows it, with its resourceVersion (0 = without one).
void append_object(std::string& out, const ResourceType& type, std::string_view stored,
                   store::Revision revision);
std::string object_text(const ResourceType& type, std::string_view stored, store::Revision revision);
// The same as a document: apiVersion of `type`, resourceVersion set.
nlohmann::json object_json(const ResourceType& type, std::string_view stored,
                           store::Revision revision);

// The value of metadata, raw.
std::string_view stored_metadata(std::string_view stored);

}  // namespace tidelock::apiserver
