// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/unit/apiserver/widgets.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

struct Seen {
  std::string type;
  json object;
};

std::vector<Seen> poll(http::LineStream& stream) {
  std::vector<Seen> seen;
  for (const auto& line : stream.poll()) {
    json event = json::parse(line);
    seen.push_back({event["type"], event["object"]});
  }
  return seen;
}

std::vector<std::string> types(const std::vector<Seen>& seen) {
  std::vector<std::string> out;
  for (const auto& event : seen) out.push_back(event.type);
  return out;
}
using Types = std::vector<std::string>;

std::string revision(WidgetServer& api) { return std::to_string(api.store().revision()); }
std::string watch_from(WidgetServer& api, const std::string& more = "") {
  return std::string(kWidgets) + "?watch=true&resourceVersion=" + revision(api) + more;
}

TEST_CASE("a watch from a revision sees what comes after it", "[apiserver][watch]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  auto stream = api.watch(watch_from(api));
  CHECK(stream->poll().empty());
  api.post(kWidgets, widget("w2"));
  api.merge(api.path("w2"), R"({"spec":{"size":1}})");
  const json last = api.get(api.path("w2")).json();
  api.remove(api.path("w2"));
  const auto seen = poll(*stream);
  REQUIRE(types(seen) == Types{"ADDED", "MODIFIED", "DELETED"});
  CHECK(seen[1].object == last);
  CHECK(seen[2].object["spec"] == last["spec"]);
  CHECK(seen[2].object["metadata"]["resourceVersion"] == revision(api));
}

TEST_CASE("a watch without a revision begins with all there is", "[apiserver][watch]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  const json stored = api.get(api.path("w1")).json();
  for (const char* version : {"", "&resourceVersion=0"}) {
    auto stream = api.watch(std::string(kWidgets) + "?watch=1" + version);
    const auto seen = poll(*stream);
    REQUIRE(types(seen) == Types{"ADDED"});
    CHECK(seen[0].object == stored);
  }
}

TEST_CASE("initial events of many pages all come", "[apiserver][watch]") {
  WidgetServer api;
  for (int i = 0; i < 1'200; ++i) api.post(kWidgets, widget("w" + std::to_string(i)));
  auto all = api.watch(std::string(kWidgets) + "?watch=1");
  CHECK(all->poll().size() == 1'200);
  auto one = api.watch("/apis/contract.example.dev/v1/widgets?watch=1&fieldSelector=metadata.name%3Dw999");
  CHECK(one->poll().size() == 1);
}

TEST_CASE("an object that leaves a selection is DELETED, one that enters is ADDED",
          "[apiserver][watch]") {
  WidgetServer api;
  auto stream = api.watch(watch_from(api, "&labelSelector=a%3Db"));
  api.post(kWidgets, widget("w1"));
  api.merge(api.path("w1"), R"({"metadata":{"labels":{"a":"b"}}})");
  api.merge(api.path("w1"), R"({"spec":{"size":1}})");
  api.merge(api.path("w1"), R"({"metadata":{"labels":{"a":"c"}}})");
  const std::string last = revision(api);
  api.remove(api.path("w1"));
  const auto seen = poll(*stream);
  REQUIRE(types(seen) == Types{"ADDED", "MODIFIED", "DELETED"});
  CHECK(seen[2].object["metadata"]["labels"]["a"] == "b");  // the state before
  CHECK(seen[2].object["metadata"]["resourceVersion"] == last);
}

TEST_CASE("a watch may select by a CRD's selectable field", "[apiserver][watch]") {
  WidgetServer api;
  auto stream = api.watch(watch_from(api, "&fieldSelector=spec.color%3Dblue"));
  api.post(kWidgets, widget("w1", R"({"color":"red"})"));
  api.post(kWidgets, widget("w2", R"({"color":"blue"})"));
  const auto seen = poll(*stream);
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].object["metadata"]["name"] == "w2");
}

TEST_CASE("a no-op write sends no event", "[apiserver][watch]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  auto stream = api.watch(watch_from(api));
  api.merge(api.path("w1"), R"({"spec":{"color":"red"}})");
  CHECK(stream->poll().empty());
}

TEST_CASE("a WatchList ends its initial events with the bookmark", "[apiserver][watch]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  auto stream = api.watch(std::string(kWidgets) +
                          "?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
                          "&allowWatchBookmarks=true");
  const auto seen = poll(*stream);
  REQUIRE(types(seen) == Types{"ADDED", "BOOKMARK"});
  CHECK(seen[1].object ==
        json{{"kind", "Widget"},
             {"apiVersion", "contract.example.dev/v1"},
             {"metadata",
              {{"resourceVersion", revision(api)},
               {"annotations", {{"k8s.io/initial-events-end", "true"}}}}}});
  api.post(kWidgets, widget("w2"));
  CHECK(types(poll(*stream)) == Types{"ADDED"});
}

