// SPDX-License-Identifier: Apache-2.0
// What results of a health check, one after the other, say of a release. A value; pure.
//
// The first success makes it healthy, `failure_threshold` failures in a row make it unhealthy; what
// lies between changes nothing. `since` is the time of the result that changed it.
#pragma once

#include <optional>
#include <string>

#include "controller/api/kinds.h"

namespace tidelock::agent {

class HealthVerdict {
 public:
  HealthVerdict(int failure_threshold, std::optional<api::HealthReport> known)
      : threshold_(failure_threshold), report_(std::move(known)) {}

  // Absent = nothing is known yet.
  const std::optional<api::HealthReport>& report() const { return report_; }

  // All three: true if the report is another one now.
  bool succeeded(TimePoint now) {
    failures_ = 0;
    if (report_ && report_->healthy) return false;
    report_ = api::HealthReport{true, now, ""};
    return true;
  }
  bool failed(const std::string& message, TimePoint now) {
    if (report_ && !report_->healthy) return false;
    if (++failures_ < threshold_) return false;
    report_ = api::HealthReport{false, now, message};
    return true;
  }
  // What is installed is no longer what was checked.
  bool forget() {
    failures_ = 0;
    const bool known = report_.has_value();
    report_.reset();
    return known;
  }

 private:
  int threshold_;
  int failures_ = 0;  // in a row
  std::optional<api::HealthReport> report_;
};

}  // namespace tidelock::agent
