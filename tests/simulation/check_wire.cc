// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/check_wire.h"

#include <algorithm>
#include <vector>

#include "controller/client/json_scan.h"
#include "tests/simulation/wire_text.h"

namespace tidelock::simulation {
namespace {

using client::json_member;
using client::json_string;

std::vector<std::string> segments_of(const std::string& path) {
  std::vector<std::string> segments;
  for (std::size_t at = 0; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at + 1), path.size());
    segments.push_back(path.substr(at + 1, end - at - 1));
    at = end;
  }
  return segments;
}

// Of ".../namespaces/<ns>/<plural>[/<name>[/status]]" or ".../<plural>".
std::string plural_of(const std::string& path) {
  const auto segments = segments_of(path);
  const auto found = std::find(segments.begin(), segments.end(), "namespaces");
  if (found != segments.end() && segments.end() - found > 2) return *(found + 2);
  const std::size_t index = !segments.empty() && segments[0] == "api" ? 2 : 3;
  return index < segments.size() ? segments[index] : "";
}

store::Revision revision_of(std::string_view object) {
  const std::string text = json_string(json_member(json_member(object, "metadata"), "resourceVersion"));
  return text.empty() ? 0 : std::atoll(text.c_str());
}

}  // namespace

void WireChecker::opened(const Connection& connection) {
  Watch watch;
  watch.plural = plural_of(path_of(connection.target));
  watch.seen = std::atoll(query_value(connection.target, "resourceVersion").c_str());
  watch.selective = !query_value(connection.target, "fieldSelector").empty() ||
                    path_of(connection.target).find("/namespaces/") != std::string::npos;
  const auto& log = truth_.log(watch.plural);
  const auto first = std::upper_bound(
      log.begin(), log.end(), watch.seen,
      [](store::Revision revision, const LogEntry& entry) { return revision < entry.revision; });
  watch.next = static_cast<std::size_t>(first - log.begin());
  watches_[connection.id] = watch;
}

void WireChecker::check_bookmark(Watch& watch, store::Revision revision, const std::string& who) {
  const auto& log = truth_.log(watch.plural);
  if (!watch.selective && watch.next < log.size() && log[watch.next].revision <= revision) {
    kernel_.violated("watches show all revisions",
                     who + ": a bookmark of " + watch.plural + " at " + std::to_string(revision) +
                         ", but " + std::to_string(log[watch.next].revision) + " was not sent");
  }
}

void WireChecker::sent(const Connection& connection, const std::string& line) {
  const auto found = watches_.find(connection.id);
  if (found == watches_.end() || line.empty()) return;
  Watch& watch = found->second;
  ++watch_events_;
  const std::string type = json_string(json_member(line, "type"));
  if (type == "ERROR") {
    kernel_.probe("a watch ends with 410");
    return;
  }
  const std::string_view object = json_member(line, "object");
  const store::Revision revision = revision_of(object);
  const std::string who = connection.node;
  if (type == "BOOKMARK") {
    kernel_.probe("a bookmark is sent");
    if (revision < watch.seen) kernel_.violated("watches rise", who + ": a bookmark goes back");
    check_bookmark(watch, revision, who);
    watch.seen = std::max(watch.seen, revision);
    return;
  }
  if (revision <= watch.seen) {
    kernel_.violated("watches rise", who + ": revision " + std::to_string(revision) + " of " +
                                         watch.plural + " after " + std::to_string(watch.seen));
  }
  watch.seen = revision;
  if (watch.selective) return;
  const auto& log = truth_.log(watch.plural);
  const std::string name = json_string(json_member(json_member(object, "metadata"), "name"));
  if (watch.next >= log.size() || log[watch.next].revision != revision ||
      log[watch.next].name != name) {
    const std::string expected =
        watch.next < log.size() ? std::to_string(log[watch.next].revision) : "nothing";
    kernel_.violated("watches show all revisions", who + ": revision " + std::to_string(revision) +
                                                       " of " + watch.plural + ", expected " +
                                                       expected);
  }
  ++watch.next;
}

void WireChecker::acknowledged(const http::Request& request, const http::Response& response) {
  const std::string path = path_of(request.target);
  if (path.find("/logs.tidelock.dev/") != std::string::npos) return;
  ++acknowledged_;
  const std::string plural = plural_of(path);
  const auto& log = truth_.log(plural);
  if (request.method == "DELETE") return;
  const store::Revision revision = revision_of(response.body);
  const std::string name = json_string(json_member(json_member(response.body, "metadata"), "name"));
  const auto found = std::lower_bound(
      log.begin(), log.end(), revision,
      [](const LogEntry& entry, store::Revision wanted) { return entry.revision < wanted; });
  if (found == log.end() || found->revision != revision || found->name != name) {
    kernel_.violated("acknowledged writes are durable",
                     request.method + " " + path + " was acknowledged at revision " +
                         std::to_string(revision) + ", which the store does not have");
  }
}

}  // namespace tidelock::simulation
