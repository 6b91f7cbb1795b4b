// SPDX-License-Identifier: Apache-2.0
#include "controller/cli/event_table.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "controller/cli/human.h"
#include "controller/cli/json.h"

namespace tidelock::cli {
namespace {

using nlohmann::json;

std::string first_of(std::initializer_list<std::string> texts) {
  for (const std::string& text : texts) {
    if (!text.empty()) return text;
  }
  return {};
}

EventRow row_of(const json& event) {
  const json& involved = member(event, "involvedObject");
  std::string kind = text_at(involved, "kind");
  std::transform(kind.begin(), kind.end(), kind.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  EventRow row;
  row.ns = namespace_of(event);
  row.type = text_at(event, "type");
  row.reason = text_at(event, "reason");
  row.object = kind + "/" + text_at(involved, "name");
  row.message = text_at(event, "message");
  row.source = first_of(
      {text_at(member(event, "source"), "component"), text_at(event, "reportingComponent")});
  const std::string created = text_at(member(event, "metadata"), "creationTimestamp");
  row.first = first_of({text_at(event, "firstTimestamp"), text_at(event, "eventTime"), created});
  row.last = first_of({text_at(member(event, "series"), "lastObservedTime"),
                       text_at(event, "lastTimestamp"), row.first});
  row.count =
      std::max(integer_at(event, "count", 1), integer_at(member(event, "series"), "count", 1));
  return row;
}

}  // namespace

std::string EventRow::age(TimePoint now) const {
  std::string text = age_of(last, now);
  if (count > 1) text += " (x" + std::to_string(count) + " over " + age_of(first, now) + ")";
  return text;
}

Result<std::vector<EventRow>> fetch_events(Session& session, const std::string& ns,
                                           const std::string& field_selector) {
  std::map<std::string, std::string> query;
  if (!field_selector.empty()) query["fieldSelector"] = field_selector;
  const client::Resource resource{"", "v1", "events", true};
  auto list = session.get_json(client::resource_path(resource, ns) + query_text(query));
  if (!list) return fail(list.error());
  std::vector<EventRow> rows;
  for (const json& event : elements(*list, "items")) rows.push_back(row_of(event));
  // By time as values: RFC 3339 texts differ in their digits.
  std::stable_sort(rows.begin(), rows.end(), [](const EventRow& a, const EventRow& b) {
    return parse_time(a.last).value_or(TimePoint{}) < parse_time(b.last).value_or(TimePoint{});
  });
  return rows;
}

Result<std::vector<EventRow>> fetch_events(Session& session, const json& object) {
  std::string selector =
      "involvedObject.kind=" + text_at(object, "kind") + ",involvedObject.name=" + name_of(object);
  const std::string ns = namespace_of(object);
  if (!ns.empty()) selector += ",involvedObject.namespace=" + ns;
  const std::string uid = text_at(member(object, "metadata"), "uid");
  if (!uid.empty()) selector += ",involvedObject.uid=" + uid;
  return fetch_events(session, ns.empty() ? "default" : ns, selector);
}

}  // namespace tidelock::cli
