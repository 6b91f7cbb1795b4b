// SPDX-License-Identifier: Apache-2.0
// Logs of tasks: their own API group, logs.tidelock.dev/v1alpha1, stored as files.
//
//   GET  …/namespaces/<ns>/deploymenttasks/<name>/log?step=&follow=&tailLines=&timestamps=&sinceOffset=
//   POST …/namespaces/<ns>/deploymenttasks/<name>/log?step=&attempt=&offset=   (body: text)
// A POST is idempotent by offset: bytes before the known end are skipped, so a repeated one after a
// lost answer adds nothing. With `end=true` the log is complete and followers end. Caps:
// limits::kTaskLogBytesMax (then one line says that it was cut). Thread-safe. Called after
// authentication (ApiServer's aggregated handlers).
#pragma once

#include <memory>
#include <string>

#include "controller/base/disk.h"
#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/http/message.h"

namespace tidelock::logs {

inline constexpr const char* kGroup = "logs.tidelock.dev";

struct Options {
  std::string folder;
  Duration retention = std::chrono::hours(24 * 7);
};

class LogService : public http::Handler, public Component {
 public:
  static Result<std::unique_ptr<LogService>> open(const Options& options, Disk& disk, Clock& clock);
};

}  // namespace tidelock::logs
