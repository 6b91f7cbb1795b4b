// SPDX-License-Identifier: Apache-2.0
// What all runs of one agent share. Owned by the agent, which outlives its runs.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "controller/agent/agent.h"
#include "controller/agent/journal.h"
#include "controller/agent/log_shipper.h"

namespace tidelock::agent {

// Before a status is written again that could not be written: 100 ms after the first failure, at most 10 s.
inline Duration status_retry(int failures) {
  constexpr Duration kFirst = std::chrono::milliseconds(100);
  constexpr Duration kMax = std::chrono::seconds(10);
  return std::min(kMax, kFirst * (1 << std::min(failures, 7)));
}

struct RunContext {
  Options options;
  Outside outside;
  Journal journal;
  LogShipper logs;
  // Whose a process or a ticket is: uid of the task.
  std::map<ProcessId, std::string> processes;
  std::map<Ticket, std::string> tickets;
  // Exclusive locks of tasks that are not over: namespace and instance → fence and uid.
  std::map<std::pair<std::string, std::string>, std::pair<api::Fence, std::string>> lock_fences;

  std::string task_folder(const std::string& uid) const {
    return options.state_dir + "/tasks/" + uid;
  }
};

}  // namespace tidelock::agent
