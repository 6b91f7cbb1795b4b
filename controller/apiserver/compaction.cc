// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/compaction.h"

#include <algorithm>

#include "controller/base/log.h"

namespace tidelock::apiserver {
namespace {

constexpr int kNotesPerRetention = 10;
constexpr int kStoreStepsPerCall = 4;

}  // namespace

TimePoint Compaction::step(TimePoint now) {
  const Duration interval =
      std::max<Duration>(context_.options.history_retention / kNotesPerRetention, std::chrono::seconds(1));
  const store::Revision revision = context_.store.revision();
  if (notes_.empty() || notes_.back().time + interval <= now) {
    if (notes_.empty() || notes_.back().revision != revision) notes_.push_back({now, revision});
  }
  while (!notes_.empty() && notes_.front().time + context_.options.history_retention <= now) {
    target_ = notes_.front().revision;
    unfinished_ = target_ > 0;
    notes_.pop_front();
  }
  for (int i = 0; unfinished_ && i < kStoreStepsPerCall; ++i) {
    const auto more = context_.store.compact_step(target_);
    if (!more) {
      log_warn("compaction failed", {{"error", more.error().message}});
      break;
    }
    unfinished_ = *more;
  }
  if (unfinished_) return now;
  // An idle server has nothing to note: the next write wakes it.
  const bool idle = notes_.empty() || (notes_.size() == 1 && notes_.back().revision == revision);
  if (idle && target_ == revision) return kNever;
  return now + interval;
}

}  // namespace tidelock::apiserver
