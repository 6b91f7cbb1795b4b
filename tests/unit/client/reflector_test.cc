// SPDX-License-Identifier: Apache-2.0
#include "controller/client/reflector.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/api/kinds.h"
#include "controller/base/log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

using namespace tidelock;
using testing::MemoryApi;
using Json = nlohmann::json;

namespace {

const std::string kTenants = "/apis/tidelock.dev/v1alpha1/namespaces/a/tenants";
constexpr auto operator""_ms(unsigned long long n) { return std::chrono::milliseconds(n); }

Json tenant(const std::string& display) {
  return {{"apiVersion", "tidelock.dev/v1alpha1"}, {"kind", "Tenant"}, {"metadata", Json::object()},
          {"spec", {{"displayName", display}}}};
}

struct Fixture {
  MemoryApi server;
  client::ApiClient api{server, "test"};
  TimePoint now = testing::kEpoch;
  int wakes = 0;
  std::vector<std::string> log;  // "+t1", "~t1", "-t1"
  std::vector<std::string> undecodable;
  client::Reflector<api::Tenant> reflector{api, options(),
                                           [this](const api::ObjectKey& key, const Error&) {
                                             undecodable.push_back(key.name);
                                           }};

  Fixture() { set_log_level(LogLevel::Off); }

  client::ReflectorOptions options() {
    client::ReflectorOptions made;
    made.resource = client::resource_of<api::Tenant>();
    made.wake = [this] { ++wakes; };
    return made;
  }
  TimePoint step() {
    return reflector.step(now, [this](const api::ObjectKey& key, const auto& before,
                                      const auto& after) {
      log.push_back((!after ? "-" : before ? "~" : "+") + key.name);
    });
  }
  std::vector<std::string> changes() {
    step();
    return std::exchange(log, {});
  }
  std::string display(const std::string& name) {
    auto object = reflector.cache().get({"a", name});
    return object ? object->spec.display_name : "(none)";
  }
  std::size_t lists() {
    return static_cast<std::size_t>(std::count_if(
        server.seen.begin(), server.seen.end(), [](auto& line) { return line.starts_with("GET"); }));
  }
};
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE_METHOD(Fixture, "it lists, then follows the watch", "[client][reflector]") {
  server.put(kTenants, "t1", tenant("one"));
  CHECK_FALSE(reflector.synced());
  CHECK(step() == kNever);
  CHECK(reflector.synced());
  CHECK(std::exchange(log, {}) == Names{"+t1"});
  server.put(kTenants, "t2", tenant("two"));
  server.put(kTenants, "t1", tenant("uno"));
  CHECK(wakes > 0);
  CHECK(changes() == Names{"+t2", "~t1"});
  CHECK(display("t1") == "uno");
  server.remove(kTenants + "/t1");
  CHECK(changes() == Names{"-t1"});
  CHECK(lists() == 1);
}

TEST_CASE_METHOD(Fixture, "a step without news asks the server nothing", "[client][reflector]") {
  step();
  const auto seen = server.seen.size();
  for (int i = 0; i < 5; ++i) CHECK(step() == kNever);
  CHECK(server.seen.size() == seen);
}

TEST_CASE_METHOD(Fixture, "a list comes in pages", "[client][reflector]") {
  for (int i = 0; i < 7; ++i) server.put(kTenants, "t" + std::to_string(i), tenant("x"));
  server.page_max = 3;
  step();
  CHECK(reflector.cache().all().size() == 7);
  CHECK(lists() == 3);
}

TEST_CASE_METHOD(Fixture, "a continue token that expired leads to one list of everything",
                 "[client][reflector]") {
  for (int i = 0; i < 4; ++i) server.put(kTenants, "t" + std::to_string(i), tenant("x"));
  server.page_max = 2;
  server.before = [this](const http::Request& request) -> std::optional<MemoryApi::Answer> {
    if (request.target.find("continue=") == std::string::npos) return std::nullopt;
    server.page_max = 0;
    return MemoryApi::failure(410, "Expired");
  };
  step();
  CHECK(reflector.cache().all().size() == 4);
}

TEST_CASE_METHOD(Fixture, "a watch that ends goes on where it was", "[client][reflector]") {
  server.put(kTenants, "t1", tenant("one"));
  step();
  server.put(kTenants, "t2", tenant("two"));
  now += std::chrono::minutes(30);
  server.end_streams(http::LineStream::State::Ended);
  log.clear();
  CHECK(changes() == Names{"+t2"});
  CHECK(server.open_streams() == 1);
  CHECK(lists() == 1);
  CHECK(server.seen.back().find("resourceVersion=2") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "bookmarks move the place where a watch goes on", "[client][reflector]") {
  step();
  server.put("/api/v1/namespaces/a/secrets", "other", Json::object());
  server.bookmark();
  CHECK(changes().empty());
  CHECK(reflector.resource_version() == "1");
  CHECK(server.seen.back().find("allowWatchBookmarks=true") != std::string::npos);
}

TEST_CASE_METHOD(Fixture, "410 leads to a fresh list that finds what went away",
                 "[client][reflector]") {
  server.put(kTenants, "t1", tenant("one"));
  server.put(kTenants, "t2", tenant("two"));
  step();
  log.clear();
  server.end_streams(http::LineStream::State::Failed);
  step();  // takes note of the failure
  server.remove(kTenants + "/t1");
  server.put(kTenants, "t3", tenant("three"));
  server.compacted = server.version();
  now += 100_ms;  // the watch is refused as too old
  step();
  now += 200_ms;
  CHECK(changes() == Names{"+t3", "-t1"});
  CHECK(lists() == 2);
  CHECK(reflector.cache().all().size() == 2);
}

TEST_CASE_METHOD(Fixture, "failures back off from 100 ms to 10 s, and success resets it",
                 "[client][reflector]") {
  server.before = [](const http::Request&) -> std::optional<MemoryApi::Answer> {
    return MemoryApi::Answer(fail(Reason::ServiceUnavailable, "connection refused"));
  };
  std::vector<std::int64_t> waits;
  for (int i = 0; i < 10; ++i) {
    const TimePoint next = step();
    waits.push_back(std::chrono::duration_cast<std::chrono::milliseconds>(next - now).count());
    CHECK(step() == next);  // too early: nothing is tried
    now = next;
  }
  CHECK(waits == std::vector<std::int64_t>{100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000,
                                           10000});
  CHECK(server.seen.size() == 10);
  server.before = nullptr;
  server.put(kTenants, "t1", tenant("one"));
  CHECK(step() == kNever);
  server.put(kTenants, "t2", tenant("two"));
  step();
  now += 500_ms;
  server.end_streams(http::LineStream::State::Failed);
  CHECK(step() == now + 100_ms);
}

TEST_CASE_METHOD(Fixture, "a server that asks for patience gets it", "[client][reflector]") {
  server.before = [](const http::Request&) -> std::optional<MemoryApi::Answer> {
    return MemoryApi::answer(429, {{"kind", "Status"}, {"reason", "TooManyRequests"},
                                   {"details", {{"retryAfterSeconds", 30}}}});
  };
  CHECK(step() == now + std::chrono::seconds(30));
}

TEST_CASE_METHOD(Fixture, "a watch that ends at once without an event is a failure",
                 "[client][reflector]") {
  step();
  server.end_streams(http::LineStream::State::Ended);
  CHECK(step() == now + 100_ms);
}

TEST_CASE_METHOD(Fixture, "a line that is no event leads to a list", "[client][reflector]") {
  step();
  server.send_line("<html>proxy error</html>");
  step();
  server.put(kTenants, "t1", tenant("one"));
  now += 100_ms;
  CHECK(changes() == Names{"+t1"});
  CHECK(lists() == 2);
}

TEST_CASE_METHOD(Fixture, "an object that cannot be decoded is absent and reported once a version",
                 "[client][reflector]") {
  server.put(kTenants, "bad", {{"spec", {{"displayName", 5}}}});
  server.put(kTenants, "good", tenant("ok"));
  CHECK(changes() == Names{"+good"});
  CHECK(undecodable == Names{"bad"});
  // The same version comes again with the next list.
  server.end_streams(http::LineStream::State::Failed);
  step();
  server.compacted = server.version() + 1;
  now += 100_ms;
  step();
  server.compacted = 0;
  now += 200_ms;
  step();
  CHECK(lists() == 2);
  CHECK(undecodable == Names{"bad"});
  server.put(kTenants, "bad", {{"spec", {{"displayName", 6}}}});
  step();
  CHECK(undecodable == Names{"bad", "bad"});
  server.put(kTenants, "bad", tenant("healed"));
  CHECK(changes() == Names{"+bad"});
  server.put(kTenants, "bad", {{"spec", {{"displayName", 7}}}});
  CHECK(changes() == Names{"-bad"});
}

TEST_CASE_METHOD(Fixture, "an own write is in the cache at once and older events are skipped",
                 "[client][reflector]") {
  server.put(kTenants, "t1", tenant("one"));
  step();
  log.clear();
  server.put(kTenants, "t1", tenant("two"));
  server.put(kTenants, "t1", tenant("three"));
  auto newest = api.get<api::Tenant>("a", "t1");
  REQUIRE(newest);
  CHECK(reflector.wrote(*newest) != nullptr);
  CHECK(reflector.wrote(*newest) == nullptr);
  CHECK(display("t1") == "three");
  CHECK(changes().empty());  // "two" and "three" came late
  server.put(kTenants, "t1", tenant("four"));
  CHECK(changes() == Names{"~t1"});
  CHECK(reflector.wrote(*newest) == nullptr);
  CHECK(display("t1") == "four");
}

TEST_CASE_METHOD(Fixture, "an own create outlives a list that was older", "[client][reflector]") {
  step();
  api::Tenant mine;
  mine.metadata.name = "mine";
  mine.metadata.ns = "a";
  mine.metadata.resource_version = "900";
  reflector.wrote(mine);
  server.end_streams(http::LineStream::State::Failed);
  step();
  server.compacted = 1;
  now += 100_ms;
  step();
  now += 200_ms;
  step();
  CHECK(lists() == 2);
  CHECK(reflector.cache().get({"a", "mine"}) != nullptr);
}

TEST_CASE_METHOD(Fixture, "an own deletion is not undone by late events of the same object",
                 "[client][reflector]") {
  server.put(kTenants, "t1", tenant("one"));
  step();
  log.clear();
  const auto known = reflector.cache().get({"a", "t1"});
  server.put(kTenants, "t1", tenant("late"));
  CHECK(reflector.erased({"a", "t1"}, "uid-of-another") == nullptr);
  CHECK(reflector.erased({"a", "t1"}, known->metadata.uid) == known);
  CHECK(changes().empty());
  server.remove(kTenants + "/t1");
  CHECK(changes().empty());
  server.put(kTenants, "t1", tenant("reborn"));
  CHECK(changes() == Names{"+t1"});
}

TEST_CASE("versions are compared as numbers", "[client][reflector]") {
  CHECK(client::older_version("9", "10"));
  CHECK_FALSE(client::older_version("10", "9"));
  CHECK_FALSE(client::older_version("10", "10"));
  CHECK(client::older_version("99999999999999999999", "100000000000000000000"));
  CHECK(client::older_version("abc", "5"));
  CHECK_FALSE(client::older_version("abc", "abc"));
}
