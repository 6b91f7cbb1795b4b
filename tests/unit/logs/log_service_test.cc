// SPDX-License-Identifier: Apache-2.0
#include "controller/logs/log_service.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/http/transport.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/logs/memory_log_files.h"

using namespace tidelock;

namespace {

const std::string kBase = "/apis/logs.tidelock.dev/v1alpha1/namespaces/default/deploymenttasks/";

struct Fixture {
  testing::FakeClock clock;
  testing::MemoryLogFiles files{clock};
  std::unique_ptr<logs::LogService> service = open();
  std::unique_ptr<http::Transport> transport = http::in_process_transport(*service, {});

  Fixture() { set_log_level(LogLevel::Off); }
  std::unique_ptr<logs::LogService> open() { return logs::LogService::on(files, {"", std::chrono::hours(168)}, clock); }
  void restart() {
    transport.reset();
    service = open();
    transport = http::in_process_transport(*service, {});
  }
  http::Response send(const std::string& method, const std::string& target,
                      const std::string& body = {}) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    return std::move(*transport->send(std::move(request)));
  }
  // The new end, or minus the status.
  int post(const std::string& query, const std::string& body, const std::string& task = "t1") {
    const http::Response response = send("POST", kBase + task + "/log?" + query, body);
    if (response.status != 200) return -response.status;
    return nlohmann::json::parse(response.body)["offset"].get<int>();
  }
  std::string get(const std::string& query = "", const std::string& task = "t1") {
    const http::Response response = send("GET", kBase + task + "/log?" + query);
    return response.status == 200 ? response.body : std::to_string(response.status);
  }
  std::string raw(const std::string& task = "t1") { return files.files[{"default", task}]; }
};

struct Follower {
  std::unique_ptr<http::LineStream> stream;
  int wakes = 0;
  Follower(Fixture& fixture, const std::string& query) {
    http::Request request;
    request.target = kBase + "t1/log?follow=true&" + query;
    auto started = fixture.transport->stream(std::move(request), [this] { ++wakes; });
    REQUIRE(started);
    REQUIRE(started->status == 200);
    stream = std::move(started->stream);
  }
  std::string text() {
    std::string all;
    for (const std::string& line : stream->poll()) all += line + "|";
    return all;
  }
  bool ended() { return stream->state() == http::LineStream::State::Ended; }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "what was posted is read back line by line", "[logs]") {
  CHECK(post("step=fetch&offset=0", "one\ntwo\n") == 8);
  CHECK(post("step=start&offset=0", "three\n") == 6);
  CHECK(get() == "one\ntwo\nthree\n");
  CHECK(get("step=fetch") == "one\ntwo\n");
  CHECK(get("step=nope").empty());
}

TEST_CASE_METHOD(Fixture, "bytes before the known end are skipped", "[logs]") {
  CHECK(post("step=a&offset=0", "one\n") == 4);
  CHECK(post("step=a&offset=0", "one\n") == 4);
  CHECK(post("step=a&offset=2", "e\ntwo\n") == 8);
  CHECK(post("step=a&offset=1", "n") == 8);
  CHECK(get() == "one\ntwo\n");
  restart();
  CHECK(post("step=a&offset=4", "two\nthree\n") == 14);
  CHECK(get() == "one\ntwo\nthree\n");
}

TEST_CASE_METHOD(Fixture, "each attempt of a step counts its own bytes", "[logs]") {
  CHECK(post("step=a&attempt=1&offset=0", "first\n") == 6);
  CHECK(post("step=a&attempt=2&offset=0", "second\n") == 7);
  CHECK(get("step=a") == "first\nsecond\n");
}

TEST_CASE_METHOD(Fixture, "without an offset text goes to the end", "[logs]") {
  CHECK(post("step=a", "x\n") == 2);
  CHECK(post("step=a", "x\n") == 4);
  CHECK(get() == "x\nx\n");
}

TEST_CASE_METHOD(Fixture, "a gap is filled by a line that says so", "[logs]") {
  CHECK(post("step=a&offset=0", "one\nha") == 6);
  CHECK(post("step=a&offset=10", "after\n") == 16);
  CHECK(get() == "one\nha\n[4 bytes of this log are missing]\nafter\n");
  CHECK(post("step=a&offset=10", "after\n") == 16);
}

