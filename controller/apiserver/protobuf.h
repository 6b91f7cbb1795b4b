// SPDX-License-Identifier: Apache-2.0
// Protobuf bodies of the core kinds, as kubectl, helm and controller-runtime send them: the
// `k8s\0` envelope and the messages of k8s.io/api's generated.proto. There is no encoder: answers
// are JSON.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "controller/base/result.h"

namespace tidelock::apiserver {

// The object as its JSON form, with apiVersion and kind. BadRequest for malformed bytes;
// UnsupportedMediaType (without a message) for a kind that has no message here.
Result<nlohmann::json> decode_protobuf(std::string_view body);

}  // namespace tidelock::apiserver
