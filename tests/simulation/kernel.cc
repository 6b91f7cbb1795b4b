// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/kernel.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <tuple>

#include "controller/base/invariant.h"

namespace tidelock::simulation {

bool Kernel::Later::operator()(const Event& a, const Event& b) const {
  return std::tie(a.time, a.tie, a.sequence) > std::tie(b.time, b.tie, b.sequence);
}

void Kernel::at(TimePoint time, std::function<void()> event) {
  queue_.push_back({std::max(time, now_), random_.next(), sequence_++, std::move(event)});
  std::push_heap(queue_.begin(), queue_.end(), Later{});
}

bool Kernel::step(TimePoint limit) {
  if (queue_.empty() || queue_.front().time > limit) return false;
  std::pop_heap(queue_.begin(), queue_.end(), Later{});
  Event event = std::move(queue_.back());
  queue_.pop_back();
  now_ = event.time;
  ++events_;
  event.run();
  return true;
}

void Kernel::trace(std::string_view who, std::string_view what, std::string_view detail) {
  // Eight bytes at a time: a third of all that happens is text of kilobytes.
  const auto mix = [this](std::uint64_t word) {
    hash_ = (hash_ ^ word) * 1099511628211ULL;
    hash_ ^= hash_ >> 32;
  };
  const auto add = [&mix](std::string_view text) {
    mix(text.size());
    for (; !text.empty(); text.remove_prefix(std::min<std::size_t>(8, text.size()))) {
      std::uint64_t word = 0;
      std::memcpy(&word, text.data(), std::min<std::size_t>(8, text.size()));
      mix(word);
    }
  };
  const std::int64_t micros = (now_ - testing::kEpoch).count();
  mix(static_cast<std::uint64_t>(micros));
  add(who);
  add(what);
  add(detail);
  if (!print_) return;
  std::printf("%12.6f %-12.*s %.*s%s%.*s\n", static_cast<double>(micros) / 1e6,
              static_cast<int>(who.size()), who.data(), static_cast<int>(what.size()), what.data(),
              detail.empty() ? "" : "  ", static_cast<int>(detail.size()), detail.data());
}

void Kernel::violated(const std::string& invariant, const std::string& message) {
  if (violation_) return;
  violation_ = Violation{invariant, message, now_};
  trace("checker", "VIOLATED " + invariant, message);
}

}  // namespace tidelock::simulation
