// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <ostream>

#include "controller/cli/discovery.h"
#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {
namespace {

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

bool wanted(const ResourceInfo& info, const ApiResourcesOptions& options) {
  if (options.group_given && info.resource.group != options.group) return false;
  if (options.namespaced == "true") return info.resource.namespaced;
  if (options.namespaced == "false") return !info.resource.namespaced;
  return true;
}

}  // namespace

Result<int> api_resources(Session& session, const ApiResourcesOptions& options) {
  auto discovery = session.discovery();
  if (!discovery) return fail(discovery.error());
  if (!options.output.empty() && options.output != "wide" && options.output != "name") {
    return usage("--output " + options.output + " is not available; want wide or name");
  }
  std::vector<const ResourceInfo*> found;
  for (const ResourceInfo& info : (*discovery)->all()) {
    if (wanted(info, options)) found.push_back(&info);
  }
  std::stable_sort(found.begin(), found.end(), [](const ResourceInfo* a, const ResourceInfo* b) {
    return std::pair(a->resource.group, a->resource.plural) <
           std::pair(b->resource.group, b->resource.plural);
  });
  TextTable table;
  const bool wide = options.output == "wide";
  if (!options.no_headers && options.output != "name") {
    std::vector<std::string> cells{"NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND"};
    if (wide) cells.insert(cells.end(), {"VERBS", "CATEGORIES"});
    table.row(std::move(cells));
  }
  for (const ResourceInfo* info : found) {
    if (options.output == "name") {
      table.row({info->qualified()});
      continue;
    }
    std::vector<std::string> cells{info->resource.plural, joined(info->short_names),
                                   info->api_version(),
                                   info->resource.namespaced ? "true" : "false", info->kind};
    if (wide) cells.insert(cells.end(), {joined(info->verbs), joined(info->categories)});
    table.row(std::move(cells));
  }
  table.print(session.out());
  return 0;
}

}  // namespace tidelock::cli
