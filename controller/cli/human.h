// SPDX-License-Identifier: Apache-2.0
// JSON for people: "installDirectory" as "Install Directory:", nested by indentation; times with
// ages.
#pragma once

#include <iosfwd>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "controller/base/time.h"

namespace tidelock::cli {

std::string title_of(const std::string& field);
void print_human(const nlohmann::json& value, std::size_t indent, std::ostream& out);

// "2m3s" since an RFC 3339 text; "<unknown>" for anything else.
std::string age_of(const std::string& time, TimePoint now);
// "2026-11-23T10:00:00Z (2m3s ago)"
std::string time_and_age(const std::string& time, TimePoint now);

}  // namespace tidelock::cli
