// SPDX-License-Identifier: Apache-2.0
#include "controller/logs/task_log.h"

#include <algorithm>

#include "controller/base/limits.h"

namespace tidelock::logs {
namespace {

constexpr std::size_t kScanPieceBytes = 256 * 1024;
constexpr std::string_view kNoStep = "-";

}  // namespace

TaskLog::TaskLog(LogFiles& files, LogName name) : files_(files), name_(std::move(name)) {}

Result<void> TaskLog::load(bool create) {
  const std::lock_guard lock(mutex_);
  if (loaded_) return {};
  Result<std::uint64_t> size = files_.size(name_);
  if (!size && size.error().reason == Reason::NotFound && create) {
    loaded_ = true;
    return {};
  }
  if (!size) return fail(size.error());
  if (auto scanned = scan(*size); !scanned) return scanned;
  loaded_ = true;
  return {};
}

Result<void> TaskLog::scan(std::uint64_t file_size) {
  std::string pending;
  std::uint64_t whole = 0;
  for (std::uint64_t position = 0; position < file_size;) {
    auto piece = files_.read(name_, position, kScanPieceBytes);
    if (!piece) return fail(piece.error());
    if (piece->empty()) break;
    position += piece->size();
    pending += *piece;
    std::size_t start = 0;
    for (std::size_t feed; (feed = pending.find('\n', start)) != std::string::npos;
         start = feed + 1) {
      auto record = parse_record(std::string_view(pending).substr(start, feed - start));
      if (record) remember(*record);
    }
    whole += start;
    pending.erase(0, start);
  }
  if (whole < file_size) {
    if (auto cut = files_.truncate(name_, whole); !cut) return cut;
  }
  size_ = whole;
  return {};
}

void TaskLog::remember(const Record& record) {
  if (record.kind == Record::Kind::End) ended_ = true;
  if (record.kind == Record::Kind::Cut) cut_ = true;
  if (const std::uint64_t bytes = stream_bytes(record); bytes > 0) {
    ends_[{std::string(record.step), record.attempt}] += bytes;
  }
}

Result<std::uint64_t> TaskLog::append(const Append& append, std::string_view text, TimePoint now) {
  std::uint64_t end = 0;
  {
    const std::lock_guard lock(mutex_);
    const StreamKey key{append.step, append.attempt};
    end = ends_[key];
    if (append.offset && *append.offset < end) {
      text.remove_prefix(std::min<std::uint64_t>(text.size(), end - *append.offset));
    }
    const std::string bytes = records_of(append, text, now);
    if (bytes.empty()) return end;
    if (auto written = files_.append(name_, bytes); !written) {
      // What was half written must not stand in front of the next try.
      (void)files_.truncate(name_, size_.load());
      return fail(written.error());
    }
    std::string_view rest = bytes;
    while (!rest.empty()) {
      const std::size_t feed = rest.find('\n');
      if (auto record = parse_record(rest.substr(0, feed))) remember(*record);
      rest.remove_prefix(feed + 1);
    }
    size_ += bytes.size();
    end = ends_[key];
  }
  wake_followers();
  return end;
}

std::string TaskLog::records_of(const Append& append, std::string_view text, TimePoint now) {
  std::string bytes;
  const std::string_view step = append.step.empty() ? kNoStep : std::string_view(append.step);
  Record record{Record::Kind::Line, now, append.attempt, step, {}};
  if (cut_) text = {};
  const std::uint64_t end = ends_[{append.step, append.attempt}];
  std::string missing;
  if (!text.empty() && append.offset && *append.offset > end) {
    missing = std::to_string(*append.offset - end);
    record.kind = Record::Kind::Gap;
    record.text = missing;
    bytes += to_line(record);
  }
  if (!text.empty() && size_.load() + text.size() > limits::kTaskLogBytesMax) {
    const std::string said =
        "[cut: the log of a task holds " + std::to_string(limits::kTaskLogBytesMax) + " bytes]";
    record.kind = Record::Kind::Cut;
    record.text = said;
    bytes += to_line(record);
    text = {};
  }
  while (!text.empty()) {
    const std::size_t feed = text.find('\n');
    record.kind = feed == std::string_view::npos ? Record::Kind::Piece : Record::Kind::Line;
    record.text = text.substr(0, feed);
    bytes += to_line(record);
    text.remove_prefix(feed == std::string_view::npos ? text.size() : feed + 1);
  }
  if (append.end && !ended_.load()) {
    bytes += to_line({Record::Kind::End, now, append.attempt, kNoStep, {}});
  }
  return bytes;
}

std::uint64_t TaskLog::follow(Wake wake) {
  const std::lock_guard lock(followers_mutex_);
  followers_[next_follower_] = std::move(wake);
  return next_follower_++;
}

void TaskLog::unfollow(std::uint64_t id) {
  const std::lock_guard lock(followers_mutex_);
  followers_.erase(id);
}

bool TaskLog::followed() const {
  const std::lock_guard lock(followers_mutex_);
  return !followers_.empty();
}

void TaskLog::close() {
  ended_ = true;
  wake_followers();
}

// Under the mutex, so that no wake is called after unfollow() has returned.
void TaskLog::wake_followers() {
  const std::lock_guard lock(followers_mutex_);
  for (const auto& [id, wake] : followers_) {
    if (wake) wake();
  }
}

}  // namespace tidelock::logs
