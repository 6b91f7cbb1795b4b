// SPDX-License-Identifier: Apache-2.0
// Streams over a socket: watches and followed logs.
#include <thread>

#include "tests/unit/http/port_fixture.h"
#include "tests/unit/http/raw_client.h"

using namespace tidelock;
using namespace tidelock::http;
using namespace tidelock::http::testing;

namespace {

using Lines = std::vector<std::string>;
const std::string kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

// Collects what a stream hands out, until a test has seen enough.
class Reader {
 public:
  explicit Reader(Transport& transport) {
    auto started = transport.stream(request_to("/watch"), waiter_.wake());
    REQUIRE(started);
    REQUIRE(started->stream);
    stream_ = std::move(started->stream);
  }

  Lines read(std::size_t count) {
    Lines lines;
    waiter_.wait([&] {
      for (std::string& line : stream_->poll()) lines.push_back(std::move(line));
      return lines.size() >= count || stream_->state() != LineStream::State::Open;
    });
    return lines;
  }
  LineStream::State read_to_end(Lines& lines) {
    waiter_.wait([&] {
      for (std::string& line : stream_->poll()) lines.push_back(std::move(line));
      return stream_->state() != LineStream::State::Open;
    });
    return stream_->state();
  }
  void drop() { stream_.reset(); }

 private:
  Waiter waiter_;
  std::unique_ptr<LineStream> stream_;
};

StubHandler::Function streaming(Feed& feed) {
  return [&feed](Request, Respond respond) { respond(stream_response(feed)); };
}

}  // namespace

TEST_CASE("lines arrive one by one while the stream stays open", "[http][stream]") {
  Feed feed;
  Port port(streaming(feed));
  const auto client = port.client();
  Reader reader(*client);
  feed.write("one\n");
  CHECK(reader.read(1) == Lines{"one"});
  feed.write("two\nth");
  CHECK(reader.read(1) == Lines{"two"});
  feed.write("ree\n");
  CHECK(reader.read(1) == Lines{"three"});
  feed.end();
  Lines rest;
  CHECK(reader.read_to_end(rest) == LineStream::State::Ended);
  CHECK(rest.empty());
}

