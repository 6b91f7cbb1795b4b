// SPDX-License-Identifier: Apache-2.0
// Everything between a decoded document and the bytes that are stored: header and metadata checks,
// pruning, defaults, generation, status rules, stamps, validation.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/context.h"
#include "controller/apiserver/request_options.h"
#include "controller/apiserver/write_operation.h"
#include "controller/base/result.h"

namespace tidelock::apiserver {

// One request's part in it.
struct Admission {
  Context& context;
  const ResourceType& type;
  const User& user;
  std::string ns;
  std::string name;         // of the URL; empty for a create
  std::string subresource;  // "", "status" or "finalize"
  FieldValidation field_validation = FieldValidation::Warn;
  bool is_patch = false;
  std::vector<std::string> notes;     // what the decoder found: `duplicate field "spec.x"`
  std::vector<std::string> warnings;  // out
};

// The kind and version that the body claims. Absent ones are fine for core kinds.
Result<void> check_type_of_body(const ResourceType& type, nlohmann::json& document);

// The new object's bytes.
Result<std::string> admit_create(Admission& admission, nlohmann::json document);

// The change that turns the stored object (`old`, with its resourceVersion) into `document`, whose
// resourceVersion has been checked already. Removing the last finalizer of an object that is being
// deleted gives Remove.
Result<Change> admit_update(Admission& admission, nlohmann::json document,
                            const nlohmann::json& old);

}  // namespace tidelock::apiserver
