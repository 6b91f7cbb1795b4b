// SPDX-License-Identifier: Apache-2.0
// Sending requests, the same way over a socket and in-process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "controller/http/message.h"

namespace tidelock::http {

// A streamed response being read, without blocking. Lines end in '\n'.
class LineStream {
 public:
  virtual ~LineStream() = default;
  enum class State { Open, Ended, Failed };
  // All complete lines that have arrived since the last call (without '\n').
  virtual std::vector<std::string> poll() = 0;
  // Ended: the server closed it in good order and poll() has handed out everything.
  virtual State state() const = 0;
};

struct StreamStart {
  int status = 0;  // not 2xx: `body` holds the whole answer and stream is null
  std::string body;
  std::unique_ptr<LineStream> stream;
};

// Thread-safe. A failure to reach the server is Reason::ServiceUnavailable or Timeout; every
// answer that came is a Response, whatever its status.
class Transport {
 public:
  virtual ~Transport() = default;
  // Sends all requests at once (the transport bounds how many are in flight) and returns when the
  // last answer is there: results[i] belongs to requests[i]. Order of execution is not defined.
  virtual std::vector<Result<Response>> send(std::vector<Request> requests) = 0;
  Result<Response> send(Request request);
  // Starts a streamed GET; `wake` is called when poll() or state() may have news.
  virtual Result<StreamStart> stream(Request request, Wake wake) = 0;
};

// Calls the handler directly with `peer` as the caller. The clock drives stream deadlines: pull at
// each poll().
std::unique_ptr<Transport> in_process_transport(Handler& handler, Peer peer);

}  // namespace tidelock::http