TEST_CASE("the head of a stream is sent before its first data", "[http][stream]") {
  Feed feed;
  Port port(streaming(feed));
  RawClient client(port.number());
  client.send(kGet);
  const std::string head = client.read_until("\r\n\r\n");
  CHECK_THAT(head, Catch::StartsWith("HTTP/1.1 200 OK\r\n"));
  CHECK_THAT(head, Catch::Contains("Transfer-Encoding: chunked\r\n"));
  feed.write("abc\n");
  CHECK(client.read_until("4\r\nabc\n\r\n") == "4\r\nabc\n\r\n");
  feed.end();
  CHECK(client.read_until("0\r\n\r\n") == "0\r\n\r\n");
  // And the connection goes on.
  client.send(kGet);
  CHECK_THAT(client.read_until("\r\n\r\n"), Catch::StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("a client that leaves ends the stream although nothing is written", "[http][stream]") {
  Feed feed;
  Port port(streaming(feed));
  SECTION("the library's client") {
    const auto client = port.client();
    Reader reader(*client);
    CHECK(feed.alive());
    reader.drop();
    feed.wait_until_destroyed();
  }
  SECTION("a client that just closes") {
    RawClient client(port.number());
    client.send(kGet);
    client.read_until("\r\n\r\n");
    client.close();
    feed.wait_until_destroyed();
  }
}

TEST_CASE("a stream is pulled at its own deadline", "[http][stream]") {
  Feed feed;
  platform::SystemClock clock;
  feed.set_deadline(clock.now() + std::chrono::milliseconds(30));
  Port port(streaming(feed));
  const auto client = port.client();
  Reader reader(*client);
  feed.end_unwoken();
  Lines lines;
  CHECK(reader.read_to_end(lines) == LineStream::State::Ended);
}

TEST_CASE("a client that does not read holds up the stream, not the server", "[http][stream]") {
  Feed feed;
  Port port(streaming(feed));
  RawClient client(port.number());
  client.send(kGet);
  client.read_until("\r\n\r\n");
  // Far more than the kernel buffers: what is left stays with the stream.
  for (int i = 0; i < 400; ++i) feed.write(std::string(65535, 'x') + "\n");
  CHECK(feed.unread() > 100);
  feed.end();
  const std::string all = client.read_until("0\r\n\r\n");
  CHECK(std::count(all.begin(), all.end(), 'x') == 400 * 65535);
}

TEST_CASE("a reader that does not poll holds up the server's stream, and loses nothing",
          "[http][stream]") {
  Feed feed;
  Port port(streaming(feed));
  const auto client = port.client();
  Reader reader(*client);
  for (int i = 0; i < 1000; ++i) feed.write(std::string(65535, 'x') + "\n");
  CHECK(feed.unread() > 100);
  feed.end();
  Lines lines;
  CHECK(reader.read_to_end(lines) == LineStream::State::Ended);
  CHECK(lines.size() == 1000);
}

TEST_CASE("a server that stops ends streams in good order", "[http][stream]") {
  Feed feed;
  Port port(streaming(feed));
  const auto client = port.client();
  Reader reader(*client);
  feed.write("last\n");
  CHECK(reader.read(1) == Lines{"last"});
  port.server().stop(std::chrono::seconds(60));
  Lines lines;
  CHECK(reader.read_to_end(lines) == LineStream::State::Ended);
  CHECK_FALSE(feed.alive());
}

TEST_CASE("a stream that breaks off has failed", "[http][stream]") {
  class Broken final : public BodyStream {
   public:
    Pull pull(std::string& out) override {
      if (std::exchange(pulled_, true)) throw std::runtime_error("oops");
      out += "one\nhalf";
      return Pull::Data;
    }
    void on_ready(Wake) override {}

   private:
    bool pulled_ = false;
  };
  Port port([](Request, Respond respond) {
    Response response;
    response.stream = std::make_unique<Broken>();
    respond(std::move(response));
  });
  const auto client = port.client();
  Waiter waiter;
  auto started = client->stream(request_to("/"), waiter.wake());
  if (started) {
    Lines lines;
    waiter.wait([&] {
      for (std::string& line : started->stream->poll()) lines.push_back(std::move(line));
      return started->stream->state() != LineStream::State::Open;
    });
    CHECK(started->stream->state() == LineStream::State::Failed);
    CHECK(std::count(lines.begin(), lines.end(), "half") == 0);
  }
}

TEST_CASE("a stream refused over a socket has its whole answer in the body", "[http][stream]") {
  Port port([](Request, Respond respond) { respond(text_response("too old", 410)); });
  const auto started = port.client()->stream(request_to("/"), [] {});
  REQUIRE(started);
  CHECK(started->status == 410);
  CHECK(started->body == "too old");
  CHECK_FALSE(started->stream);
}

TEST_CASE("a hundred streams at once each get their own lines", "[http][stream]") {
  std::vector<Feed> feeds(100);
  Port port([&](Request request, Respond respond) {
    respond(stream_response(feeds[std::stoul(request.target.substr(1))]));
  });
  const auto client = port.client();
  Waiter waiter;
  std::vector<std::unique_ptr<LineStream>> streams;
  for (int i = 0; i < 100; ++i) {
    auto started = client->stream(request_to("/" + std::to_string(i)), waiter.wake());
    REQUIRE(started);
    streams.push_back(std::move(started->stream));
  }
  for (int i = 0; i < 100; ++i) feeds[i].write("line " + std::to_string(i) + "\n");
  std::vector<Lines> lines(100);
  waiter.wait([&] {
    bool all = true;
    for (int i = 0; i < 100; ++i) {
      for (std::string& line : streams[i]->poll()) lines[i].push_back(std::move(line));
      all = all && !lines[i].empty();
    }
    return all;
  });
  for (int i = 0; i < 100; ++i) CHECK(lines[i] == Lines{"line " + std::to_string(i)});
}
