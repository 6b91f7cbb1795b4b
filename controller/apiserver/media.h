// SPDX-License-Identifier: Apache-2.0
// Content types: bodies in, and the form of the answer that Accept asks for.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/http/message.h"

namespace tidelock::apiserver {

// The media type of Content-Type without parameters, lower case; empty if there is none.
std::string content_type(const http::Headers& headers);

// How to write the answer.
struct Answer {
  enum class View { Object, Table, PartialMetadata };
  View view = View::Object;
  std::string table_version = "v1";  // of meta.k8s.io, for Table and PartialMetadata
  bool yaml = false;
};
// `list`: the answer is a collection, for which PartialObjectMetadata alone is not acceptable, nor
// PartialObjectMetadataList for a single object or a watch.
Result<Answer> negotiate(std::string_view accept, bool list);

// One alternative of an Accept header, best first (by q, then as listed).
struct MediaRange {
  std::string type;  // "application/json"
  std::string as, group, version;  // parameters as, g and v
};
std::vector<MediaRange> parse_accept(std::string_view accept);

Error unsupported_media_type(const std::vector<std::string>& accepted);

// The document of a JSON or YAML text. `duplicates` gets `duplicate field "spec.color"` entries.
// Errors are in the words of a JSON parser and start nowhere: the caller says what was decoded.
Result<nlohmann::json> decode_text(std::string_view text, bool yaml,
                                   std::vector<std::string>& duplicates);

}  // namespace tidelock::apiserver
