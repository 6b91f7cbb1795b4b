// SPDX-License-Identifier: Apache-2.0
#include "controller/agent/log_shipper.h"

#include <algorithm>

#include "controller/base/limits.h"
#include "controller/base/log.h"

namespace tidelock::agent {
namespace {

constexpr Duration kBackoffFirst = std::chrono::milliseconds(200);
constexpr Duration kBackoffMax = std::chrono::seconds(10);
constexpr int kFailuresMax = 30;  // then the log of an ended task is given up
constexpr std::size_t kPostBytesMax = 512 * 1024;

}  // namespace

void LogShipper::append(const api::ObjectKey& task, const StreamKey& key, std::string_view text,
                        TimePoint now) {
  if (text.empty()) return;
  Stream& stream = logs_[task].streams[key];
  if (stream.unsent.empty()) stream.since = now;
  stream.unsent += text;
  if (stream.unsent.size() <= limits::kUnsentLogBytesMax) return;
  // The service fills the gap with a line that says so.
  const std::size_t lost = stream.unsent.size() - limits::kUnsentLogBytesMax;
  stream.unsent.erase(0, lost);
  stream.offset += lost;
}

void LogShipper::end(const api::ObjectKey& task) {
  const auto found = logs_.find(task);
  if (found != logs_.end()) found->second.ended = true;
}

bool LogShipper::due(const TaskLog& log, const Stream& stream, TimePoint now) const {
  if (stream.unsent.empty() || now < log.retry_at) return false;
  return log.ended || stream.unsent.size() >= flush_bytes_ || stream.since + flush_interval_ <= now;
}

std::vector<LogShipper::Part> LogShipper::due_parts(TimePoint now) const {
  // What came first is sent first: the service keeps lines in the order in which they arrive.
  std::multimap<std::pair<api::ObjectKey, TimePoint>, Part> by_age;
  for (const auto& [task, log] : logs_) {
    for (const auto& [key, stream] : log.streams) {
      if (!due(log, stream, now)) continue;
      const std::size_t size = std::min(stream.unsent.size(), kPostBytesMax);
      const auto filled = [](const auto& entry) { return !entry.second.unsent.empty(); };
      const bool only = std::count_if(log.streams.begin(), log.streams.end(), filled) == 1;
      by_age.emplace(std::pair(task, stream.since),
                     Part{task, key, size, log.ended && only && size == stream.unsent.size()});
    }
  }
  std::vector<Part> parts;
  for (auto& [age, part] : by_age) parts.push_back(std::move(part));
  return parts;
}

// Tasks of which everything is sent but that it was all.
std::vector<LogShipper::Part> LogShipper::ends(TimePoint now) const {
  std::vector<Part> parts;
  for (const auto& [task, log] : logs_) {
    const auto sent = [](const auto& entry) { return entry.second.unsent.empty(); };
    if (log.ended && now >= log.retry_at &&
        std::all_of(log.streams.begin(), log.streams.end(), sent)) {
      parts.push_back({task, {}, 0, true});
    }
  }
  return parts;
}

http::Request LogShipper::request_of(const Part& part) const {
  http::Request request;
  request.method = "POST";
  request.target = "/apis/logs.tidelock.dev/v1alpha1/namespaces/" +
                   http::percent_encode(part.task.ns) + "/deploymenttasks/" +
                   http::percent_encode(part.task.name) + "/log?";
  if (part.size > 0) {
    const Stream& stream = logs_.at(part.task).streams.at(part.stream);
    request.target += "step=" + http::percent_encode(part.stream.step) +
                      "&attempt=" + std::to_string(part.stream.attempt) +
                      "&offset=" + std::to_string(stream.offset);
    request.headers.emplace("Content-Type", "text/plain");
    request.body = stream.unsent.substr(0, part.size);
    if (part.end) request.target += "&";
  }
  if (part.end) request.target += "end=true";
  return request;
}

void LogShipper::send(const std::vector<Part>& parts, TimePoint now) {
  if (parts.empty()) return;
  std::vector<http::Request> requests;
  for (const Part& part : parts) requests.push_back(request_of(part));
  const auto responses = api_.transport().send(std::move(requests));
  for (std::size_t i = 0; i < parts.size() && i < responses.size(); ++i) {
    const bool taken = responses[i] && responses[i]->status >= 200 && responses[i]->status < 300;
    // Not found, forbidden, too large: asking again does not help.
    const bool refused = responses[i] && responses[i]->status >= 400 &&
                         responses[i]->status < 500 && responses[i]->status != 429;
    settle(parts[i], taken, refused, now);
  }
}

void LogShipper::settle(const Part& part, bool taken, bool refused, TimePoint now) {
  const auto found = logs_.find(part.task);
  if (found == logs_.end()) return;
  TaskLog& log = found->second;
  if (!taken && !refused) {
    log.retry_at = now + std::min(kBackoffMax, kBackoffFirst * (1 << std::min(log.failures, 6)));
    if (++log.failures >= kFailuresMax && log.ended) logs_.erase(found);
    return;
  }
  if (refused) log_warn("log was refused", {{"task", part.task.name}, {"step", part.stream.step}});
  log.failures = 0;
  if (part.size > 0) {
    Stream& stream = log.streams.at(part.stream);
    stream.offset += part.size;
    stream.unsent.erase(0, part.size);
    stream.since = now;
  }
  if (part.end) logs_.erase(found);
}

TimePoint LogShipper::next(TimePoint now) const {
  TimePoint next = kNever;
  for (const auto& [task, log] : logs_) {
    if (log.ended) next = std::min(next, std::max(now, log.retry_at));
    for (const auto& [key, stream] : log.streams) {
      if (stream.unsent.empty()) continue;
      const bool large = stream.unsent.size() >= flush_bytes_;
      next = std::min(next, std::max(log.retry_at, large ? now : stream.since + flush_interval_));
    }
  }
  return next;
}

TimePoint LogShipper::step(TimePoint now) {
  send(due_parts(now), now);
  send(ends(now), now);
  return next(now);
}

}  // namespace tidelock::agent
