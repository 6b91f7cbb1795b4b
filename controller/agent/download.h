// SPDX-License-Identifier: Apache-2.0
// Getting bytes from URLs with libcurl: packages to files, and the requests of http steps.
//
// Only file:, http: and https: (http steps: not file:). Redirects are followed on the same scheme,
// host and port only. Blocking; thread-safe.
#pragma once

#include <atomic>
#include <string>

#include "controller/agent/fetcher.h"
#include "controller/base/result.h"

namespace tidelock::agent {

// To `path` (created, replaced), durable. Returns the SHA-256 as hex. On failure nothing is left at
// `path`.
Result<std::string> download(const std::string& url, const std::string& path,
                             const std::atomic<bool>& cancelled);

// "HTTP 200" and the beginning of the body; an error when the status is not the expected one.
Result<std::string> request(const HttpJob& job, const std::atomic<bool>& cancelled);

}  // namespace tidelock::agent
