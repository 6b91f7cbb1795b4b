// SPDX-License-Identifier: Apache-2.0
// Starts one program: posix_spawn with the descriptors, folder and environment of a ProcessSpec.
//
// posix_spawn does not copy the page tables of the parent (glibc: CLONE_VM | CLONE_VFORK), so its
// cost does not grow with the parent's memory as fork()'s does. Thread-safe.
#pragma once

#include <sys/types.h>

#include "controller/base/process.h"

namespace tidelock::platform {

// Where the inherited lock lives in the child: above the numbers that shell scripts use.
inline constexpr int kLockDescriptor = 19;

// The child leads a new session and group, has all signals at their default and unblocked, reads
// `input`, writes `output` as stdout and stderr, holds `lock` as kLockDescriptor, and no other
// descriptor of ours. The three stay open here; they must be above 2. Returns the pid, unreaped.
Result<pid_t> spawn(const ProcessSpec& spec, int input, int output, int lock);

}  // namespace tidelock::platform
