// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/simulation.h"

#include <vector>

#include "tests/simulation/check_rest.h"
#include "tests/simulation/check_waiting.h"
#include "tests/simulation/cluster.h"
#include "tests/simulation/gremlin.h"
#include "tests/simulation/workload.h"

namespace tidelock::simulation {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

// After the faults: no run has more to do than this allows.
constexpr Duration kRestWithin = minutes(90);
constexpr Duration kLookEvery = seconds(5);
// Nothing of ours changed for so long, and nothing has a reason to.
constexpr Duration kQuiet = seconds(40);
// After the faults: by then no request, watch or retry of before is under way any more.
constexpr Duration kAftermath = seconds(80);

class Simulation {
 public:
  explicit Simulation(const RunOptions& options)
      : options_(options),
        kernel_(options.seed, options.trace),
        swarm_(Swarm::draw(kernel_.random())),
        cluster_(kernel_, swarm_),
        workload_(kernel_, swarm_, cluster_),
        gremlin_(kernel_, swarm_, cluster_),
        waiting_(kernel_, cluster_.truth()) {
    cluster_.decide = [this](const ProcessSpec& spec) { return workload_.script_of(spec); };
  }

  RunResult run() {
    cluster_.start();
    workload_.build();
    const TimePoint end = kernel_.now() + swarm_.chaos;
    gremlin_.start(end);
    plan_action(end);
    run_until(end);
    if (!kernel_.violation()) {
      kernel_.trace("world", "faults end");
      cluster_.heal();
      workload_.calm_down();
      if (swarm_.encore) {
        run_until(kernel_.now() + kAftermath);
        workload_.encore();
        all_is_well_ = true;
      }
      come_to_rest();
    }
    if (options_.canary) kernel_.violated("canary", "planted to see that violations are seen");
    return result();
  }

 private:
  void plan_action(TimePoint end) {
    const Duration wait = kernel_.between(Duration{1}, swarm_.user_mean * 2);
    if (kernel_.now() + wait >= end) return;
    kernel_.after(wait, [this, end] {
      workload_.act();
      plan_action(end);
    });
  }

  void run_until(TimePoint limit) {
    while (!kernel_.violation() && kernel_.step(limit)) {
      cluster_.observe();
      if (all_is_well_) waiting_.look();
    }
  }

  void come_to_rest() {
    const TimePoint limit = kernel_.now() + kRestWithin;
    store::Revision seen = -1;
    TimePoint since = kernel_.now();
    std::string missing = "the people's last words are not heard";
    while (!kernel_.violation() && kernel_.now() < limit) {
      const TimePoint look = kernel_.now() + kLookEvery;
      run_until(look);
      // Events may have ended before.
      kernel_.at(look, [] {});
      run_until(look);
      if (cluster_.truth().last_change() != seen) {
        seen = cluster_.truth().last_change();
        since = kernel_.now();
        continue;
      }
      if (kernel_.now() - since < kQuiet || !workload_.everything_sent()) continue;
      missing = unsettled(cluster_.truth());
      if (missing.empty()) {
        return check_rest(kernel_, cluster_, {.all_ready = swarm_.final_release});
      }
    }
    missing = unsettled(cluster_.truth()).empty() ? missing : unsettled(cluster_.truth());
    kernel_.violated("everything comes to rest",
                     format_duration(kRestWithin) + " after the last fault: " + missing);
  }

  RunResult result() {
    RunResult result;
    result.violation = kernel_.violation();
    result.trace_hash = kernel_.trace_hash();
    result.events = kernel_.events();
    result.processes = cluster_.processes().started();
    result.watch_events = cluster_.wire().watch_events();
    result.writes = cluster_.wire().acknowledged_writes();
    result.virtual_time = kernel_.now() - testing::kEpoch;
    result.probes = kernel_.probes();
    result.swarm = swarm_.text();
    return result;
  }

  const RunOptions options_;
  Kernel kernel_;
  const Swarm swarm_;
  Cluster cluster_;
  Workload workload_;
  Gremlin gremlin_;
  WaitingChecker waiting_;
  bool all_is_well_ = false;
};

}  // namespace

RunResult run_simulation(const RunOptions& options) { return Simulation(options).run(); }

const std::vector<std::string>& expected_probes() {
  static const std::vector<std::string> probes{
      "a bookmark is sent",
      "a conditional write meets a conflict",
      "a crash loses writes that were not synced",
      "a crash of the server cuts a request off",
      "a grant of a planner that lost its lease arrives",
      "a pair is stalled at rest",
      "a request arrives after its sender gave up",
      "a request arrives twice",
      "a request is lost",
      "a request is served after its sender gave up",
      "a request times out",
      "a task is orphaned",
      "a task waits while nothing is broken",
      "a watch ends with 410",
      "a watch is cut",
      "a watch is read slowly",
      "a write is durable but was never acknowledged",
      "an agent dies inside a disk operation",
      "an answer is lost",
      "an operator frees an orphan",
      "processes run beside each other",
      "several writes become durable together",
      "the disk of a target is full",
      "the disk of the store is full",
      "the fate of a grant is unknown",
  };
  return probes;
}

}  // namespace tidelock::simulation
