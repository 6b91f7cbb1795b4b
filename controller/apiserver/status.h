// SPDX-License-Identifier: Apache-2.0
// Failures in kube-apiserver's words, and the Status bodies and responses that carry them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controller/base/error.h"
#include "controller/http/message.h"

namespace tidelock::apiserver {

struct ResourceType;

// {"kind":"Status",…}. `metadata_continue` goes into metadata (an expired list page).
std::string status_body(const Error& error, std::string_view metadata_continue = {});
http::Response error_response(const Error& error);
http::Response json_response(int status, std::string body);
// Paths that nothing serves.
http::Response not_found_page();

// "widgets.example.dev"; core kinds without the dot.
std::string group_resource(std::string_view plural, std::string_view group);

Error not_found(const ResourceType& type, std::string_view name);
Error already_exists(const ResourceType& type, std::string_view name, bool deleting = false);
Error conflict_modified(const ResourceType& type, std::string_view name);
// A precondition that failed; names the Kind, not the plural.
Error conflict_precondition(const ResourceType& type, std::string_view name, std::string text);
Error forbidden(const ResourceType& type, std::string_view name, std::string text);
// Details name the Kind. The message lists the causes.
Error invalid(const ResourceType& type, std::string_view name, std::vector<Cause> causes);
// As above, but named by the plural ("must be specified for an update").
Error invalid_update(const ResourceType& type, std::string_view name, std::vector<Cause> causes);
Error invalid_options(std::string_view kind, std::vector<Cause> causes);
Error bad_request(std::string message);
Error method_not_allowed();
Error json_patch_failed();
Error internal_error(std::string message);  // 500 without a reason

Cause cause_required(std::string field, std::string_view text = {});
Cause cause_invalid(std::string field, std::string_view value, std::string_view text);
Cause cause_forbidden(std::string field, std::string_view text);
Cause cause_not_supported(std::string field, std::string_view value,
                          const std::vector<std::string>& supported);

// A failure of the store as a client sees it.
Error from_store(Error error);

}  // namespace tidelock::apiserver
