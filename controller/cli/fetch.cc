// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/fetch.h"

#include <utility>

#include "controller/cli/json.h"
#include "controller/cli/manifests.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

std::map<std::string, std::string> first_query(const Unit& unit, const std::string& include) {
  std::map<std::string, std::string> query;
  if (!include.empty()) query["includeObject"] = include;
  if (unit.name.empty() && unit.page_size > 0) query["limit"] = std::to_string(unit.page_size);
  return query;
}

void append(json& into, json& more, const char* name) {
  if (!more[name].is_array()) return;
  for (json& element : more[name]) into[name].push_back(std::move(element));
}

// The pages after the first.
Result<json> complete_list(Session& session, const Unit& unit, json first, const char* accept,
                           const std::string& include) {
  std::string token = text_at(member(first, "metadata"), "continue");
  while (!token.empty()) {
    auto query = first_query(unit, include);
    query["continue"] = token;
    auto page = session.get_json(unit_target(unit, query), accept);
    if (!page) return page;
    append(first, *page, "items");
    append(first, *page, "rows");
    token = text_at(member(*page, "metadata"), "continue");
  }
  return first;
}

}  // namespace

Result<std::vector<Unit>> units_of(const Session& session, const std::vector<Selection>& selections,
                                   const ListQuery& query) {
  std::vector<Unit> units;
  for (const Selection& selection : selections) {
    Unit unit{selection.info, "", "", query.label_selector, query.field_selector, query.page_size};
    const bool namespaced = selection.info->resource.namespaced;
    if (namespaced && !query.all_namespaces) unit.ns = session.ns();
    if (selection.names.empty()) {
      units.push_back(unit);
      continue;
    }
    if (namespaced && query.all_namespaces) {
      return usage("a resource cannot be retrieved by name across all namespaces");
    }
    if (!query.label_selector.empty() || !query.field_selector.empty()) {
      return usage("name cannot be provided when a selector is specified");
    }
    for (const std::string& name : selection.names) {
      unit.name = name;
      units.push_back(unit);
    }
  }
  return units;
}

Result<std::vector<Unit>> units_of_files(Session& session, const FileOptions& files) {
  auto objects = read_manifests(session.environment(), files);
  if (!objects) return fail(objects.error());
  std::vector<Unit> units;
  for (ManifestObject& object : *objects) {
    if (auto resolved = resolve_manifest(session, object); !resolved) {
      Error error = resolved.error();
      error.message = object.place() + ": " + error.message;
      return fail(std::move(error));
    }
    units.push_back({object.info, object.ns, object.name(), "", "", 0});
  }
  return units;
}

Result<std::vector<Unit>> expand_lists(Session& session, const std::vector<Unit>& units) {
  std::vector<Unit> found;
  for (const Unit& unit : units) {
    if (!unit.name.empty()) {
      found.push_back(unit);
      continue;
    }
    auto list = session.get_json(unit_target(unit, {}));
    if (!list) return fail(list.error());
    for (const json& item : elements(*list, "items")) {
      found.push_back({unit.info, namespace_of(item), name_of(item), "", "", 0});
    }
  }
  return found;
}

std::string unit_target(const Unit& unit, std::map<std::string, std::string> query) {
  if (!unit.label_selector.empty()) query["labelSelector"] = unit.label_selector;
  if (!unit.field_selector.empty()) query["fieldSelector"] = unit.field_selector;
  return client::resource_path(unit.info->resource, unit.ns, unit.name) + query_text(query);
}

std::vector<Fetched> fetch_units(Session& session, const std::vector<Unit>& units,
                                 const char* accept, const std::string& include_object) {
  std::vector<std::string> targets;
  for (const Unit& unit : units)
    targets.push_back(unit_target(unit, first_query(unit, include_object)));
  auto answers = session.get_all(targets, accept);
  std::vector<Fetched> fetched;
  for (std::size_t i = 0; i < units.size(); ++i) {
    Result<json> document =
        answers[i] ? parse_answer(*answers[i]) : Result<json>(fail(answers[i].error()));
    if (document && units[i].name.empty()) {
      document = complete_list(session, units[i], std::move(*document), accept, include_object);
    }
    fetched.push_back({units[i], std::move(document)});
  }
  return fetched;
}

}  // namespace tidelock::cli
