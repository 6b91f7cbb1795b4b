// SPDX-License-Identifier: Apache-2.0
// The port against clients that send too much, too little or nonsense.
#include "controller/base/limits.h"
#include "tests/unit/http/port_fixture.h"
#include "tests/unit/http/raw_client.h"

using namespace tidelock;
using namespace tidelock::http;
using namespace tidelock::http::testing;
using Catch::Contains;
using Catch::StartsWith;

namespace {

const std::string kHead = "GET / HTTP/1.1\r\nHost: x\r\n";

void length(Request request, Respond respond) {
  respond(text_response("length " + std::to_string(request.body.size())));
}

std::string answer_to(const Port& port, std::string_view bytes) {
  RawClient client(port.number());
  client.send(bytes);
  return client.read_all();
}

std::string closing(const std::string& head) { return head + "Connection: close\r\n\r\n"; }

}  // namespace

TEST_CASE("what is not HTTP is refused with 400 and a closed connection", "[http][limits]") {
  Port port(length);
  const std::string bad = GENERATE(
      as<std::string>{}, "\r\n\r\nnonsense\r\n\r\n", "GET\r\n\r\n",
      "GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
      "GET / HTTP/1.1\r\nHost : x\r\n\r\n", "GET / HTTP/1.1\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n",
      "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
  CAPTURE(bad);
  const std::string answer = answer_to(port, bad);
  CHECK_THAT(answer, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  CHECK_THAT(answer, Contains("Connection: close\r\n") && Contains("\"reason\":\"BadRequest\""));
}

TEST_CASE("Content-Length together with Transfer-Encoding is refused", "[http][limits]") {
  Port port(length);
  const std::string both =
      GENERATE(as<std::string>{}, "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
               "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n");
  const std::string answer =
      answer_to(port, "POST / HTTP/1.1\r\nHost: x\r\n" + both + "\r\n0\r\n\r\n");
  CHECK_THAT(answer, StartsWith("HTTP/1.1 400 "));
}

TEST_CASE("an unknown transfer encoding is refused", "[http][limits]") {
  Port port(length);
  const std::string encoding = GENERATE(as<std::string>{}, "gzip", "gzip, chunked", "identity",
                                        "chunked, chunked", "xchunked");
  CAPTURE(encoding);
  const std::string answer =
      answer_to(port, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: " + encoding + "\r\n\r\n");
  CHECK_THAT(answer, StartsWith("HTTP/1.1 501 ") || StartsWith("HTTP/1.1 400 "));
}

TEST_CASE("a chunked request is put together", "[http][limits]") {
  Port port(length);
  const std::string answer =
      answer_to(port, closing("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
                              "chunked\r\n") +
                          "3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
  CHECK_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n") && Contains("length 19"));
}

TEST_CASE("a body at the limit passes and one byte more is refused", "[http][limits]") {
  Port port(length);
  const std::size_t max = limits::kRequestBodyBytesMax;
  const auto head = [](std::size_t size) {
    return closing("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(size) +
                   "\r\n");
  };
  CHECK_THAT(answer_to(port, head(max) + std::string(max, 'x')), Contains("length 3145728"));
  const std::string refusal = answer_to(port, head(max + 1) + std::string(max + 1, 'x'));
  CHECK_THAT(refusal, StartsWith("HTTP/1.1 413 ") &&
                          Contains("Request entity too large: limit is 3145728") &&
                          Contains("\"reason\":\"RequestEntityTooLarge\"") &&
                          Contains("\"code\":413"));
  std::string chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 4; ++i) chunked += "100000\r\n" + std::string(1048576, 'x') + "\r\n";
  CHECK_THAT(answer_to(port, chunked + "0\r\n\r\n"), StartsWith("HTTP/1.1 413 "));
}

TEST_CASE("a target at the limit passes and a longer one is refused", "[http][limits]") {
  Port port(length);
  const auto get = [](std::size_t size) {
    return closing("GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: x\r\n");
  };
  CHECK_THAT(answer_to(port, get(limits::kHttpTargetBytesMax)), StartsWith("HTTP/1.1 200 "));
  CHECK_THAT(answer_to(port, get(limits::kHttpTargetBytesMax + 1)), StartsWith("HTTP/1.1 414 "));
  CHECK_THAT(answer_to(port, get(1024 * 1024)), StartsWith("HTTP/1.1 414 "));
}

TEST_CASE("a header at the limit passes and a larger one is refused", "[http][limits]") {
  Port port(length);
  const auto get = [](std::size_t size) {
    const std::string start = kHead + "X-A: ";
    const std::string end = "\r\nConnection: close\r\n\r\n";
    return start + std::string(size - start.size() - end.size(), 'a') + end;
  };
  CHECK_THAT(answer_to(port, get(limits::kHttpHeaderBytesMax)), StartsWith("HTTP/1.1 200 "));
  CHECK_THAT(answer_to(port, get(limits::kHttpHeaderBytesMax + 1)), StartsWith("HTTP/1.1 431 "));
  std::string many = kHead;
  for (int i = 0; i < 100'000; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
  CHECK_THAT(answer_to(port, many + "\r\n"), StartsWith("HTTP/1.1 431 "));
}

TEST_CASE("a request that stops half way is answered 408 and closed", "[http][limits]") {
  Port port(length, {.read_timeout = std::chrono::milliseconds(20)});
  const std::string half = GENERATE(as<std::string>{}, "GET / HT", "GET / HTTP/1.1\r\nHost: x\r\n",
                                    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabc");
  CAPTURE(half);
  const std::string answer = answer_to(port, half);
  CHECK_THAT(answer, StartsWith("HTTP/1.1 408 ") && Contains("Connection: close"));
}

TEST_CASE("a connection without a request is closed without a word", "[http][limits]") {
  Port port(length, {.idle_timeout = std::chrono::milliseconds(20)});
  CHECK(answer_to(port, "").empty());
}

TEST_CASE("a connection that never shakes hands is closed", "[http][limits]") {
  Port port(length, {.connections_max = 1, .handshake_timeout = std::chrono::milliseconds(20)});
  const std::unique_ptr<BIO, int (*)(BIO*)> silent(
      BIO_new_connect(("127.0.0.1:" + std::to_string(port.number())).c_str()), BIO_free);
  REQUIRE(BIO_do_connect(silent.get()) == 1);
  char byte = 0;
  CHECK(BIO_read(silent.get(), &byte, 1) <= 0);  // returns when the server closes
}

TEST_CASE("one connection too many is closed", "[http][limits]") {
  Port port(length, {.connections_max = 2});
  RawClient one(port.number());
  RawClient two(port.number());
  CHECK(one.connected());
  CHECK(two.connected());
  CHECK_FALSE(RawClient(port.number()).connected());
  one.send(closing(kHead));
  CHECK_THAT(one.read_all(), StartsWith("HTTP/1.1 200 "));
}

TEST_CASE("a connection serves one request after the other, pipelined ones too", "[http][limits]") {
  Port port([](Request request, Respond respond) { respond(text_response(request.target)); });
  RawClient client(port.number());
  client.send("GET /first HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK_THAT(client.read_until("/first"), StartsWith("HTTP/1.1 200 "));
  client.send(
      "GET /second HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /third HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
      "GET /fourth HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  for (const std::string_view target : {"/second", "/third", "/fourth"}) {
    CHECK_THAT(client.read_until(target), StartsWith("HTTP/1.1 200 "));
  }
  CHECK(client.read_all().empty());
}

TEST_CASE("a client that waits for 100 Continue gets it, unless its body is refused",
          "[http][limits]") {
  Port port(length);
  RawClient client(port.number());
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("abc");
  CHECK_THAT(client.read_until("length 3"), StartsWith("HTTP/1.1 200 "));
  CHECK_THAT(answer_to(port,
                       "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\nExpect: "
                       "100-continue\r\n\r\n"),
             StartsWith("HTTP/1.1 413 "));
  CHECK_THAT(answer_to(port, kHead + "Expect: magic\r\n\r\n"), StartsWith("HTTP/1.1 417 "));
}

TEST_CASE("an HTTP/1.0 client gets its answer and the end", "[http][limits]") {
  Port port(length);
  const std::string answer = answer_to(port, "GET / HTTP/1.0\r\n\r\n");
  CHECK_THAT(answer, Contains(" 200 OK\r\n") && Catch::EndsWith("length 0"));
}

TEST_CASE("a header value of the handler cannot begin a header of its own", "[http][limits]") {
  Port port([](Request, Respond respond) {
    Response response = text_response("ok");
    response.headers.emplace("X-A", "b\r\nX-Evil: c");
    response.headers.emplace("Content-Length", "1000");
    respond(std::move(response));
  });
  const std::string answer = answer_to(port, closing(kHead));
  CHECK_THAT(answer, Contains("X-A: b  X-Evil: c\r\n") && Contains("Content-Length: 2\r\n") &&
                         !Contains("1000"));
}

TEST_CASE("only HTTP/1.1 is negotiated", "[http][tls]") {
  Port port(length);
  RawClient client(port.number(), std::string("\x02h2\x08http/1.1"));
  REQUIRE(client.connected());
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(client.ssl(), &protocol, &size);
  CHECK(std::string(reinterpret_cast<const char*>(protocol), size) == "http/1.1");
  CHECK(RawClient(port.number(), std::string("\x02h2")).connected());
}
