// SPDX-License-Identifier: Apache-2.0
// Sends the output of steps to the log service while they run, in few and idempotent requests.
//
// A step's attempt is a stream with its own byte offsets. A stream is sent when it is large or old
// enough, or when its task ended; nothing at all is sent for a task without output. When the
// service cannot take it, it is kept in bounded memory and tried again; no step ever waits for it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "controller/base/time.h"
#include "controller/client/api_client.h"

namespace tidelock::agent {

class LogShipper {
 public:
  LogShipper(client::ApiClient& api, std::size_t flush_bytes, Duration flush_interval)
      : api_(api), flush_bytes_(flush_bytes), flush_interval_(flush_interval) {}

  struct StreamKey {
    std::string step;
    int attempt = 0;
    auto operator<=>(const StreamKey&) const = default;
  };
  void append(const api::ObjectKey& task, const StreamKey& stream, std::string_view text,
              TimePoint now);
  // No more output of the task will come.
  void end(const api::ObjectKey& task);
  // Sends what is due. Returns when to be called again at the latest.
  TimePoint step(TimePoint now);

 private:
  struct Stream {
    std::uint64_t offset = 0;  // of the first byte of `unsent`
    std::string unsent;
    TimePoint since;           // of its oldest byte
  };
  struct TaskLog {
    std::map<StreamKey, Stream> streams;
    bool ended = false;
    int failures = 0;
    TimePoint retry_at;
  };
  struct Part {
    api::ObjectKey task;
    StreamKey stream;
    std::size_t size = 0;
    bool end = false;
  };
  bool due(const TaskLog& log, const Stream& stream, TimePoint now) const;
  std::vector<Part> due_parts(TimePoint now) const;
  std::vector<Part> ends(TimePoint now) const;
  void send(const std::vector<Part>& parts, TimePoint now);
  void settle(const Part& part, bool taken, bool refused, TimePoint now);
  http::Request request_of(const Part& part) const;
  TimePoint next(TimePoint now) const;

  client::ApiClient& api_;
  const std::size_t flush_bytes_;
  const Duration flush_interval_;
  std::map<api::ObjectKey, TaskLog> logs_;  // with output that is not sent, or without an end
};

}  // namespace tidelock::agent
