// SPDX-License-Identifier: Apache-2.0
// OpenAPI v3 documents: enough for `kubectl explain`, `apply`, `create` and for helm. Pure.
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/apiserver/discovery.h"

namespace tidelock::apiserver {

struct OpenApiResource {
  ResourceInfo info;
  std::shared_ptr<const nlohmann::json>
      schema;                                  // as in the CRD, or core_schema(); null = any object
  std::vector<std::string> selectable_fields;  // ".spec.color"
};

OpenApiResource open_api_resource(const ResourceType& type);

// The path of a group version below /openapi/v3: "api/v1", "apis/example.dev/v1".
std::string open_api_path(const std::string& group, const std::string& version);

// One group version's document; all resources must be of it. Compact JSON.
std::string open_api_document(const std::vector<OpenApiResource>& resources);

// All documents of a catalog, made when first asked for. Not thread-safe: build it per catalog
// generation behind a lock, or call load_all().
class OpenApi {
 public:
  explicit OpenApi(const Catalog& catalog);
  // GET /openapi/v3.
  std::string index();
  // "api/v1" → the document, null if there is none.
  const std::string* document(const std::string& path);

 private:
  std::map<std::string, std::vector<OpenApiResource>> resources_;
  std::map<std::string, std::string> documents_;
};

// The upper-case hexadecimal hash in a document's URL.
std::string open_api_hash(const std::string& document);

}  // namespace tidelock::apiserver
