// SPDX-License-Identifier: Apache-2.0
// Watches: one BodyStream for each, over a watch of the store.
//
//   Initial (list at one revision, page by page) → [bookmark] → Live → End
//
// Ended by its timeout, by a resource that is no longer served, or after an ERROR event.
#include <optional>

#include "controller/apiserver/api_call.h"
#include "controller/apiserver/object_codec.h"
#include "controller/apiserver/rendering.h"
#include "controller/apiserver/request_options.h"
#include "controller/apiserver/selection.h"
#include "controller/apiserver/status.h"
#include "controller/base/plant.h"

namespace tidelock::apiserver {
namespace {

constexpr std::size_t kInitialPage = 500;
constexpr std::size_t kEventsPerPull = 500;
constexpr Duration kBookmarkInterval = std::chrono::minutes(1);
// The last bookmark comes this long before the end, so that it is not lost with the connection.
constexpr Duration kBookmarkBeforeEnd = std::chrono::seconds(2);

struct WatchPlan {
  std::string start;
  std::string end;
  std::optional<store::Revision> after;  // nullopt: initial events first
  bool bookmarks = false;
  TimePoint ends_at;
  std::string include_object;
};

class WatchStream final : public http::BodyStream {
 public:
  WatchStream(Context& context, ResourceTypePtr type, Answer answer, Selection selection,
              WatchPlan plan)
      : context_(context),
        type_(std::move(type)),
        answer_(answer),
        selection_(std::move(selection)),
        plan_(std::move(plan)),
        next_bookmark_(context.clock.now() + kBookmarkInterval) {}

  ~WatchStream() override {
    watch_.reset();
    if (hub_id_ != 0) context_.watches.remove(hub_id_);
  }

  void on_ready(Wake wake) override {
    wake_ = wake;
    hub_id_ = context_.watches.add(std::move(wake));
  }

  Pull pull(std::string& out) override {
    if (ended_) return Pull::End;
    const std::size_t before = out.size();
    do {
      more_ = false;
      if (!watch_) {
        send_initial(out);
      } else {
        send_live(out);
      }
    } while (more_ && out.size() == before);
    if (out.size() > before) return Pull::Data;
    return ended_ ? Pull::End : Pull::Pending;
  }

  TimePoint deadline() const override {
    if (ended_) return kNever;
    return plan_.bookmarks ? std::min(bookmark_due(), plan_.ends_at) : plan_.ends_at;
  }

 private:
  TimePoint bookmark_due() const {
    const TimePoint last = plan_.ends_at - kBookmarkBeforeEnd;
    return sent_last_bookmark_ ? kNever : std::min(next_bookmark_, last);
  }

  // Runs page by page through the state at one revision; then goes live from there.
  void send_initial(std::string& out) {
    if (plan_.after) return go_live(*plan_.after, out);
    if (next_.empty()) next_ = plan_.start;
    auto page = context_.store.list(next_, plan_.end, kInitialPage, {initial_revision_});
    if (!page) return send_error(page.error(), out);
    initial_revision_ = page->revision;
    for (const auto& entry : page->entries) {
      if (selection_.everything() || selection_.matches(entry.key, entry.value)) {
        send_object(EventType::Added, entry.value, entry.mod_revision, out);
      }
    }
    next_ = page->next;
    more_ = !next_.empty();
    if (more_) return;
    if (plan_.bookmarks) {
      append_event(out, EventType::Bookmark,
                   render_bookmark(type_, answer_, initial_revision_, true));
    }
    go_live(initial_revision_, out);
  }

  void go_live(store::Revision after, std::string& out) {
    auto watch = context_.store.watch(plan_.start, plan_.end, after, wake_);
    if (!watch) return send_error(watch.error(), out);
    watch_ = std::move(*watch);
    after_ = after;
    send_live(out);
  }

  void send_live(std::string& out) {
    const bool gone = type_->served->gone;  // looked at first: what came before it is sent
    auto events = watch_->next(kEventsPerPull);
    if (!events) return send_error(events.error(), out);
    for (const auto& event : *events) {
      if (TIDELOCK_PLANT(SkipServerEvent) && event->revision % 97 == 0) continue;
      send_event(event, out);
    }
    more_ = events->size() == kEventsPerPull;
    if (more_) return;
    if (gone) ended_ = true;
    const TimePoint now = context_.clock.now();
    if (plan_.bookmarks && now >= bookmark_due()) send_bookmark(now, out);
    if (now >= plan_.ends_at) ended_ = true;
  }

  void send_bookmark(TimePoint now, std::string& out) {
    if (now >= plan_.ends_at - kBookmarkBeforeEnd) sent_last_bookmark_ = true;
    next_bookmark_ = now + kBookmarkInterval;
    const store::Revision position =
        std::max(after_, watch_->position()) + (TIDELOCK_PLANT(BookmarkAhead) ? 3 : 0);
    if (position > 0) {
      append_event(out, EventType::Bookmark, render_bookmark(type_, answer_, position, false));
    }
  }

