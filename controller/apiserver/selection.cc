// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/selection.h"

#include <algorithm>
#include <array>

#include "controller/apiserver/scan.h"
#include "controller/apiserver/status.h"

namespace tidelock::apiserver {
namespace {

constexpr std::array kEventFields = {
    "involvedObject.kind",       "involvedObject.namespace",       "involvedObject.name",
    "involvedObject.uid",        "involvedObject.apiVersion",      "involvedObject.resourceVersion",
    "involvedObject.fieldPath",  "reason",                         "reportingComponent",
    "source",                    "type"};

bool is_selectable(const ResourceType& type, const std::string& path) {
  if (path == "metadata.name" || path == "metadata.namespace") return true;
  if (type.builtin == Builtin::Event) {
    return std::find(kEventFields.begin(), kEventFields.end(), path) != kEventFields.end();
  }
  if (type.builtin == Builtin::Secret) return path == "type";
  if (type.builtin == Builtin::Namespace) return path == "status.phase";
  return std::find(type.selectable_fields.begin(), type.selectable_fields.end(), path) !=
         type.selectable_fields.end();
}

std::string field_value(const std::string& path, const KeyParts& parts, std::string_view stored) {
  if (path == "metadata.name") return std::string(parts.name);
  if (path == "metadata.namespace") return std::string(parts.ns);
  if (path == "source") {  // only events have it: the component, under its old or its new name
    const std::string component = scan_string(stored, {"source", "component"});
    return component.empty() ? scan_string(stored, {"reportingComponent"}) : component;
  }
  return scalar_text(scan_value(stored, path));
}

}  // namespace

Result<Selection> Selection::parse(const ResourceType& type, const std::string& label_selector,
                                   const std::string& field_selector) {
  Selection selection;
  if (!label_selector.empty()) {
    auto labels = api::LabelQuery::parse(label_selector);
    if (!labels) return fail(labels.error());
    selection.labels_ = std::move(*labels);
  }
  if (!field_selector.empty()) {
    auto fields = api::parse_field_selector(field_selector);
    if (!fields) return fail(fields.error());
    for (const auto& field : *fields) {
      if (!is_selectable(type, field.path)) {
        return fail(bad_request("field label not supported: " + field.path));
      }
    }
    selection.fields_ = std::move(*fields);
  }
  return selection;
}

bool Selection::matches(std::string_view key, std::string_view stored) const {
  if (!fields_.empty()) {
    const KeyParts parts = split_key(key);
    for (const auto& field : fields_) {
      if ((field_value(field.path, parts, stored) == field.value) != field.equal) return false;
    }
  }
  return labels_.empty() || labels_.matches(scan_labels(stored));
}

std::optional<std::string> Selection::exact_name() const {
  for (const auto& field : fields_) {
    if (field.path == "metadata.name" && field.equal) return field.value;
  }
  return std::nullopt;
}

}  // namespace tidelock::apiserver
