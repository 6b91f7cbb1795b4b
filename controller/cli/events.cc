// SPDX-License-Identifier: Apache-2.0
#include <ostream>

#include "controller/cli/event_table.h"
#include "controller/cli/resource_arguments.h"
#include "controller/cli/text_table.h"
#include "controller/cli/verbs.h"

namespace tidelock::cli {

Result<int> events(Session& session, const EventsOptions& options) {
  std::string selector;
  if (!options.for_object.empty()) {
    auto discovery = session.discovery();
    if (!discovery) return fail(discovery.error());
    auto named = parse_named(**discovery, {options.for_object}, "");
    if (!named) return fail(named.error());
    selector = "involvedObject.kind=" + named->info->kind + ",involvedObject.name=" + named->name;
  }
  if (!options.types.empty()) {
    if (options.types != "Normal" && options.types != "Warning") {
      return usage("valid --types are Normal or Warning");
    }
    selector += (selector.empty() ? "" : ",") + ("type=" + options.types);
  }
  auto rows = fetch_events(session, options.all_namespaces ? "" : session.ns(), selector);
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    session.err() << "No events found"
                  << (options.all_namespaces ? "" : " in " + session.ns() + " namespace") << ".\n";
    return 0;
  }
  TextTable table;
  if (!options.no_headers) {
    std::vector<std::string> cells{"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"};
    if (options.all_namespaces) cells.insert(cells.begin(), "NAMESPACE");
    table.row(std::move(cells));
  }
  for (const EventRow& event : *rows) {
    std::vector<std::string> cells{event.age(session.now()), event.type, event.reason, event.object,
                                   event.message};
    if (options.all_namespaces) cells.insert(cells.begin(), event.ns);
    table.row(std::move(cells));
  }
  table.print(session.out());
  return 0;
}

}  // namespace tidelock::cli
