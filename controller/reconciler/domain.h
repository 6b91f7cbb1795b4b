// SPDX-License-Identifier: Apache-2.0
// One scheduling domain (namespace): its lease, its planner, and the writes that are not settled.
//
// A planner exists only while the lease is held. Writes that were refused are tried again later, each
// by itself. A grant whose outcome is unknown (no answer came) is sent again unchanged until there is
// an answer, and nothing is planned meanwhile: its precondition makes it happen at most once, and only
// then is it known which locks are taken. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/base/error.h"
#include "controller/client/leader_elector.h"
#include "controller/planner/planner.h"
#include "controller/reconciler/plan_writer.h"

namespace tidelock::reconciler {

// What a planner does before it starts, as far as it got.
struct Takeover {
  std::int64_t epoch = 0;
  bool has_read = false;        // all tasks
  std::set<std::string> tasks;  // uids of those that nobody before us can write any more
};

class Domain {
 public:
  Domain(client::ApiClient& api, client::LeaderElector::Options lease)
      : ns_(lease.ns), elector_(api, std::move(lease)) {}

  client::LeaderElector& elector() { return elector_; }
  planner::Planner* planner() { return planner_ ? &*planner_ : nullptr; }

  // A planner without facts yet, for this acquisition of the lease; its fences start at
  // `fence_epoch`.
  void start(std::int64_t lease_epoch, std::int64_t fence_epoch);
  void stop();
  bool started_for(std::int64_t lease_epoch) const {
    return planner_.has_value() && lease_epoch_ == lease_epoch;
  }

  // Of the present acquisition of the lease.
  Takeover& takeover();

  // The facts changed: plan at the next occasion.
  void touch() { dirty_ = true; }

  // What is to be written now; appends to `writes`. Returns when to be called again at the latest.
  TimePoint plan(TimePoint now, const Facts& facts, std::vector<Write>& writes);

  // Answers of writes.
  void succeeded(const Write& write);
  void refused(const Write& write, const Error& error, TimePoint now);
  void unknown(Write write, const Error& error, TimePoint now);

  int objects = 0;  // known in this namespace, all kinds

 private:
  using WriteKey = std::pair<std::string_view, api::ObjectKey>;
  struct Refusal {
    int failures = 0;
    TimePoint retry_at;
    std::string message;
  };

  static WriteKey key_of(const Write& write) { return {write.kind, write.key}; }
  void log_refusal(const Write& write, const Error& error, Refusal& refusal);
  TimePoint settle(TimePoint now, std::vector<Write>& writes);
  TimePoint next_retry() const;

  std::string ns_;
  client::LeaderElector elector_;
  std::optional<planner::Planner> planner_;
  std::int64_t lease_epoch_ = 0;
  api::Fence fence_;  // the highest of all planners so far
  Takeover takeover_;
  bool dirty_ = false;
  TimePoint next_plan_ = kNever;
  std::map<WriteKey, Refusal> refusals_;  // also when to send an unsettled one again
  std::map<WriteKey, Write> unsettled_;
};

}  // namespace tidelock::reconciler
