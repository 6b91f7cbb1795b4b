// SPDX-License-Identifier: Apache-2.0
// Slow work that must not block the agent's loop: downloads, extraction, http steps, disk work.
//
// Started with a ticket, finished ones are taken by poll(); the real one (curl, libarchive) has a
// small pool of threads, the one of the tests answers in virtual time. All results are Results: a
// wrong digest, an unsafe archive or a full disk is an error that names the URL or the entry.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"

namespace tidelock::agent {

using Ticket = std::uint64_t;

// Downloads (file: or http(s):) to a cache, checks SHA-256, extracts (tar.gz, zip) into `directory`
// through a temporary sibling: afterwards the whole tree is there, durable, or nothing.
struct PackageJob {
  std::string url;
  std::string sha256;
  std::string directory;
  std::vector<std::string> substitute;  // files below it in which ${name} is replaced
  std::map<std::string, std::string> values;
};
struct HttpJob {
  std::string method;
  std::string url;
  std::map<std::string, std::string> headers;
  std::string body;
  int expect = 200;
  Duration timeout;
};
// Work on the disk that waits for it (fsync). Runs on another thread: it owns what it touches.
using DiskJob = std::function<Result<std::string>()>;
struct FetchDone {
  Ticket ticket = 0;
  Result<std::string> result;  // text for the step's log
};

// Not thread-safe, except that the Wake it was given is called from its own threads.
class Fetcher {
 public:
  virtual ~Fetcher() = default;
  virtual Ticket start(const PackageJob& job) = 0;
  virtual Ticket start(const HttpJob& job) = 0;
  virtual Ticket start(DiskJob job) = 0;
  // Best effort; the ticket's result still comes (an error).
  virtual void cancel(Ticket ticket) = 0;
  virtual std::vector<FetchDone> poll() = 0;
};

struct FetcherOptions {
  std::string cache_dir;
  int threads = 4;        // downloads and extractions at once
  int disk_threads = 16;  // disk jobs at once: they wait for the disk, which merges their flushes
  int http_threads = 64;
  Wake wake;
};
Result<std::unique_ptr<Fetcher>> make_fetcher(const FetcherOptions& options);

}  // namespace tidelock::agent
