// SPDX-License-Identifier: Apache-2.0
// The agent's memory over its own crashes: which steps were started, and how they ended.
//
// One append-only file, one line per record: checksum, blank, JSON. Records of one loop are written
// by one durable append (commit). A torn or damaged line is skipped; after a failed append the file
// is rewritten before it is used again. Rewritten too when most of it is about forgotten tasks.
// Never holds values of variables. Not thread-safe.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "controller/api/kinds.h"
#include "controller/base/disk.h"
#include "controller/base/limits.h"
#include "controller/base/result.h"

namespace tidelock::agent {

struct StepRecord {
  int attempt = 0;                        // the newest one that was started
  std::string lock_file;                  // empty = no process (package, http)
  TimePoint started_at;
  std::optional<api::StepStatus> result;  // of that attempt
};

struct TaskRecord {
  std::string ns;
  std::string name;
  int attempt = 0;
  std::int64_t fence = 0;     // highest that was accepted
  std::string release_folder;  // name below releases/ that this task fills
  std::map<int, StepRecord> steps;  // by index
};

class Journal {
 public:
  // A missing file is an empty journal.
  static Result<Journal> open(Disk& disk, const std::string& path);

  const std::map<std::string, TaskRecord>& tasks() const { return tasks_; }  // by uid
  const TaskRecord* find(const std::string& uid) const;

  struct Start {
    std::string uid;
    std::string ns;
    std::string name;
    int attempt = 0;  // of the task
    std::int64_t fence = 0;
    std::string release_folder;
    int step = 0;
    int step_attempt = 0;
    std::string lock_file;
    TimePoint at;
  };
  // Both count only after the next commit() that succeeds; after one that fails they are kept and
  // are part of the next.
  void add_start(const Start& start);
  void add_result(const std::string& uid, int step, const api::StepStatus& status);
  // Durable when it returns. Nothing to do without new records.
  Result<void> commit();
  // The task is over and reported; its records go with the next rewrite.
  void forget(const std::string& uid);

 private:
  Journal(Disk& disk, std::string path) : disk_(&disk), path_(std::move(path)) {}
  void read(std::string_view bytes);
  void apply(std::string_view record);
  Result<void> rewrite();

  Disk* disk_;
  std::string path_;
  std::map<std::string, TaskRecord> tasks_;
  std::string pending_;     // lines for the next commit
  std::size_t size_ = 0;    // of the file
  std::size_t rewrite_at_ = limits::kJournalRewriteBytes;
  bool damaged_ = false;    // rewrite before the next append
};

}  // namespace tidelock::agent
