// SPDX-License-Identifier: Apache-2.0
// The agent: runs the tasks of its targets, from grant to terminal status.
//
// A Component: watches DeploymentTasks, journals each step before it is spawned (so that no step of
// an attempt runs twice), runs granted steps, reports. Everything outside is an argument, so a fleet
// runs in one thread in virtual time. README.md tells the protocol between planner and agent.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/agent/fetcher.h"
#include "controller/base/disk.h"
#include "controller/base/process.h"
#include "controller/base/random.h"
#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/client/api_client.h"

namespace tidelock::agent {

inline constexpr Duration kDriftIntervalDefault = std::chrono::minutes(5);

struct Options {
  // The target that this agent serves; empty = every target with executor Local (the server's own).
  std::string target;
  std::string ns;          // of that target; empty with an empty target = all namespaces
  std::string state_dir;   // journal, working directories, lock files
  std::string instance;    // uid of this agent process
  std::string version = "dev";  // of this program, for Target.status
  int step_log_flush_bytes = 64 * 1024;
  Duration log_flush_interval = std::chrono::milliseconds(200);
  Duration kill_grace = std::chrono::seconds(5);  // SIGTERM to SIGKILL
  Duration drift_interval = kDriftIntervalDefault;  // between two looks at what a pair has installed
  std::string path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";  // of steps
};

struct Outside {
  client::ApiClient& api;
  Disk& disk;
  ProcessRunner& processes;
  Fetcher& fetcher;
  Random& random;
  Wake wake;  // makes the owner call step() soon
};

class Agent : public Component {
 public:
  // Reads the journal. Fails when the state directory cannot be used.
  static Result<std::unique_ptr<Agent>> open(const Options& options, const Outside& outside);
};

}  // namespace tidelock::agent
