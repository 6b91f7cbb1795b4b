// SPDX-License-Identifier: Apache-2.0
// HTTP requests and responses as values, and the two things that handle them.
//
// A Handler is called over a socket (http/server.h) or in-process; it does not know which. A
// Transport sends requests, over a socket (http/client.h) or straight into a Handler.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"

namespace tidelock::http {

// Names compare without regard to case.
struct HeaderLess {
  using is_transparent = void;
  bool operator()(std::string_view a, std::string_view b) const;
};
using Headers = std::multimap<std::string, std::string, HeaderLess>;
// The first value, or empty.
std::string_view header(const Headers& headers, std::string_view name);

// Who is at the other end, as far as the connection proves it.
struct Peer {
  // From a verified client certificate: CN and O's, as Kubernetes reads them.
  std::string certificate_user = {};
  std::vector<std::string> certificate_groups = {};
  // Set for in-process callers only: the identity the composition root gave them.
  std::string in_process_user = {};
  std::vector<std::string> in_process_groups = {};
  std::string address = {};  // "127.0.0.1:4711", for the audit log
};

struct Request {
  std::string method = "GET";  // upper case
  std::string target;          // as sent: path and query, e.g. "/api/v1/namespaces?limit=500"
  Headers headers;
  std::string body;
  Peer peer;
};

// A response body that is produced while it is read: a watch, a followed log.
class BodyStream {
 public:
  virtual ~BodyStream() = default;
  enum class Pull { Data, Pending, End };
  // Data: appended at least one byte to `out`. Pending: nothing now; the wake will be called.
  // Never blocks. One reader thread at a time.
  virtual Pull pull(std::string& out) = 0;
  // Called once before the first pull. The wake may be called from any thread, also spuriously,
  // until the stream is destroyed.
  virtual void on_ready(Wake wake) = 0;
  // The time at which the stream wants to be pulled though nothing woke it (its own timeout,
  // a periodic bookmark). kNever if there is none.
  virtual TimePoint deadline() const { return kNever; }
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;                    // unused when stream is set
  std::unique_ptr<BodyStream> stream;  // sent chunked, flushed at each Data
};

using Respond = std::function<void(Response)>;

// Thread-safe. `respond` is called exactly once, from any thread, perhaps before handle() returns.
class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(Request request, Respond respond) = 0;
};

// Target "path?query" taken apart. The path stays percent-encoded per segment until split.
struct Target {
  std::vector<std::string> segments;              // decoded, empty ones dropped
  std::string path;                               // as sent
  std::multimap<std::string, std::string> query;  // decoded
};
Result<Target> parse_target(std::string_view target);
std::string percent_encode(std::string_view text);  // everything but unreserved characters

}  // namespace tidelock::http
