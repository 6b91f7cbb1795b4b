// SPDX-License-Identifier: Apache-2.0
// metadata of objects: what clients may say in it, what the server keeps and sets.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/resource_type.h"
#include "controller/base/random.h"
#include "controller/base/result.h"
#include "controller/base/time.h"

namespace tidelock::apiserver {

// Brings metadata into the form that is stored: known fields with the right types, no nulls, no
// empty containers, no managedFields or selfLink. Unknown fields are reported in `unknown` as paths
// and dropped. BadRequest for a wrong type. An absent metadata becomes an empty object.
Result<void> clean_metadata(const ResourceType& type, nlohmann::json& document,
                            std::vector<std::string>& unknown);

// Names, labels, annotations, finalizers, owner references.
std::vector<Cause> validate_metadata(const ResourceType& type, const nlohmann::json& metadata);

// Name and namespace of the body against those of the URL; missing ones are filled in.
Result<void> match_url(const ResourceType& type, nlohmann::json& document, const std::string& ns,
                       const std::string& name);

// uid, creationTimestamp, generation, of a new object; drops what clients may not set.
void set_creation_metadata(const ResourceType& type, nlohmann::json& metadata, Random& random,
                           TimePoint now);
// The name for a generateName.
std::string generated_name(const std::string& prefix, Random& random);

// Gives an update the fields that only the server writes, from the stored object.
void keep_server_metadata(nlohmann::json& metadata, const nlohmann::json& old_metadata);

// Helpers over metadata documents.
std::string metadata_text(const nlohmann::json& metadata, const char* field);
bool is_deleting(const nlohmann::json& metadata);
bool has_finalizer(const nlohmann::json& metadata, const std::string& name);
bool has_finalizers(const nlohmann::json& metadata);
void add_finalizer(nlohmann::json& metadata, const std::string& name);
void remove_finalizer(nlohmann::json& metadata, const std::string& name);
// deletionTimestamp, deletionGracePeriodSeconds, generation + 1.
void mark_deleting(const ResourceType& type, nlohmann::json& metadata, TimePoint now);

}  // namespace tidelock::apiserver
