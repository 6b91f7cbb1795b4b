// SPDX-License-Identifier: Apache-2.0
// Reading what was named: each unit is one object or one list; all are asked for at once.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/cli/discovery.h"
#include "controller/cli/resource_arguments.h"
#include "controller/cli/session.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {

struct Unit {
  const ResourceInfo* info = nullptr;
  std::string ns;    // empty = all namespaces, or cluster-scoped
  std::string name;  // empty = the list
  std::string label_selector;
  std::string field_selector;
  int page_size = 0;
};

struct ListQuery {
  std::string label_selector;
  std::string field_selector;
  bool all_namespaces = false;
  int page_size = 500;
};

Result<std::vector<Unit>> units_of(const Session& session, const std::vector<Selection>& selections,
                                   const ListQuery& query);
Result<std::vector<Unit>> units_of_files(Session& session, const FileOptions& files);

// Lists become the objects that they hold now.
Result<std::vector<Unit>> expand_lists(Session& session, const std::vector<Unit>& units);

// The path and query that read the unit.
std::string unit_target(const Unit& unit, std::map<std::string, std::string> query);

struct Fetched {
  Unit unit;
  Result<nlohmann::json> document;  // of a list: all its pages in one
};
// `include_object` is the Table option; empty = the server's default.
std::vector<Fetched> fetch_units(Session& session, const std::vector<Unit>& units,
                                 const char* accept, const std::string& include_object = {});

}  // namespace tidelock::cli
