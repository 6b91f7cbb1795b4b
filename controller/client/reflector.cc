// SPDX-License-Identifier: Apache-2.0
#include "controller/client/reflector.h"

#include <algorithm>
#include <utility>

#include "controller/base/log.h"
#include "controller/base/plant.h"
#include "controller/client/json_scan.h"

namespace tidelock::client {
namespace {

constexpr Duration kBackoffMin = std::chrono::milliseconds(100);
constexpr Duration kBackoffMax = std::chrono::seconds(10);
// A watch that ends sooner than this without an event counts as a failure (client-go's rule).
constexpr Duration kWatchTooShort = std::chrono::seconds(1);
// The server ends a watch in good order after this; a peer that vanished is noticed then at last.
constexpr const char* kWatchSeconds = "1800";

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

ReflectorCore::Change change_of(std::string_view object, bool deleted) {
  const std::string_view metadata = json_member(object, "metadata");
  ReflectorCore::Change change;
  change.key = {json_string(json_member(metadata, "namespace")),
                json_string(json_member(metadata, "name"))};
  change.resource_version = json_string(json_member(metadata, "resourceVersion"));
  change.uid = json_string(json_member(metadata, "uid"));
  if (!deleted) change.object = object;
  return change;
}

}  // namespace

bool older_version(std::string_view a, std::string_view b) {
  if (!is_number(a) || !is_number(b)) return a != b;
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

struct ReflectorCore::State {
  ApiClient& client;
  ReflectorOptions options;

  bool need_list = true;
  bool synced = false;
  std::string resource_version;
  std::unique_ptr<http::LineStream> stream;
  TimePoint stream_since;
  bool stream_had_event = false;
  int failures = 0;
  TimePoint retry_at;  // while failures > 0
  std::string last_failure;

  TimePoint step(TimePoint now, std::vector<Batch>& out);
  bool list(TimePoint now, std::vector<Batch>& out);
  Result<Batch> list_pages(int page_size);
  bool start_watch(TimePoint now);
  // False: the stream is closed and something else is to be done.
  bool read_watch(TimePoint now, std::vector<Batch>& out);
  bool take_line(TimePoint now, std::string_view line, Batch& batch);
  void watch_error(TimePoint now, std::string_view status);
  void failed(TimePoint now, const Error& error);
  void succeeded();
};

TimePoint ReflectorCore::State::step(TimePoint now, std::vector<Batch>& out) {
  for (;;) {
    if (!stream && failures > 0 && now < retry_at) return retry_at;
    if (need_list && !list(now, out)) return retry_at;
    if (!stream && !start_watch(now)) continue;
    if (read_watch(now, out)) return kNever;
  }
}

// The pager's rule: a continue token that expired is answered with one list of everything.
bool ReflectorCore::State::list(TimePoint now, std::vector<Batch>& out) {
  Result<Batch> listed = list_pages(options.page_size);
  if (!listed && listed.error().reason == Reason::Expired) listed = list_pages(0);
  if (!listed) {
    failed(now, listed.error());
    return false;
  }
  resource_version = listed->resource_version;
  out.push_back(std::move(*listed));
  need_list = false;
  synced = true;
  return true;
}

Result<ReflectorCore::Batch> ReflectorCore::State::list_pages(int page_size) {
  Batch batch;
  batch.replaced = true;
  ListOptions page{options.label_selector, options.field_selector, page_size, {}};
  do {
    Result<std::string> text = client.list(options.resource, options.ns, page);
    if (!text) return fail(text.error());
    const std::string_view metadata = json_member(*text, "metadata");
    batch.resource_version = json_string(json_member(metadata, "resourceVersion"));
    if (batch.resource_version.empty()) {
      return fail(Reason::ServiceUnavailable, "the list has no resourceVersion");
    }
    for (std::string_view item : json_elements(json_member(*text, "items"))) {
      batch.changes.push_back(change_of(item, false));
    }
    page.continue_token = json_string(json_member(metadata, "continue"));
  } while (!page.continue_token.empty());
  return batch;
}

bool ReflectorCore::State::start_watch(TimePoint now) {
  std::map<std::string, std::string> query{{"resourceVersion", resource_version},
                                           {"allowWatchBookmarks", "true"},
                                           {"timeoutSeconds", kWatchSeconds}};
  if (!options.label_selector.empty()) query["labelSelector"] = options.label_selector;
  if (!options.field_selector.empty()) query["fieldSelector"] = options.field_selector;
  Result<http::StreamStart> started =
      client.watch(options.resource, options.ns, query, options.wake);
  if (!started) {
    failed(now, started.error());
    return false;
  }
  if (!started->stream) {
    const Error error = error_from_response(started->status, started->body);
    need_list = error.reason == Reason::Expired;
    failed(now, error);
    return false;
  }
  stream = std::move(started->stream);
  stream_since = now;
  stream_had_event = false;
  return true;
}

bool ReflectorCore::State::read_watch(TimePoint now, std::vector<Batch>& out) {
  Batch batch;
  bool open = true;
  for (const std::string& line : stream->poll()) {
    if (open && !line.empty()) open = take_line(now, line, batch);
  }
  if (!batch.changes.empty()) out.push_back(std::move(batch));
  const http::LineStream::State state = stream->state();
  if (open && state == http::LineStream::State::Open) return true;
  stream.reset();
  if (!open) return false;
  const Duration lasted = now - stream_since;
  if (lasted > kBackoffMax) failures = 0;
  const bool broken = state == http::LineStream::State::Failed ||
                      (!stream_had_event && lasted < kWatchTooShort);
  if (broken) failed(now, make_error(Reason::ServiceUnavailable, "the watch broke off"));
  return false;
}

bool ReflectorCore::State::take_line(TimePoint now, std::string_view line, Batch& batch) {
  const std::string type = json_string(json_member(line, "type"));
  const std::string_view object = json_member(line, "object");
  if (type == "ERROR") {
    watch_error(now, object);
    return false;
  }
  const bool known =
      type == "ADDED" || type == "MODIFIED" || type == "DELETED" || type == "BOOKMARK";
  Change change = change_of(object, type == "DELETED");
  if (!known || change.resource_version.empty()) {
    need_list = true;
    failed(now, make_error(Reason::ServiceUnavailable, "the watch sent a line that is no event"));
    return false;
  }
  stream_had_event = true;
  succeeded();
  resource_version = change.resource_version;
  const bool dropped = TIDELOCK_PLANT(DropWatchEvent) && type == "MODIFIED" && change.resource_version.back() == '7';
  if (type != "BOOKMARK" && !dropped) batch.changes.push_back(std::move(change));
  return true;
}

void ReflectorCore::State::watch_error(TimePoint now, std::string_view status) {
  const std::string_view code = json_member(status, "code");
  Error error = error_from_response(code == "410" ? 410 : 500, status);
  need_list = !TIDELOCK_PLANT(IgnoreExpired);
  // History that is gone is the server's normal course: list again at once, but not in a circle.
  if (error.reason == Reason::Expired && stream_had_event) return;
  failed(now, error);
}

void ReflectorCore::State::failed(TimePoint now, const Error& error) {
  Duration backoff = kBackoffMin;
  for (int i = 0; i < failures && backoff < kBackoffMax; ++i) backoff *= 2;
  backoff = std::min(backoff, kBackoffMax);
  backoff = std::max<Duration>(backoff, std::chrono::seconds(error.retry_after_seconds));
  ++failures;
  retry_at = now + backoff;
  if (last_failure == error.message) return;  // logged on change only
  last_failure = error.message;
  log_warn("watch interrupted", {{"resource", options.resource.plural}, {"error", error.message}});
}

void ReflectorCore::State::succeeded() {
  if (failures > 0) log_info("watch goes on", {{"resource", options.resource.plural}});
  failures = 0;
  last_failure.clear();
}

ReflectorCore::ReflectorCore(ApiClient& client, ReflectorOptions options)
    : state_(new State{.client = client,
                       .options = std::move(options),
                       .resource_version = {},
                       .stream = nullptr,
                       .stream_since = {},
                       .retry_at = {},
                       .last_failure = {}}) {}
ReflectorCore::~ReflectorCore() = default;

TimePoint ReflectorCore::step(TimePoint now, std::vector<Batch>& out) {
  return state_->step(now, out);
}
bool ReflectorCore::synced() const { return state_->synced; }
const std::string& ReflectorCore::resource_version() const { return state_->resource_version; }

}  // namespace tidelock::client
