// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/check_leader.h"

#include <cstdlib>
#include <utility>

#include "controller/client/json_scan.h"
#include "tests/simulation/wire_text.h"

namespace tidelock::simulation {
namespace {

using client::json_member;
using client::json_string;

constexpr std::int64_t kSequences = 1'000'000'000;  // of one epoch

std::int64_t number(std::string_view text) { return std::atoll(std::string(text).c_str()); }

// 0 = the request grants nothing.
std::int64_t fence_of(const http::Request& request) {
  if (request.method != "PATCH") return 0;
  return number(json_member(json_member(json_member(request.body, "status"), "grant"), "fence"));
}

bool ends_with_plural(const std::string& target, std::string_view plural) {
  return std::string_view(target).ends_with(plural);
}

}  // namespace

LeaderChecker::Planner& LeaderChecker::planner_of(const std::string& node, std::uint64_t life) {
  Planner& planner = planners_[node];
  if (planner.life != life) planner = Planner{life, {}, {}, false, {}, {}};
  return planner;
}

void LeaderChecker::submitted(const Node& node, const http::Request& request) {
  if (!node.name().starts_with("controller")) return;
  if (const std::int64_t fence = fence_of(request); fence != 0) return check_grant(node, request, fence);
  // A new planner reads all tasks and takes them over: what was sent before is settled by that.
  if (request.method == "GET" && ends_with_plural(request.target, "/deploymenttasks")) {
    planner_of(node.name(), node.life_number()).unsettled.clear();
  }
}

// What it found has been written by it before its first grant, so that late writes of others are refused.
void LeaderChecker::check_takeover(const Node& node, Planner& planner) {
  const std::string mark = std::to_string(epoch_) + "-";
  for (const std::string& uid : std::exchange(planner.inherited, {})) {
    const auto known = truth_.task_by_uid(uid);
    const auto task = truth_.objects().get<api::DeploymentTask>(known->metadata.name);
    if (clocks_jump_ || task == nullptr || task->metadata.uid != uid ||
        api::is_terminal(task->status.phase)) {
      continue;
    }
    const auto& annotations = task->metadata.annotations;
    const auto found = annotations.find("tidelock.dev/taken-over");
    if (found == annotations.end() || !found->second.starts_with(mark)) {
      kernel_.violated("a new planner takes the tasks over",
                       node.name() + " grants before it has written " + task->metadata.name);
    }
  }
}

void LeaderChecker::check_grant(const Node& node, const http::Request& request, std::int64_t fence) {
  Planner& planner = planner_of(node.name(), node.life_number());
  const std::int64_t epoch = fence / kSequences;
  check_takeover(node, planner);
  if (!clocks_jump_ && epoch < truth_.lease_epoch()) {
    kernel_.violated("only the leader grants", node.name() + " of epoch " + std::to_string(epoch) +
                                                   " grants in epoch " +
                                                   std::to_string(truth_.lease_epoch()));
  }
  if (!clocks_jump_ && kernel_.now() >= planner.lease_until) {
    kernel_.violated("grants are sent while the lease runs",
                     node.name() + " grants with a lease that is over");
  }
  if (!planner.has_read) {
    kernel_.violated("a new planner reads before it grants", node.name() + " has not read the tasks");
  }
  const std::string path = path_of(request.target);
  if (!planner.unsettled.empty() && !planner.unsettled.contains(path)) {
    kernel_.violated("a grant of unknown fate holds up the others",
                     node.name() + " sends " + path + " while nobody knows about " +
                         *planner.unsettled.begin());
  }
}

void LeaderChecker::answered(const Sender& sender, const http::Request& request,
                             const Result<http::Response>& answer) {
  const bool reads = request.method == "GET";
  if (!sender.node.starts_with("controller")) return;
  if (reads && !ends_with_plural(request.target, "/deploymenttasks")) return;
  Planner& current = planners_[sender.node];
  if (sender.life < current.life) return;
  Planner& planner = planner_of(sender.node, sender.life);
  const std::string path = path_of(request.target);
  const bool done = answer && answer->status / 100 == 2;
  if (reads) {
    planner.has_read = planner.has_read || (done && sender.sent >= planner.leads_since);
    return;
  }
  if (done && path.find("/leases") != std::string::npos) {
    planner.lease_until = std::max(planner.lease_until, sender.sent + lease_);
    return check_lease(sender, planner, *answer);
  }
  if (fence_of(request) == 0) return;
  if (!answer || answer->status >= 500) {
    planner.unsettled.insert(path);
    kernel_.probe("the fate of a grant is unknown");
  } else {
    planner.unsettled.erase(path);
  }
}

void LeaderChecker::check_lease(const Sender& sender, Planner& planner,
                                const http::Response& answer) {
  const auto metadata = json_member(answer.body, "metadata");
  const store::Revision revision = number(json_string(json_member(metadata, "resourceVersion")));
  if (revision <= revision_) return;
  revision_ = revision;
  const std::int64_t epoch = number(json_member(json_member(answer.body, "spec"), "leaseTransitions"));
  const std::pair<std::string, std::uint64_t> holder(sender.node, sender.life);
  if (holder != holder_) {
    planner.leads_since = kernel_.now();
    planner.has_read = false;
    planner.inherited.clear();
    for (const auto& [name, task] : truth_.objects().all<api::DeploymentTask>()) {
      if (!api::is_terminal(task->status.phase)) planner.inherited.insert(task->metadata.uid);
    }
  }
  if (holder != holder_ && epoch <= epoch_) {
    kernel_.violated("each holder of the lease has a higher epoch",
                     sender.node + " holds it with epoch " + std::to_string(epoch) + " as " +
                         holder_.first + " did");
  }
  holder_ = holder;
  epoch_ = epoch;
}

}  // namespace tidelock::simulation
