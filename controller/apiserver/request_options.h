// SPDX-License-Identifier: Apache-2.0
// The query parameters (and DeleteOptions body) of the verbs, checked.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/http/message.h"
#include "controller/store/store.h"

namespace tidelock::apiserver {

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  std::size_t limit = 0;  // 0 = all
  std::string continue_token;
  std::string resource_version;        // as given
  std::string resource_version_match;  // "", "Exact" or "NotOlderThan"
  bool allow_bookmarks = false;
  std::optional<bool> send_initial_events;
  std::optional<Duration> timeout;
  std::string include_object;  // Table: "", None, Metadata or Object
};
Result<ListOptions> parse_list_options(const http::Target& target, bool watch);
// A resourceVersion as a number; `code` of the refusal is 400 for lists and 500 for watches.
Result<store::Revision> parse_resource_version(const std::string& text, int code);

enum class FieldValidation { Ignore, Warn, Strict };
struct WriteOptions {
  bool dry_run = false;
  FieldValidation field_validation = FieldValidation::Warn;
  std::string field_manager;
  bool force = false;
};
// `kind` is CreateOptions, UpdateOptions or PatchOptions, for the messages.
Result<WriteOptions> parse_write_options(const http::Target& target, const std::string& kind);

enum class Propagation { Default, Background, Foreground, Orphan };
struct DeleteOptions {
  bool dry_run = false;
  Propagation propagation = Propagation::Default;
  std::string precondition_uid;
  std::string precondition_resource_version;
};
// `body` is null or the DeleteOptions document; the query wins where the body is silent.
Result<DeleteOptions> parse_delete_options(const http::Target& target, const nlohmann::json& body);

}  // namespace tidelock::apiserver
