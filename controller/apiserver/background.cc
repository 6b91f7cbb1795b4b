// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/background.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/base/log.h"

namespace tidelock::apiserver {
namespace {

constexpr const char* kRoot = "/registry/";
constexpr std::size_t kPage = 1'000;
constexpr std::size_t kEvents = 1'000;
// Writes that answer at once (a memory store) lead to further work in the same step; bounded so
// that a mistake in a controller cannot hang its thread.
constexpr int kRoundsMax = 10'000;
constexpr Duration kRetryLoad = std::chrono::seconds(1);

}  // namespace

Background::Background(Context& context)
    : context_(context),
      writer_(context),
      collector_(context, writer_),
      terminations_(context, writer_),
      expiry_(context, writer_),
      compaction_(context) {}

// Pending writes call back into writer_.
Background::~Background() { context_.in_flight.wait_for_none(); }

Result<void> Background::start() { return load(); }

Result<void> Background::load() {
  collector_.clear();
  terminations_.clear();
  expiry_.clear();
  watch_.reset();
  const TimePoint now = context_.clock.now();
  const std::string end = store::prefix_end(kRoot);
  std::string start = kRoot;
  store::Revision revision = 0;
  while (!start.empty()) {
    const auto page = context_.store.list(start, end, kPage, {revision});
    if (!page) return fail(page.error());
    revision = page->revision;
    for (const auto& entry : page->entries) observe(entry.key, &entry.value, nullptr, now);
    start = page->next;
  }
  auto watch = context_.store.watch(kRoot, end, revision, context_.options.wake);
  if (!watch) return fail(watch.error());
  watch_ = std::move(*watch);
  return {};
}

void Background::observe(const std::string& key, const std::string* value,
                         const std::string* previous, TimePoint now) {
  collector_.observe(key, value, previous);
  terminations_.observe(key, value);
  expiry_.observe(key, value, now);
}

bool Background::drain(TimePoint now) {
  bool any = false;
  while (watch_ != nullptr) {
    const auto events = watch_->next(kEvents);
    if (!events) {
      log_warn("background work reads everything again", {{"reason", events.error().message}});
      watch_.reset();
      break;
    }
    if (events->empty()) break;
    any = true;
    for (const auto& event : *events) {
      observe(event->key, event->value.get(), event->previous.get(), now);
    }
  }
  return any;
}

bool Background::run_controllers(TimePoint now) {
  const auto passed_over = writer_.take_passed_over();
  for (const auto& key : passed_over) collector_.touch(key);
  if (!passed_over.empty()) terminations_.touch_all();
  bool started = collector_.run();
  started = terminations_.run() || started;
  expiry_.run(now);
  return started;
}

TimePoint Background::step(TimePoint now) {
  if (watch_ == nullptr) {
    if (const auto loaded = load(); !loaded) {
      log_warn("background work cannot read the store", {{"error", loaded.error().message}});
      return now + kRetryLoad;
    }
  }
  for (int round = 0; round < kRoundsMax; ++round) {
    const bool drained = drain(now);
    const bool started = run_controllers(now);
    if (!drained && !started) break;
  }
  const TimePoint expiry_due = expiry_.run(now);
  if (watch_ == nullptr) return now;
  return std::min({expiry_due, writer_.retry(now), compaction_.step(now)});
}

}  // namespace tidelock::apiserver
