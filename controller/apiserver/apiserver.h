// SPDX-License-Identifier: Apache-2.0
// The Kubernetes-compatible API server over a Store: an http::Handler.
//
// Serves the core kinds (Namespace, Secret, ConfigMap, Event, Lease, ServiceAccount), the
// CustomResourceDefinitions themselves and every resource that a CRD declares. Thread-safe. Answers
// are sent from the calling thread, or from the store's thread when a write became durable.
//
// It has no thread of its own: step() (a Component) does the background work that is due: garbage
// collection, namespace deletion, CRD conditions, compaction, event expiry.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/base/random.h"
#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/http/message.h"
#include "controller/store/store.h"

namespace tidelock::apiserver {

// Who calls, after authentication.
struct User {
  std::string name;
  std::vector<std::string> groups;
};

struct Options {
  // Bearer token → user. Client certificates and in-process peers bring their own identity.
  std::map<std::string, User, std::less<>> tokens;
  std::string version = "v1.34.0+tidelock";  // gitVersion of /version
  // YAML texts of CustomResourceDefinitions that are created or updated at start (crd/*.yaml).
  std::vector<std::string> crds;
  // API groups answered by another handler after authentication and authorisation (Kubernetes'
  // aggregation layer); the request's peer then carries the user as in_process_user and groups.
  std::map<std::string, http::Handler*, std::less<>> aggregated;
  // Called when step() has work to do.
  Wake wake;
  Duration event_lifetime = std::chrono::hours(1);
  // How much history is kept for watches and paged lists: older revisions are compacted.
  Duration history_retention = std::chrono::minutes(5);
};

// Identities that are always allowed everything: group system:masters. Others are refused for now,
// except system:anonymous on the probe paths; finer rules come with RBAC behind Authorizer.
class ApiServer : public http::Handler, public Component {
 public:
  // Creates the default namespaces and the CRDs of `options` if they are absent; the store, clock
  // and random source must outlive the server.
  static Result<std::unique_ptr<ApiServer>> open(store::Store& store, Clock& clock, Random& random,
                                                 Options options);
};

}  // namespace tidelock::apiserver
