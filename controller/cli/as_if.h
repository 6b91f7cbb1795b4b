// SPDX-License-Identifier: Apache-2.0
// The objects of one namespace as they would be if manifests were applied. Nothing is written.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/cli/manifests.h"

namespace tidelock::cli {

// Reason of the Ready condition of a Target that only the manifests have: taken as reachable.
constexpr const char* kAssumed = "Assumed";

class AsIf {
 public:
  AsIf(std::string ns, TimePoint now) : ns_(std::move(ns)), now_(now) {}

  // An object as the server has it.
  void known(const std::string& kind, const nlohmann::json& object);
  // What `apply` of it would make; objects of other groups or namespaces are passed over.
  void apply(const ManifestObject& manifest);
  // The rules of validation.h for all that was applied; what is wrong, with file and field.
  Result<void> check() const;

  const std::map<std::string, nlohmann::json>& all(const std::string& kind) const;

 private:
  struct Applied {
    std::string kind, name, place;
    nlohmann::json before;  // null: made new
  };

  std::string ns_;
  TimePoint now_;
  std::map<std::string, std::map<std::string, nlohmann::json>> objects_;  // by kind and name
  std::vector<Applied> applied_;
};

}  // namespace tidelock::cli