TEST_CASE_METHOD(Fixture, "pieces of a line become one line", "[logs]") {
  post("step=a&offset=0", "on");
  post("step=b&offset=0", "other\n");
  post("step=a&offset=2", "e\n");
  CHECK(get() == "other\none\n");
  post("step=a&offset=4", "open");
  CHECK(get() == "other\none\nopen\n");
}

TEST_CASE_METHOD(Fixture, "times and steps stand before a line when asked", "[logs]") {
  post("step=a&offset=0", "one\n");
  CHECK(get("timestamps=true") == "2026-01-01T00:00:00.000000Z one\n");
  CHECK(get("prefix=true&timestamps=1") == "2026-01-01T00:00:00.000000Z [a] one\n");
}

TEST_CASE_METHOD(Fixture, "tailLines starts at the last lines", "[logs]") {
  for (int i = 0; i < 5'000; ++i) post("step=a", "line " + std::to_string(i) + "\n");
  post("step=b", "b\n");
  CHECK(get("tailLines=2") == "line 4999\nb\n");
  CHECK(get("tailLines=1&step=a") == "line 4999\n");
  CHECK(get("tailLines=0").empty());
  CHECK(get("tailLines=9999&step=b") == "b\n");
}

TEST_CASE_METHOD(Fixture, "sinceOffset goes on where an answer broke off", "[logs]") {
  post("step=a&offset=0", "one\ntwo\n");
  CHECK(get("sinceOffset=2") == "e\ntwo\n");
  CHECK(get("sinceOffset=8").empty());
  CHECK(get("sinceOffset=800").empty());
}

TEST_CASE_METHOD(Fixture, "a follower is woken, gets each line once, and ends with the log",
                 "[logs]") {
  post("step=a&offset=0", "one\n");
  Follower follower(*this, "");
  CHECK(follower.text() == "one|");
  CHECK_FALSE(follower.ended());
  follower.wakes = 0;
  CHECK(follower.text().empty());
  post("step=a&offset=4", "two\nthr");
  CHECK(follower.wakes == 1);
  CHECK(follower.text() == "two|");
  post("step=a&offset=0", "one\n");  // a repetition is no news
  CHECK(follower.wakes == 1);
  post("end=true", "");
  CHECK(follower.text() == "thr|");
  follower.text();
  CHECK(follower.ended());
}

TEST_CASE_METHOD(Fixture, "a follower of a complete log ends at once", "[logs]") {
  post("step=a&offset=0&end=true", "one\n");
  restart();
  Follower follower(*this, "tailLines=1");
  CHECK(follower.text() == "one|");
  CHECK(follower.ended());
}

TEST_CASE_METHOD(Fixture, "a follower of one step does not hear of others", "[logs]") {
  post("step=a&offset=0", "one\n");
  Follower follower(*this, "step=b");
  post("step=a&offset=4", "two\n");
  CHECK(follower.text().empty());
  post("step=b&offset=0", "mine\n");
  CHECK(follower.text() == "mine|");
}

TEST_CASE_METHOD(Fixture, "a log is cut at its cap with one line that says so", "[logs]") {
  const std::string chunk = std::string(1024 * 1024 - 1, 'x') + "\n";
  for (int i = 0; i < 70; ++i) post("step=a", chunk);
  CHECK(raw().size() <= limits::kTaskLogBytesMax + 1024);
  CHECK(raw().size() > limits::kTaskLogBytesMax - 2 * chunk.size());
  CHECK(get("tailLines=1").starts_with("[cut: "));
  const std::size_t size = raw().size();
  restart();
  post("step=a", "more\n");
  post("step=b", "more\n");
  CHECK(raw().size() == size);
  post("end=true", "");
  Follower follower(*this, "tailLines=0");
  follower.text();
  CHECK(follower.ended());
}

TEST_CASE_METHOD(Fixture, "a torn record is cut off and its text can be sent again", "[logs]") {
  post("step=a&offset=0", "one\n");
  files.files[{"default", "t1"}] += "L 17676 1 a tw";
  restart();
  CHECK(post("step=a&offset=4", "two\n") == 8);
  CHECK(get() == "one\ntwo\n");
}

TEST_CASE_METHOD(Fixture, "an append that failed half way leaves nothing behind", "[logs]") {
  post("step=a&offset=0", "one\n");
  files.torn_appends = 1;
  CHECK(post("step=a&offset=4", "two\n") == -503);
  CHECK(get() == "one\n");
  CHECK(post("step=a&offset=4", "two\n") == 8);
  CHECK(get() == "one\ntwo\n");
}

TEST_CASE_METHOD(Fixture, "text that looks like a record is text", "[logs]") {
  post("step=a&offset=0", "E 1 1 - \nL 5 1 b fake\n\n \r\n");
  CHECK(get() == "E 1 1 - \nL 5 1 b fake\n\n \r\n");
  CHECK(get("step=b").empty());
  restart();
  CHECK(get() == "E 1 1 - \nL 5 1 b fake\n\n \r\n");
}

TEST_CASE_METHOD(Fixture, "logs nobody wrote to for the retention are removed", "[logs]") {
  post("step=a&offset=0", "old\n", "old");
  clock.advance(std::chrono::hours(100));
  post("step=a&offset=0", "one\n");
  Follower follower(*this, "");
  service->step(clock.now());
  CHECK(files.files.size() == 2);
  clock.advance(std::chrono::hours(69));
  const TimePoint next = service->step(clock.now());
  CHECK(next > clock.now());
  CHECK(get("", "old") == "404");
  CHECK(get() == "one\n");
  clock.advance(std::chrono::hours(200));
  service->step(clock.now());
  CHECK(files.files.empty());
  follower.text();
  follower.text();
  CHECK(follower.ended());
}

TEST_CASE_METHOD(Fixture, "a log that nobody wrote is 404 as a Status", "[logs]") {
  const http::Response response = send("GET", kBase + "nobody/log");
  CHECK(response.status == 404);
  const auto status = nlohmann::json::parse(response.body);
  CHECK(status["kind"] == "Status");
  CHECK(status["reason"] == "NotFound");
  CHECK(status["details"]["name"] == "nobody");
  CHECK(files.files.empty());
}

TEST_CASE_METHOD(Fixture, "names that are no names never become files", "[logs]") {
  for (const char* name : {"..%2F..%2Fetc%2Fpasswd", "..", "a%2Fb", "A", "a%00b", "-a", "."}) {
    CHECK(post("step=a", "x\n", name) == -400);
    CHECK(get("", name) == "400");
  }
  const std::string other = "/apis/logs.tidelock.dev/v1alpha1/namespaces/..%2Fx/deploymenttasks/t/log";
  CHECK(send("POST", other + "?step=a", "x").status == 400);
  CHECK(files.files.empty());
}

TEST_CASE_METHOD(Fixture, "bad parameters are 400 and name the parameter", "[logs]") {
  for (const char* query : {"step=a&attempt=0", "step=a&attempt=x", "step=a&offset=-1",
                            "step=a&end=maybe", "step=a%20b", "", "offset=99999999999999999999&step=a"}) {
    CHECK(post(query, "x\n") == -400);
  }
  post("step=a", "x\n");
  for (const char* query : {"tailLines=-1", "tailLines=x", "follow=2", "sinceOffset=", "step=A%0A"}) {
    CHECK(get(query) == "400");
  }
}

TEST_CASE_METHOD(Fixture, "other methods are 405, other paths 404", "[logs]") {
  for (const char* method : {"PUT", "PATCH", "DELETE"}) {
    CHECK(send(method, kBase + "t1/log").status == 405);
  }
  CHECK(send("POST", "/apis/logs.tidelock.dev/v1alpha1").status == 405);
  CHECK(send("GET", kBase + "t1").status == 404);
  CHECK(send("GET", "/apis/logs.tidelock.dev/v2/namespaces/a/deploymenttasks/t/log").status == 404);
}

TEST_CASE_METHOD(Fixture, "the group describes itself", "[logs]") {
  const auto group = nlohmann::json::parse(send("GET", "/apis/logs.tidelock.dev").body);
  CHECK(group["kind"] == "APIGroup");
  const auto list = nlohmann::json::parse(send("GET", "/apis/logs.tidelock.dev/v1alpha1").body);
  CHECK(list["resources"][0]["name"] == "deploymenttasks/log");
}
