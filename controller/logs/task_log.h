// SPDX-License-Identifier: Apache-2.0
// One log being written: where each step's attempt ends, who follows, whether it is complete.
//
// Thread-safe. Built by scanning the file once; a torn record at its end is cut off first.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/logs/log_files.h"
#include "controller/logs/log_record.h"

namespace tidelock::logs {

struct Append {
  std::string step;
  int attempt = 1;
  std::optional<std::uint64_t> offset;  // of the text in the step's attempt; absent = at its end
  bool end = false;
};

class TaskLog {
 public:
  TaskLog(LogFiles& files, LogName name);

  // The file does not exist yet: NotFound unless `create`.
  Result<void> load(bool create);
  // The end of the step's attempt afterwards.
  Result<std::uint64_t> append(const Append& append, std::string_view text, TimePoint now);

  const LogName& name() const { return name_; }
  std::uint64_t size() const { return size_.load(); }  // whole records only
  bool ended() const { return ended_.load(); }
  // Followers' wakes, called after each append. The id is for unfollow().
  std::uint64_t follow(Wake wake);
  void unfollow(std::uint64_t id);
  bool followed() const;
  // Followers read what is there and end.
  void close();

 private:
  using StreamKey = std::pair<std::string, int>;

  Result<void> scan(std::uint64_t file_size);
  void remember(const Record& record);
  // The records that `text` becomes, caps included.
  std::string records_of(const Append& append, std::string_view text, TimePoint now);
  void wake_followers();

  LogFiles& files_;
  const LogName name_;
  std::mutex mutex_;  // guards the four below; held while the file is written
  bool loaded_ = false;
  bool cut_ = false;
  std::map<StreamKey, std::uint64_t> ends_;
  std::atomic<std::uint64_t> size_{0};
  std::atomic<bool> ended_{false};
  mutable std::mutex followers_mutex_;  // guards the two below; never taken together with mutex_
  std::map<std::uint64_t, Wake> followers_;
  std::uint64_t next_follower_ = 1;
};

}  // namespace tidelock::logs