TEST_CASE("sendInitialEvents needs its match, and a match needs it", "[apiserver][watch]") {
  WidgetServer api;
  const std::string watch = std::string(kWidgets) + "?watch=1";
  CHECK(api.get(watch + "&sendInitialEvents=true").status == 422);
  CHECK(api.get(watch + "&resourceVersionMatch=NotOlderThan").status == 422);
  CHECK(api.get(std::string(kWidgets) + "?sendInitialEvents=true").status == 422);
}

TEST_CASE("bookmarks come each minute and before the end, when asked for", "[apiserver][watch]") {
  WidgetServer api;
  auto stream = api.watch(watch_from(api, "&allowWatchBookmarks=true&timeoutSeconds=100"));
  auto plain = api.watch(watch_from(api, "&timeoutSeconds=100"));
  CHECK(stream->poll().empty());
  api.clock().advance(std::chrono::seconds(61));
  const auto first = poll(*stream);
  REQUIRE(types(first) == Types{"BOOKMARK"});
  CHECK_FALSE(first[0].object["metadata"].contains("annotations"));
  api.clock().advance(std::chrono::seconds(38));
  CHECK(types(poll(*stream)) == Types{"BOOKMARK"});
  CHECK(stream->state() == http::LineStream::State::Open);
  api.clock().advance(std::chrono::seconds(1));
  CHECK(stream->poll().empty());
  CHECK(stream->state() == http::LineStream::State::Ended);
  CHECK(plain->poll().empty());
  CHECK(plain->state() == http::LineStream::State::Ended);
}

TEST_CASE("a bookmark moves on with what happens elsewhere", "[apiserver][watch]") {
  WidgetServer api;
  auto stream = api.watch(watch_from(api, "&allowWatchBookmarks=true"));
  api.post("/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"a"}})");
  api.clock().advance(std::chrono::seconds(61));
  const auto seen = poll(*stream);
  REQUIRE(types(seen) == Types{"BOOKMARK"});
  CHECK(seen[0].object["metadata"]["resourceVersion"] == revision(api));
}

TEST_CASE("a watch from compacted history gets an ERROR event and ends", "[apiserver][watch]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  api.post(kWidgets, widget("w2"));
  REQUIRE(api.store().compact_step(api.store().revision()));
  auto stream = api.watch(std::string(kWidgets) + "?watch=1&resourceVersion=1");
  const auto seen = poll(*stream);
  REQUIRE(types(seen) == Types{"ERROR"});
  CHECK(seen[0].object["code"] == 410);
  CHECK(seen[0].object["reason"] == "Expired");
  CHECK(seen[0].object["message"] == "too old resource version: 1 (" + revision(api) + ")");
  CHECK(stream->poll().empty());
  CHECK(stream->state() == http::LineStream::State::Ended);
}

TEST_CASE("a watch from the future is silent until it is there", "[apiserver][watch]") {
  WidgetServer api;
  auto stream = api.watch(std::string(kWidgets) + "?watch=1&resourceVersion=" +
                          std::to_string(api.store().revision() + 1));
  api.post(kWidgets, widget("w1"));
  CHECK(stream->poll().empty());
  api.post(kWidgets, widget("w2"));
  CHECK(types(poll(*stream)) == Types{"ADDED"});
  CHECK(api.get(std::string(kWidgets) + "?watch=1&resourceVersion=abc").status == 500);
}

TEST_CASE("bad selectors are 400 before the stream", "[apiserver][watch]") {
  WidgetServer api;
  CHECK(api.get(std::string(kWidgets) + "?watch=1&fieldSelector=spec.mode%3Dx").status == 400);
}

TEST_CASE("a Table watch sends the columns once", "[apiserver][watch]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  http::Request request;
  request.target = std::string(kWidgets) + "?watch=1&allowWatchBookmarks=true";
  request.headers.emplace("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
  auto start = api.transport().stream(request, [] {});
  REQUIRE(start);
  auto seen = poll(*start->stream);
  api.post(kWidgets, widget("w2"));
  for (auto& event : poll(*start->stream)) seen.push_back(std::move(event));
  REQUIRE(types(seen) == Types{"ADDED", "BOOKMARK", "ADDED"});
  CHECK(seen[0].object["columnDefinitions"].is_array());
  CHECK(seen[0].object["rows"][0]["cells"][0] == "w1");
  CHECK(seen[1].object["columnDefinitions"].is_null());
  CHECK(seen[2].object["columnDefinitions"].is_null());
}

TEST_CASE("watchers of one event all get it", "[apiserver][watch]") {
  WidgetServer api;
  std::vector<std::unique_ptr<http::LineStream>> streams;
  for (int i = 0; i < 50; ++i) streams.push_back(api.watch(watch_from(api)));
  api.post(kWidgets, widget("w1"));
  const auto expected = streams[0]->poll();
  REQUIRE(expected.size() == 1);
  for (int i = 1; i < 50; ++i) CHECK(streams[i]->poll() == expected);
}

}  // namespace
}  // namespace tidelock::apiserver
