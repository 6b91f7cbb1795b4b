// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/table_columns.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/api/jsonpath.h"
#include "controller/apiserver/field_causes.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr const char* kNameText =
    "Name must be unique within a namespace. Is required when creating resources, although some "
    "resources may allow a client to request the generation of an appropriate name automatically.";
constexpr const char* kAgeText =
    "CreationTimestamp is a timestamp representing the server time when this object was created.";

const json& at(const json& object, std::initializer_list<const char*> path) {
  static const json none;
  const json* value = &object;
  for (const char* key : path) {
    if (!value->is_object()) return none;
    const auto found = value->find(key);
    if (found == value->end()) return none;
    value = &*found;
  }
  return *value;
}

std::string text_at(const json& object, std::initializer_list<const char*> path) {
  const json& value = at(object, path);
  return value.is_string() ? value.get<std::string>() : std::string();
}

json age(const json& timestamp, TimePoint now) {
  if (!timestamp.is_string()) return nullptr;
  const auto time = parse_time(timestamp.get_ref<const std::string&>());
  if (!time) return "<invalid>";
  return format_age(std::max(now - *time, Duration::zero()));
}

std::string unknown_age(const json& timestamp, TimePoint now) {
  const json shown = age(timestamp, now);
  return shown.is_string() ? shown.get<std::string>() : "<unknown>";
}

TableColumn name_column() {
  return {"Name",
          "string",
          "name",
          kNameText,
          0,
          [](const json& object, TimePoint) {
            return json(text_at(object, {"metadata", "name"})); }};
}

TableColumn text_column(std::string name, int priority,
                        std::function<std::string(const json&)> show) {
  return {std::move(name),
          "string",
          "",
          "",
          priority,
          [show = std::move(show)](const json& object, TimePoint) { return json(show(object)); }};
}

// The core kinds' columns show ages as strings.
TableColumn age_column() {
  return {"Age", "string", "", kAgeText, 0, [](const json& object, TimePoint now) {
            return json(unknown_age(at(object, {"metadata", "creationTimestamp"}), now));
          }};
}

std::string shown_as_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_null()) return "<nil>";
  if (value.is_number_float()) return go_number(value.get<double>());
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// A cell of a CRD's column; what does not fit the column's type is not shown.
json cell_of(const std::string& type, const json& value, TimePoint now) {
  if (type == "string") return shown_as_text(value);
  if (type == "integer" && value.is_number()) {
    return value.is_number_float() ? json(static_cast<std::int64_t>(value.get<double>())) : value;
  }
  if (type == "number" && value.is_number()) return value;
  if (type == "boolean" && value.is_boolean()) return value;
  if (type == "date" && value.is_string()) return age(value, now);
  return nullptr;
}

TableColumn crd_column(const json& column) {
  TableColumn out;
  out.name = text_at(column, {"name"});
  out.type = text_at(column, {"type"});
  out.format = text_at(column, {"format"});
  out.description = text_at(column, {"description"});
  const std::string path = text_at(column, {"jsonPath"});
  if (out.description.empty()) {
    out.description = "Custom resource definition column (in JSONPath format): " + path;
  }
  const json& priority = at(column, {"priority"});
  out.priority = priority.is_number_integer() ? priority.get<int>() : 0;
  auto parsed = api::JsonPath::parse_relaxed(path);
  if (!parsed) {
    out.cell = [](const json&, TimePoint) { return json(); };
    return out;
  }
  out.cell = [type = out.type, parsed = std::move(*parsed)](const json& object, TimePoint now) {
    const auto found = parsed.find(object);
    return found.empty() ? json() : cell_of(type, *found.front(), now);
  };
  return out;
}

std::size_t size_at(const json& object, const char* field) {
  const json& value = at(object, {field});
  return value.is_object() ? value.size() : 0;
}

TableColumn data_column() {
  return {"Data", "string", "", "", 0, [](const json& object, TimePoint) {
            return json(size_at(object, "data") + size_at(object, "binaryData"));
          }};
}

