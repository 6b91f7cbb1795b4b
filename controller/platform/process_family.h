// SPDX-License-Identifier: Apache-2.0
// A family of processes = those that hold a lock file, plus the living descendants of one process.
//
// The lock is a flock() on an open file description that children inherit; the kernel drops it with
// the last descriptor. So its state survives us and cannot lie, which a pid file can. Linux only:
// holders are found by /proc/<pid>/fdinfo. Thread-safe; no state.
#pragma once

#include <sys/types.h>

#include <string>

#include "controller/base/process.h"
#include "controller/platform/unique_fd.h"

namespace tidelock::platform {

// Opens the file (created with mode 0600 if absent) and takes the lock exclusively. Conflict when
// an earlier family still holds it. To be inherited by one child and then closed here.
Result<UniqueFd> take_lock(const std::string& lock_file);

Liveness probe_lock(const std::string& lock_file);

// SIGKILL to every process that holds the lock and to every living descendant of `root` (0 = none),
// wherever their groups and sessions are; never to ourselves. Looks again, a bounded number of
// times, for children that were born meanwhile. Does not wait for the deaths.
void kill_family(const std::string& lock_file, pid_t root);

}  // namespace tidelock::platform
