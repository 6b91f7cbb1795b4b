// SPDX-License-Identifier: Apache-2.0
// Structural schemas: a CRD's openAPIV3Schema compiled once into flat nodes with ready patterns.
//
// A Schema is a cheap handle to an immutable program; copies share it, threads may too. All
// functions expect documents no deeper than limits::kJsonDepthMax, as parse_json() gives them.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"

namespace tidelock::apiserver {

struct SchemaProgram;

class Schema {
 public:
  // Refuses what is not structural, with one cause per fault and fields below `field_path`
  // ("spec.versions[0].schema.openAPIV3Schema"). Reason::Invalid.
  static Result<Schema> compile(const nlohmann::json& open_api_v3_schema,
                                std::string_view field_path = {});

  // Removes what the schema does not name and appends the paths ("spec.bogus", "spec.ports[0].x")
  // to `unknown` unless it is null. apiVersion, kind and metadata of the root and of embedded
  // resources stay whatever the schema says.
  void prune(nlohmann::json& object, std::vector<std::string>* unknown = nullptr) const;

  // Drops nulls that the schema does not allow (or puts the default in their place), then fills in
  // defaults, also inside list items and maps, but never below an object that is absent.
  void apply_defaults(nlohmann::json& object) const;

  // All faults in Kubernetes' words, with ratcheting against `old` unless it is null: parts that
  // did not change are not complained about. metadata is checked only as far as the schema
  // restricts it; embedded resources must name apiVersion and kind.
  std::vector<Cause> validate(const nlohmann::json& object,
                              const nlohmann::json* old = nullptr) const;

  // Stores 5.0 as 5, everywhere: that is how Go writes such numbers.
  void normalize_numbers(nlohmann::json& object) const;

  // The document it was compiled from.
  const nlohmann::json& source() const;

 private:
  explicit Schema(std::shared_ptr<const SchemaProgram> program) : program_(std::move(program)) {}
  std::shared_ptr<const SchemaProgram> program_;
};

}  // namespace tidelock::apiserver
