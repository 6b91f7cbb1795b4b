// SPDX-License-Identifier: Apache-2.0
// Events as rows, in the order of time.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "controller/cli/session.h"

namespace tidelock::cli {

struct EventRow {
  std::string ns;
  std::string type;
  std::string reason;
  std::string object;  // "tenantdeployment/storefront-production"
  std::string message;
  std::string source;
  std::string first, last;  // RFC 3339
  std::int64_t count = 1;
  // "2s", or "2s (x5 over 3m)"
  std::string age(TimePoint now) const;
};

// Of one object, found by kind, namespace, name and uid.
Result<std::vector<EventRow>> fetch_events(Session& session, const nlohmann::json& object);
// Of a namespace (empty = all), with a field selector or without.
Result<std::vector<EventRow>> fetch_events(Session& session, const std::string& ns,
                                           const std::string& field_selector);

}  // namespace tidelock::cli
