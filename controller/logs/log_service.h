// SPDX-License-Identifier: Apache-2.0
// Logs of tasks: their own API group, logs.tidelock.dev/v1alpha1, stored as files.
//
//   GET  …/namespaces/<ns>/deploymenttasks/<name>/log
//        ?step=&follow=&tailLines=&timestamps=&prefix=&sinceOffset=
//   POST …/namespaces/<ns>/deploymenttasks/<name>/log?step=&attempt=&offset=&end=   (body: text)
//
// POST: `offset` counts the bytes of this step's attempt, from 0. It makes a POST idempotent: bytes
// before the known end are skipped, so a repeated one after a lost answer adds nothing; a gap (bytes
// that a crash of the machine took from us) is filled by a line that says so. The answer names the
// new end: {"offset": n}. Without `offset` the text is appended. With `end=true` the log is complete
// and followers end; step and body may then be absent. Each line is stored with its step, attempt
// and the time of its arrival.
//
// GET: whole lines in the order of their completion, as text/plain; `step` selects one step,
// `timestamps` and `prefix` put the time and the step before each line, `tailLines` starts at the
// last n lines, `sinceOffset` skips so many bytes of the answer (to go on after a broken stream with
// the same other parameters), `follow` waits for more until the log is complete. A log that nobody
// has written to is 404.
//
// Caps: limits::kTaskLogBytesMax per task (then one line says that it was cut). Logs that nobody
// has written to for `retention` are removed by step(). Thread-safe. Called after authentication
// (ApiServer's aggregated handlers).
#pragma once

#include <memory>
#include <string>

#include "controller/base/disk.h"
#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/http/message.h"

namespace tidelock::logs {

inline constexpr const char* kGroup = "logs.tidelock.dev";

class LogFiles;

struct Options {
  std::string folder;
  Duration retention = std::chrono::hours(24 * 7);
};

class LogService : public http::Handler, public Component {
 public:
  static Result<std::unique_ptr<LogService>> open(const Options& options, Disk& disk, Clock& clock);
  // On the given files; both arguments must outlive the service.
  static std::unique_ptr<LogService> on(LogFiles& files, const Options& options, Clock& clock);
};

}  // namespace tidelock::logs
