// SPDX-License-Identifier: Apache-2.0
#include "controller/http/transport.h"

#include <catch2/catch.hpp>
#include <thread>

#include "tests/unit/http/stub_handler.h"

using namespace tidelock;
using namespace tidelock::http;
using namespace tidelock::http::testing;

namespace {

Request get(std::string target) {
  Request request;
  request.target = std::move(target);
  return request;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an in-process call reaches the handler with the transport's peer", "[http]") {
  StubHandler handler([](Request request, Respond respond) {
    respond(text_response(request.method + request.target + request.peer.in_process_user));
  });
  const auto transport = in_process_transport(handler, {.in_process_user = "agent"});
  Request forged = get("/x");
  forged.peer.in_process_user = "root";
  CHECK(transport->send(forged)->body == "GET/xagent");
}

TEST_CASE("a batch is handed over whole before the first answer is awaited", "[http]") {
  std::vector<Respond> held;
  StubHandler handler([&](Request request, Respond respond) {
    held.push_back(
        [respond, target = request.target](Response) { respond(text_response(target)); });
    if (held.size() == 3) {
      for (auto it = held.rbegin(); it != held.rend(); ++it) (*it)({});  // last one first
    }
  });
  const auto transport = in_process_transport(handler, {});
  const auto results = transport->send(std::vector<Request>{get("/a"), get("/b"), get("/c")});
  REQUIRE(results.size() == 3);
  CHECK(results[0]->body == "/a");
  CHECK(results[1]->body == "/b");
  CHECK(results[2]->body == "/c");
  CHECK(transport->send(std::vector<Request>{}).empty());
}

TEST_CASE("an answer may come from another thread", "[http]") {
  std::vector<std::thread> threads;
  StubHandler handler([&](Request request, Respond respond) {
    threads.emplace_back([respond, request] { respond(text_response(request.target)); });
  });
  const auto transport = in_process_transport(handler, {});
  CHECK(transport->send(get("/a"))->body == "/a");
  CHECK(transport->send(get("/b"))->body == "/b");
  for (std::thread& thread : threads) thread.join();
}

TEST_CASE("a handler that forgets to answer costs a 500, not a hang", "[http]") {
  StubHandler handler([](Request, Respond) {});
  const auto result = in_process_transport(handler, {})->send(get("/"));
  REQUIRE(result);
  CHECK(result->status == 500);
}

TEST_CASE("only the first of two answers counts", "[http]") {
  StubHandler handler([](Request, Respond respond) {
    respond(text_response("first"));
    respond(text_response("second"));
  });
  CHECK(in_process_transport(handler, {})->send(get("/"))->body == "first");
}

TEST_CASE("a stream hands out complete lines as they come and ends with its body", "[http]") {
  Feed feed;
  StubHandler handler([&](Request, Respond respond) { respond(stream_response(feed)); });
  const auto transport = in_process_transport(handler, {});
  Waiter waiter;
  auto started = transport->stream(get("/"), waiter.wake());
  REQUIRE(started);
  REQUIRE(started->status == 200);
  LineStream& lines = *started->stream;

  CHECK(lines.poll().empty());
  feed.write("one\ntw");
  CHECK(waiter.wakes() > 0);
  CHECK(lines.poll() == Lines{"one"});
  CHECK(lines.poll().empty());
  feed.write("o\n\nthree");
  CHECK(lines.poll() == Lines{"two", ""});
  CHECK(lines.state() == LineStream::State::Open);
  feed.end();
  CHECK(lines.poll() == Lines{"three"});
  CHECK(lines.state() == LineStream::State::Ended);
  CHECK_FALSE(feed.alive());
  CHECK(lines.poll().empty());
}

TEST_CASE("a stream that is dropped destroys its body", "[http]") {
  Feed feed;
  StubHandler handler([&](Request, Respond respond) { respond(stream_response(feed)); });
  auto started = in_process_transport(handler, {})->stream(get("/"), [] {});
  REQUIRE(started);
  CHECK(feed.alive());
  started->stream.reset();
  CHECK_FALSE(feed.alive());
}

TEST_CASE("a refused stream has its whole answer in the body", "[http]") {
  StubHandler handler([](Request, Respond respond) { respond(text_response("too old", 410)); });
  const auto started = in_process_transport(handler, {})->stream(get("/"), [] {});
  REQUIRE(started);
  CHECK(started->status == 410);
  CHECK(started->body == "too old");
  CHECK(started->stream == nullptr);
}

TEST_CASE("a plain answer can be read as a stream and a streamed one as a whole", "[http]") {
  Feed feed;
  feed.write("a\n");
  feed.write("b\n");
  feed.end();
  StubHandler handler([&](Request request, Respond respond) {
    respond(request.target == "/plain" ? text_response("x\ny") : stream_response(feed));
  });
  const auto transport = in_process_transport(handler, {});
  auto started = transport->stream(get("/plain"), [] {});
  REQUIRE(started);
  CHECK(started->stream->poll() == Lines{"x", "y"});
  CHECK(started->stream->state() == LineStream::State::Ended);
  CHECK(transport->send(get("/streamed"))->body == "a\nb\n");
}

TEST_CASE("one poll of a stream that never pauses comes back", "[http]") {
  class Endless final : public BodyStream {
   public:
    Pull pull(std::string& out) override {
      out.append(1023, 'x').append("\n");
      return Pull::Data;
    }
    void on_ready(Wake) override {}
  };
  StubHandler handler([](Request, Respond respond) {
    Response response;
    response.stream = std::make_unique<Endless>();
    respond(std::move(response));
  });
  Waiter waiter;
  auto started = in_process_transport(handler, {})->stream(get("/"), waiter.wake());
  REQUIRE(started);
  CHECK(started->stream->poll().size() == 1024);
  CHECK(waiter.wakes() == 1);  // so that the reader comes back for the rest
}