  // Whether the watcher sees the object before and after decides what the event is to it.
  void send_event(const store::EventPtr& event, std::string& out) {
    EventType type = EventEncoder::plain_type(*event);
    if (!selection_.everything()) {
      const bool saw = event->previous && selection_.matches(event->key, *event->previous);
      const bool sees = event->value && selection_.matches(event->key, *event->value);
      if (!saw && !sees) return;
      type = !saw ? EventType::Added : !sees ? EventType::Deleted : EventType::Modified;
    }
    if (answer_.view == Answer::View::Object && !answer_.yaml) {
      out += *context_.encoder.line(event, type, type_);
      return;
    }
    const auto& state = type == EventType::Deleted ? event->previous : event->value;
    send_object(type, *state, event->revision, out);
  }

  void send_object(EventType type, std::string_view stored, store::Revision revision,
                   std::string& out) {
    auto object = render_watched(context_, type_, answer_, plan_.include_object, stored, revision,
                                 !sent_columns_);
    if (!object) return send_error(object.error(), out);
    sent_columns_ = true;
    append_event(out, type, *object);
  }

  void send_error(const Error& error, std::string& out) {
    Error shown = from_store(error);
    if (shown.reason == Reason::Expired) {
      shown = make_error(Reason::Expired,
                         "too old resource version: " + std::to_string(plan_.after.value_or(after_)) +
                             " (" + std::to_string(context_.store.compacted_revision()) + ")");
    }
    append_event(out, EventType::Error, status_body(shown));
    ended_ = true;
  }

  Context& context_;
  const ResourceTypePtr type_;
  const Answer answer_;
  const Selection selection_;
  const WatchPlan plan_;
  Wake wake_;
  std::uint64_t hub_id_ = 0;
  std::unique_ptr<store::Watch> watch_;  // null while initial
  std::string next_;                     // key of the next initial page
  store::Revision initial_revision_ = 0;
  store::Revision after_ = 0;
  TimePoint next_bookmark_;
  bool more_ = false;  // the last read may not have been all there is
  bool sent_columns_ = false;
  bool sent_last_bookmark_ = false;
  bool ended_ = false;
};

// 30 to 60 minutes, so that watches that began together do not end together.
Duration default_timeout(Context& context) {
  return std::chrono::seconds(context.random.between(1800, 3600));
}

Result<WatchPlan> plan_watch(const ApiCall& call, const ListOptions& options,
                             const Selection& selection) {
  WatchPlan plan;
  plan.start = call.type->prefix(call.info.ns);
  plan.end = store::prefix_end(plan.start);
  const bool one_place = !call.info.ns.empty() || !call.type->namespaced;
  if (const auto name = selection.exact_name(); name && one_place) {
    plan.start += *name;
    plan.end = plan.start + '\0';
  }
  const auto revision = parse_resource_version(options.resource_version, 500);
  if (!revision) return fail(revision.error());
  const bool initial =
      options.send_initial_events ? *options.send_initial_events : *revision == 0;
  if (initial && *revision > call.context.store.revision()) {
    Error error = make_error(Reason::Timeout,
                             "Timeout: Too large resource version: " + std::to_string(*revision) +
                                 ", current: " + std::to_string(call.context.store.revision()));
    error.causes = {{"ResourceVersionTooLarge", "Too large resource version", ""}};
    error.retry_after_seconds = 1;
    return fail(std::move(error));
  }
  if (!initial) plan.after = *revision == 0 ? call.context.store.revision() : *revision;
  plan.bookmarks = options.allow_bookmarks;
  plan.include_object = options.include_object;
  plan.ends_at =
      call.context.clock.now() + options.timeout.value_or(default_timeout(call.context));
  return plan;
}

}  // namespace

void watch_objects(const CallPtr& call) {
  const auto answer = negotiate(http::header(call->request.headers, "Accept"), false);
  if (!answer) return call->send_error(answer.error());
  const auto options = parse_list_options(call->target, true);
  if (!options) return call->send_error(options.error());
  auto selection = Selection::parse(*call->type, options->label_selector, options->field_selector);
  if (!selection) return call->send_error(selection.error());
  auto plan = plan_watch(*call, *options, *selection);
  if (!plan) return call->send_error(plan.error());
  http::Response response;
  response.headers.emplace("Content-Type", "application/json");
  response.stream = std::make_unique<WatchStream>(call->context, call->type, *answer,
                                                  std::move(*selection), std::move(*plan));
  call->send(std::move(response));
}

}  // namespace tidelock::apiserver
