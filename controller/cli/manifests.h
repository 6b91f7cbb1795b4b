// SPDX-License-Identifier: Apache-2.0
// What -f names, read whole before anything is sent: files, folders and "-" to objects that know
// where they stand.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/cli/discovery.h"
#include "controller/cli/session.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {

struct ManifestObject {
  std::string file;  // "-" is "STDIN"
  int line = 1;      // of its document
  nlohmann::json object;
  const ResourceInfo* info = nullptr;  // set by resolve_manifests()
  std::string ns;                      // empty = cluster-scoped
  std::string place() const { return file + ":" + std::to_string(line); }
  std::string name() const;
};

// Every object of every file, `kind: List` taken apart. All that is wrong (YAML, missing
// apiVersion, kind or name) goes into one Error, a line each with file and line.
Result<std::vector<ManifestObject>> read_manifests(Environment& environment,
                                                   const FileOptions& options);

// In the order in which they must be sent: namespaces, CRDs, secrets and config maps, lock groups,
// the rest as written, releases, tenant deployments.
int apply_rank(const nlohmann::json& object);
void sort_for_apply(std::vector<ManifestObject>& objects);

// Finds kind and namespace of one object. kubectl's words when there is no such kind or -n
// contradicts the manifest.
Result<void> resolve_manifest(Session& session, ManifestObject& object);

// The namespace that a plan over these objects is of: theirs, else the session's. Resolves them; an
// error when they are of several.
Result<std::string> namespace_of_plan(Session& session, std::vector<ManifestObject>& objects);

}  // namespace tidelock::cli
