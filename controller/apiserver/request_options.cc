// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/request_options.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "controller/apiserver/router.h"
#include "controller/apiserver/status.h"
#include "controller/base/limits.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

std::optional<std::int64_t> to_number(const std::string& text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end || text.empty()) return std::nullopt;
  return value;
}

Error bad_number(const std::string& text) {
  return bad_request("strconv.ParseInt: parsing \"" + text + "\": invalid syntax");
}

// Go's strconv.ParseBool, with "" as true: `?watch` alone means yes.
bool to_bool(const http::Target& target, const std::string& name) {
  const auto found = target.query.find(name);
  if (found == target.query.end()) return false;
  return found->second != "false" && found->second != "0";
}

Result<std::int64_t> number_parameter(const http::Target& target, const std::string& name) {
  const std::string text = query_value(target, name);
  if (text.empty()) return 0;
  const auto number = to_number(text);
  if (!number) return fail(bad_number(text));
  return *number;
}

std::optional<Cause> check_match(const ListOptions& options, bool watch) {
  const std::string& match = options.resource_version_match;
  if (options.send_initial_events && !watch) {
    return cause_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list");
  }
  if (options.send_initial_events && match != "NotOlderThan") {
    return cause_forbidden("resourceVersionMatch",
                           "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
  }
  if (match.empty() || options.send_initial_events) return std::nullopt;
  if (watch) {
    return cause_forbidden("resourceVersionMatch",
                           "resourceVersionMatch is forbidden for watch unless sendInitialEvents is "
                           "provided");
  }
  if (options.resource_version.empty()) {
    return cause_forbidden("resourceVersionMatch",
                           "resourceVersionMatch is forbidden unless resourceVersion is provided");
  }
  if (match != "Exact" && match != "NotOlderThan") {
    return cause_not_supported("resourceVersionMatch", match, {"Exact", "NotOlderThan", ""});
  }
  if (match == "Exact" && options.resource_version == "0") {
    return cause_forbidden("resourceVersionMatch",
                           "resourceVersionMatch \"Exact\" is forbidden for resourceVersion \"0\"");
  }
  return std::nullopt;
}

Result<bool> parse_dry_run(const std::vector<std::string>& values, const std::string& kind) {
  for (const std::string& value : values) {
    if (value == "All") continue;
    return fail(invalid_options(kind, {cause_not_supported("dryRun", value, {"All"})}));
  }
  return !values.empty();
}

std::vector<std::string> query_values(const http::Target& target, const std::string& name) {
  std::vector<std::string> values;
  const auto [first, last] = target.query.equal_range(name);
  for (auto it = first; it != last; ++it) {
    if (!it->second.empty()) values.push_back(it->second);
  }
  return values;
}

std::string text_member(const json& object, const char* name) {
  if (!object.is_object()) return {};
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Result<Propagation> parse_propagation(const std::string& text) {
  if (text.empty()) return Propagation::Default;
  if (text == "Background") return Propagation::Background;
  if (text == "Foreground") return Propagation::Foreground;
  if (text == "Orphan") return Propagation::Orphan;
  return fail(invalid_options("DeleteOptions",
                              {cause_not_supported("propagationPolicy", text,
                                                   {"Foreground", "Background", "Orphan", "nil"})}));
}

}  // namespace

Result<ListOptions> parse_list_options(const http::Target& target, bool watch) {
  ListOptions options;
  options.label_selector = query_value(target, "labelSelector");
  options.field_selector = query_value(target, "fieldSelector");
  options.continue_token = query_value(target, "continue");
  options.resource_version = query_value(target, "resourceVersion");
  options.resource_version_match = query_value(target, "resourceVersionMatch");
  options.allow_bookmarks = to_bool(target, "allowWatchBookmarks");
  options.include_object = query_value(target, "includeObject");
  if (target.query.contains("sendInitialEvents")) {
    options.send_initial_events = to_bool(target, "sendInitialEvents");
  }
  const auto limit = number_parameter(target, "limit");
  if (!limit) return fail(limit.error());
  if (*limit > 0) {
    options.limit = std::min<std::size_t>(static_cast<std::size_t>(*limit), limits::kListPageMax);
  }
  const auto timeout = number_parameter(target, "timeoutSeconds");
  if (!timeout) return fail(timeout.error());
  if (*timeout > 0) options.timeout = std::chrono::seconds(std::min<std::int64_t>(*timeout, 86'400 * 365));
  if (const auto cause = check_match(options, watch)) {
    return fail(invalid_options("ListOptions", {*cause}));
  }
  return options;
}

Result<store::Revision> parse_resource_version(const std::string& text, int code) {
  if (text.empty()) return store::Revision{0};
  const auto number = to_number(text);
  if (number && *number >= 0) return *number;
  Error error = bad_request("Invalid value: \"" + text + "\": strconv.ParseUint: parsing \"" + text +
                            "\": invalid syntax");
  if (code == 500) error = internal_error("resourceVersion: " + error.message);
  return fail(std::move(error));
}

Result<WriteOptions> parse_write_options(const http::Target& target, const std::string& kind) {
  WriteOptions options;
  const auto dry_run = parse_dry_run(query_values(target, "dryRun"), kind);
  if (!dry_run) return fail(dry_run.error());
  options.dry_run = *dry_run;
  const std::string validation = query_value(target, "fieldValidation");
  if (validation == "Strict") {
    options.field_validation = FieldValidation::Strict;
  } else if (validation == "Ignore") {
    options.field_validation = FieldValidation::Ignore;
  } else if (!validation.empty() && validation != "Warn") {
    return fail(invalid_options(kind, {cause_not_supported("fieldValidation", validation,
                                                           {"", "Ignore", "Strict", "Warn"})}));
  }
  options.field_manager = query_value(target, "fieldManager");
  if (options.field_manager.size() > limits::kFieldManagerBytesMax) {
    return fail(invalid_options(
        kind, {{"FieldValueTooLong", "Too long: may not be more than 128 bytes", "fieldManager"}}));
  }
  options.force = to_bool(target, "force");
  return options;
}

Result<DeleteOptions> parse_delete_options(const http::Target& target, const json& body) {
  DeleteOptions options;
  std::vector<std::string> dry_run = query_values(target, "dryRun");
  std::string propagation = query_value(target, "propagationPolicy");
  bool orphan = query_value(target, "orphanDependents") == "true";
  if (body.is_object()) {
    if (const auto found = body.find("dryRun"); found != body.end() && found->is_array()) {
      for (const json& item : *found) {
        if (item.is_string()) dry_run.push_back(item.get<std::string>());
      }
    }
    if (const std::string text = text_member(body, "propagationPolicy"); !text.empty()) {
      propagation = text;
    }
    if (const auto found = body.find("orphanDependents"); found != body.end()) {
      orphan = found->is_boolean() && found->get<bool>();
    }
    if (const auto found = body.find("preconditions"); found != body.end()) {
      options.precondition_uid = text_member(*found, "uid");
      options.precondition_resource_version = text_member(*found, "resourceVersion");
    }
  }
  const auto dry = parse_dry_run(dry_run, "DeleteOptions");
  if (!dry) return fail(dry.error());
  options.dry_run = *dry;
  const auto policy = parse_propagation(propagation);
  if (!policy) return fail(policy.error());
  options.propagation = orphan ? Propagation::Orphan : *policy;
  return options;
}

}  // namespace tidelock::apiserver
