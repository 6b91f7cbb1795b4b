// SPDX-License-Identifier: Apache-2.0
#include "controller/logs/log_reader.h"

#include <algorithm>
#include <utility>

#include "controller/base/limits.h"

namespace tidelock::logs {
namespace {
constexpr std::size_t kPieceBytes = 64 * 1024;
}  // namespace

LogReader::LogReader(LogFiles& files, LogName name, ReadOptions options)
    : files_(files), name_(std::move(name)), options_(std::move(options)) {}

Result<bool> LogReader::read(std::uint64_t end, std::size_t bytes_max, std::string& out) {
  if (options_.tail_lines) {
    if (auto skipped = skip_to_tail(end); !skipped) return fail(skipped.error());
  }
  const std::size_t limit = out.size() + bytes_max;
  while (position_ < end && out.size() < limit) {
    const auto wanted = std::min<std::uint64_t>(kPieceBytes, end - position_);
    auto piece = files_.read(name_, position_, static_cast<std::size_t>(wanted));
    if (!piece) return fail(piece.error());
    if (piece->empty()) return true;  // shorter than we were told
    position_ += piece->size();
    pending_ += *piece;
    std::size_t start = 0;
    for (std::size_t feed; (feed = pending_.find('\n', start)) != std::string::npos;
         start = feed + 1) {
      auto record = parse_record(std::string_view(pending_).substr(start, feed - start));
      if (record) render(*record, out);
    }
    pending_.erase(0, start);
  }
  return position_ >= end;
}

void LogReader::finish(std::string& out) {
  auto open_lines = std::exchange(open_lines_, {});
  for (const auto& [key, text] : open_lines) emit(last_time_, key.first, text, out);
}

// Counts the lines once, then reads again from the start without the first ones.
Result<void> LogReader::skip_to_tail(std::uint64_t end) {
  const std::uint64_t wanted = *std::exchange(options_.tail_lines, std::nullopt);
  ReadOptions plain = options_;
  plain.since_offset = 0;
  plain.timestamps = plain.prefix = false;
  LogReader counter(files_, name_, plain);
  std::uint64_t lines = 0;
  for (bool done = false; !done;) {
    std::string text;
    auto more = counter.read(end, kPieceBytes, text);
    if (!more) return fail(more.error());
    done = *more;
    if (done) counter.finish(text);
    lines += static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
  }
  skip_lines_ = lines > wanted ? lines - wanted : 0;
  return {};
}

void LogReader::render(const Record& record, std::string& out) {
  last_time_ = record.time;
  if (record.kind == Record::Kind::End) {
    finish(out);
    return;
  }
  const bool ours = record.kind == Record::Kind::Cut;
  if (!options_.step.empty() && !ours && record.step != options_.step) return;
  const StreamKey key{std::string(record.step), record.attempt};
  if (record.kind == Record::Kind::Piece) {
    std::string& open = open_lines_[key];
    open += record.text;
    if (open.size() > limits::kLogLineBytesMax) {
      emit(record.time, record.step, std::exchange(open, {}), out);
    }
    return;
  }
  std::string line;
  if (auto open = open_lines_.find(key); open != open_lines_.end()) {
    line = std::move(open->second);
    open_lines_.erase(open);
    if (record.kind == Record::Kind::Gap) {
      emit(record.time, record.step, std::exchange(line, {}), out);
    }
  }
  if (record.kind == Record::Kind::Gap) {
    line.append("[").append(record.text).append(" bytes of this log are missing]");
  } else {
    line += record.text;
  }
  emit(record.time, record.step, line, out);
}

void LogReader::emit(TimePoint time, std::string_view step, std::string_view text,
                     std::string& out) {
  if (skip_lines_ > 0) {
    --skip_lines_;
    return;
  }
  std::string line;
  if (options_.timestamps) line += format_micro_time(time) + " ";
  if (options_.prefix) line.append("[").append(step).append("] ");
  line.append(text).append("\n");
  const auto skip = std::min<std::uint64_t>(options_.since_offset, line.size());
  options_.since_offset -= skip;
  out.append(line, static_cast<std::size_t>(skip));
}

}  // namespace tidelock::logs
