// SPDX-License-Identifier: Apache-2.0
// The targets that this agent serves, and what it says about itself in their status.
//
// Ready=True tells the planner that tasks may start there. Targets of the local executor are told
// once, and again when somebody made them not ready; a named target gets a heartbeat.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "controller/agent/agent.h"
#include "controller/client/reflector.h"

namespace tidelock::agent {

class TargetBook {
 public:
  TargetBook(client::ApiClient& api, const Options& options, Wake wake);

  // Watches and writes. Returns when to be called again at the latest.
  TimePoint step(TimePoint now);
  bool synced() const { return targets_.synced(); }
  // Null if it is not ours.
  std::shared_ptr<const api::Target> find(const api::ObjectKey& key) const;
  // Those that became ours since the last call.
  std::set<api::ObjectKey> take_new();

 private:
  bool serves(const api::Target& target) const;
  void changed(const api::ObjectKey& key, const std::shared_ptr<const api::Target>& target);
  void write_due(TimePoint now);
  client::Call status_call(const api::Target& target, TimePoint now) const;

  client::ApiClient& api_;
  const Options options_;
  client::Reflector<api::Target> targets_;
  std::set<api::ObjectKey> served_;
  std::set<api::ObjectKey> new_;
  std::set<api::ObjectKey> told_;     // by this process
  std::set<api::ObjectKey> to_write_;
  TimePoint write_at_;                // not before, after a failure
  TimePoint heartbeat_at_ = kNever;
};

}  // namespace tidelock::agent
