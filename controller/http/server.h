// SPDX-License-Identifier: Apache-2.0
// The public port: HTTP/1.1 over TLS on Boost.Beast, with limits and timeouts on everything.
//
// Limits: base/limits.h (header, body, target, connections, read and idle time). Refused with a
// clean answer and a closed connection: oversized or malformed messages, Content-Length together
// with Transfer-Encoding, unknown transfer encodings. Client certificates are requested, not
// required; a certificate that does not verify against `client_ca_pem` fails the handshake.
#pragma once

#include <memory>
#include <string>

#include "controller/base/limits.h"
#include "controller/base/result.h"
#include "controller/http/message.h"

namespace tidelock::http {

struct ServerOptions {
  std::string address = "127.0.0.1";
  int port = 0;  // 0 = any free one
  std::string certificate_pem = {};
  std::string key_pem = {};
  std::string client_ca_pem = {};
  int io_threads = 1;
  int worker_threads = 4;  // call the Handler

  std::size_t connections_max = limits::kHttpConnectionsMax;  // one more is closed at once
  Duration handshake_timeout = limits::kHttpRequestReadTimeout;
  // From a request's first byte to its last.
  Duration read_timeout = limits::kHttpRequestReadTimeout;
  // Between requests; and for a reader that stands still.
  Duration idle_timeout = limits::kHttpIdleTimeout;
  Duration linger_timeout = std::chrono::seconds(2);  // for the other side to close as well
};

// Owns its threads. The destructor stops accepting, ends streams, waits for running handlers.
class Server {
 public:
  virtual ~Server() = default;
  virtual int port() const = 0;
  // Stops accepting and lets requests in work finish for at most `grace`; ends streams at once.
  virtual void stop(Duration grace) = 0;
};

Result<std::unique_ptr<Server>> start_server(const ServerOptions& options, Handler& handler,
                                             Clock& clock);

}  // namespace tidelock::http
