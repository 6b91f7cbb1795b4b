// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/truth.h"

#include <algorithm>
#include <cstdlib>

#include "controller/base/invariant.h"
#include "controller/client/json_scan.h"

namespace tidelock::simulation {
namespace {

// "/registry/<group>/<plural>/<namespace>/<name>"
struct Key {
  std::string plural;
  std::string ns;
  std::string name;
};
Key split(const std::string& key) {
  Key parts;
  std::size_t at = key.find('/', 1);  // behind "registry"
  at = key.find('/', at + 1);         // behind the group
  const std::size_t ns = key.find('/', at + 1);
  const std::size_t name = key.find('/', ns + 1);
  parts.plural = key.substr(at + 1, ns - at - 1);
  parts.ns = name == std::string::npos ? "" : key.substr(ns + 1, name - ns - 1);
  parts.name = key.substr(key.rfind('/') + 1);
  return parts;
}

}  // namespace

std::string as_sent(const std::string& stored, store::Revision revision) {
  constexpr std::string_view kMetadata = "\"metadata\":{";
  const std::size_t at = stored.find(kMetadata) + kMetadata.size();
  return stored.substr(0, at) + "\"resourceVersion\":\"" + std::to_string(revision) + "\"," +
         stored.substr(at);
}

void Truth::poll() {
  if (store_.revision() == revision_) return;
  for (;;) {
    const auto events = watch_->next(1000);
    INVARIANT(events.has_value());
    if (events->empty()) break;
    for (const store::EventPtr& event : *events) {
      revision_ = event->revision;
      const Key key = split(event->key);
      logs_[key.plural].push_back({event->revision, key.ns, key.name, event->value == nullptr});
      if (key.plural == "leases" && event->value) {
        const auto spec = client::json_member(*event->value, "spec");
        const std::string number(client::json_member(spec, "leaseTransitions"));
        lease_epoch_ = std::max<std::int64_t>(lease_epoch_, std::atoll(number.c_str()));
      }
      const bool ours = event->key.find("/tidelock.dev/") != std::string::npos;
      if (ours && key.plural != "targets") last_change_ = event->revision;
      if (ours && key.ns == kNamespace) changed_(key.plural, *event);
    }
  }
  revision_ = store_.revision();
}

const std::vector<LogEntry>& Truth::log(const std::string& plural) const {
  static const std::vector<LogEntry> kNone;
  const auto found = logs_.find(plural);
  return found == logs_.end() ? kNone : found->second;
}

std::shared_ptr<const api::DeploymentTask> Truth::task_by_uid(const std::string& uid) const {
  const auto found = tasks_.find(uid);
  return found == tasks_.end() ? nullptr : found->second;
}

}  // namespace tidelock::simulation
