// SPDX-License-Identifier: Apache-2.0
#include "controller/reconciler/domain.h"

#include <algorithm>
#include <set>

#include "controller/base/log.h"

namespace tidelock::reconciler {
namespace {

constexpr Duration kBackoffMin = std::chrono::milliseconds(100);
constexpr Duration kBackoffMax = std::chrono::seconds(30);
// A planner that asks for "now" with nothing to do must not make a busy loop of us.
constexpr Duration kPlanAgainMin = std::chrono::milliseconds(10);

Duration backoff(int failures, const Error& error) {
  Duration wait = kBackoffMin;
  for (int i = 1; i < failures && wait < kBackoffMax; ++i) wait *= 2;
  wait = std::min(wait, kBackoffMax);
  return std::max<Duration>(wait, std::chrono::seconds(error.retry_after_seconds));
}

}  // namespace

void Domain::start(std::int64_t lease_epoch, std::int64_t fence_epoch) {
  stop();
  planner::Options options;
  options.epoch = fence_epoch;
  options.after = fence_;
  planner_.emplace(options);
  lease_epoch_ = lease_epoch;
  dirty_ = true;
}

void Domain::stop() {
  // A lease that lapsed and that nobody else took keeps its epoch; the tasks that tell the highest fence may
  // be gone by then.
  if (planner_) fence_ = planner_->fence();
  planner_.reset();
  refusals_.clear();
  unsettled_.clear();
  takeover_ = {};
  next_plan_ = kNever;
}

Takeover& Domain::takeover() {
  if (takeover_.epoch != elector_.epoch()) takeover_ = {elector_.epoch(), false, {}};
  return takeover_;
}

TimePoint Domain::plan(TimePoint now, const Facts& facts, std::vector<Write>& writes) {
  if (!planner_) return kNever;
  if (!unsettled_.empty()) return settle(now, writes);
  if (!dirty_ && now < std::min(next_plan_, next_retry())) {
    return std::min(next_plan_, next_retry());
  }
  dirty_ = false;
  planner::Effects planned = planner_->plan(now);
  next_plan_ = std::max(planned.next, now + kPlanAgainMin);
  // What has waited long enough is tried with this plan, or is not wanted any more.
  std::set<WriteKey> waiting;
  for (const auto& [key, refusal] : refusals_) {
    if (refusal.retry_at > now) waiting.insert(key);
  }
  std::set<WriteKey> taken;
  for (const planner::Effect& effect : planned.effects) {
    std::optional<Write> write = write_of(effect, ns_, facts, now);
    if (!write || waiting.contains(key_of(*write))) continue;
    // A second write to an object could only conflict with the first: it comes with the next plan.
    if (!taken.insert(key_of(*write)).second) continue;
    writes.push_back(std::move(*write));
  }
  std::erase_if(refusals_, [&](const auto& entry) {
    return !waiting.contains(entry.first) && !taken.contains(entry.first);
  });
  return std::min(next_plan_, next_retry());
}

// Everything else waits for these.
TimePoint Domain::settle(TimePoint now, std::vector<Write>& writes) {
  TimePoint next = kNever;
  for (const auto& [key, write] : unsettled_) {
    const TimePoint retry_at = refusals_[key].retry_at;
    if (retry_at <= now) {
      writes.push_back(write);
    } else {
      next = std::min(next, retry_at);
    }
  }
  return next;
}

TimePoint Domain::next_retry() const {
  TimePoint next = kNever;
  for (const auto& [key, refusal] : refusals_) next = std::min(next, refusal.retry_at);
  return next;
}

void Domain::succeeded(const Write& write) {
  unsettled_.erase(key_of(write));
  refusals_.erase(key_of(write));
}

void Domain::refused(const Write& write, const Error& error, TimePoint now) {
  unsettled_.erase(key_of(write));
  Refusal& refusal = refusals_[key_of(write)];
  ++refusal.failures;
  refusal.retry_at = now + backoff(refusal.failures, error);
  log_refusal(write, error, refusal);
}

void Domain::unknown(Write write, const Error& error, TimePoint now) {
  const WriteKey key = key_of(write);
  Refusal& refusal = refusals_[key];
  ++refusal.failures;
  refusal.retry_at = now + backoff(refusal.failures, error);
  log_refusal(write, error, refusal);
  unsettled_.insert_or_assign(key, std::move(write));
}

void Domain::log_refusal(const Write& write, const Error& error, Refusal& refusal) {
  if (refusal.message == error.message) return;  // logged on change only
  refusal.message = error.message;
  log_warn("write failed", {{"namespace", ns_},
                            {"kind", write.kind},
                            {"name", write.key.name},
                            {"error", error.message}});
}

}  // namespace tidelock::reconciler
