// SPDX-License-Identifier: Apache-2.0
// Holds one Lease (coordination.k8s.io) so that at most one process does a job.
//
// Each acquisition raises leaseTransitions; that number is the epoch of this holder. A lease of
// somebody else counts as alive until it was seen unchanged for its whole duration by our own clock
// (client-go's rule: clocks of two machines are never compared). A restart under the same identity
// takes its lease back at once, with a higher epoch.
//
// Driven by step(now); all writes carry the resourceVersion they were decided on. Not thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controller/api/kinds.h"
#include "controller/client/api_client.h"

namespace tidelock::client {

class LeaderElector {
 public:
  struct Options {
    std::string ns;
    std::string name;
    std::string identity;
    Duration duration = std::chrono::seconds(15);
    // When an answer came, since a request takes time. Null: when step() was called.
    Clock* clock = nullptr;
  };
  LeaderElector(ApiClient& client, Options options);

  // Acquires or renews when that is due. Returns when to be called again at the latest.
  TimePoint step(TimePoint now);
  // The lease is ours and was renewed within its duration.
  bool leads(TimePoint now) const;
  std::int64_t epoch() const { return epoch_; }  // of the newest acquisition; 0 = none yet
  const std::string& holder() const { return lease_.holder_identity; }  // as last seen

 private:
  void try_now(TimePoint now);
  Result<void> look(TimePoint now);
  Result<void> create(TimePoint now);
  Result<void> write(TimePoint now, std::int64_t transitions);
  void seen(TimePoint now, api::Lease lease);
  bool is_free(TimePoint now) const;

  ApiClient& client_;
  Options options_;
  api::Lease lease_;          // as last seen; empty resource_version = unknown
  TimePoint seen_at_;         // when this version of it was first seen
  std::int64_t epoch_ = 0;
  bool held_ = false;
  TimePoint renewed_at_;      // when the last successful write of ours was begun
  TimePoint next_;            // of the next try
};

}  // namespace tidelock::client