// When an event was last seen: its series, its last time, its first, or the new-style time.
const json& last_seen(const json& event) {
  const json& series = at(event, {"series", "lastObservedTime"});
  if (series.is_string()) return series;
  const json& last = at(event, {"lastTimestamp"});
  return last.is_string() ? last : at(event, {"eventTime"});
}

const json& first_seen(const json& event) {
  const json& first = at(event, {"firstTimestamp"});
  return first.is_string() ? first : at(event, {"eventTime"});
}

std::string event_source(const json& event) {
  std::string component = text_at(event, {"source", "component"});
  if (component.empty()) component = text_at(event, {"reportingComponent"});
  std::string host = text_at(event, {"source", "host"});
  if (host.empty()) host = text_at(event, {"reportingInstance"});
  return host.empty() ? component : component + ", " + host;
}

std::string event_object(const json& event) {
  std::string kind = text_at(event, {"involvedObject", "kind"});
  for (char& c : kind) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  const std::string name = text_at(event, {"involvedObject", "name"});
  return name.empty() ? kind : kind + "/" + name;
}

json event_count(const json& event) {
  const json& series = at(event, {"series", "count"});
  const json& count = series.is_number_integer() ? series : at(event, {"count"});
  const bool is_counted = count.is_number_integer() && count.get<std::int64_t>() > 0;
  return is_counted ? count : json(1);
}

TableColumn event_age(std::string name, int priority, const json& (*time)(const json&)) {
  return {std::move(name), "string", "", "", priority, [time](const json& event, TimePoint now) {
            return json(unknown_age(time(event), now));
          }};
}

TableColumn member_column(std::string name, const char* field) {
  return text_column(std::move(name), 0,
                     [field](const json& object) { return text_at(object, {field}); });
}

std::vector<TableColumn> event_columns() {
  TableColumn name = name_column();
  name.priority = 1;
  return {event_age("Last Seen", 0, last_seen),
          member_column("Type", "type"),
          member_column("Reason", "reason"),
          text_column("Object", 0, event_object),
          text_column("Subobject", 1,
                      [](const json& e) {
                        return text_at(e, {"involvedObject", "fieldPath"});
                      }),
          text_column("Source", 1, event_source),
          text_column("Message", 0,
                      [](const json& e) {
                        std::string message = text_at(e, {"message"});
                        const std::size_t end = message.find_last_not_of(" \t\r\n");
                        return message.substr(0, end == std::string::npos ? 0 : end + 1);
                      }),
          event_age("First Seen", 1, first_seen),
          {"Count", "string", "", "", 1, [](const json& e, TimePoint) { return event_count(e); }},
          std::move(name)};
}

}  // namespace

std::vector<TableColumn> columns_of_crd_version(const json& version) {
  std::vector<TableColumn> columns = {name_column()};
  const json& declared = at(version, {"additionalPrinterColumns"});
  for (const json& column : declared) columns.push_back(crd_column(column));
  if (declared.empty()) {
    columns.push_back(crd_column({{"name", "Age"},
                                  {"type", "date"},
                                  {"description", kAgeText},
                                  {"jsonPath", ".metadata.creationTimestamp"}}));
  }
  return columns;
}

std::vector<TableColumn> columns_of_builtin(Builtin kind) {
  switch (kind) {
    case Builtin::Event:
      return event_columns();
    case Builtin::Namespace:
      return {name_column(),
              text_column("Status", 0,
                          [](const json& ns) {
                            return text_at(ns, {"status", "phase"});
                          }),
              age_column()};
    case Builtin::Secret:
      return {name_column(), member_column("Type", "type"), data_column(), age_column()};
    case Builtin::ConfigMap:
      return {name_column(), data_column(), age_column()};
    case Builtin::Lease:
      return {name_column(),
              text_column("Holder", 0,
                          [](const json& lease) {
                            return text_at(lease, {"spec", "holderIdentity"});
                          }),
              age_column()};
    case Builtin::Crd:
      return {name_column(),
              {"Created At", "date", "", kAgeText, 0, [](const json& crd, TimePoint) {
                 return at(crd, {"metadata", "creationTimestamp"});
               }}};
    case Builtin::ServiceAccount:
    case Builtin::None:
      break;
  }
  return {name_column(), age_column()};
}

}  // namespace tidelock::apiserver
