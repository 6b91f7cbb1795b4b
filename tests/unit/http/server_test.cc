// SPDX-License-Identifier: Apache-2.0
// The port as an ordinary client sees it.
#include "controller/http/server.h"

#include <thread>

#include "tests/unit/http/port_fixture.h"

using namespace tidelock;
using namespace tidelock::http;
using namespace tidelock::http::testing;

namespace {

void echo(Request request, Respond respond) {
  respond(text_response(request.method + " " + request.target + " " + request.body));
}

}  // namespace

TEST_CASE("a request goes to the handler and its answer back", "[http][server]") {
  Port port([](Request request, Respond respond) {
    Response response = text_response(request.method + request.target + request.body, 201);
    response.headers.emplace("X-Seen", std::string(header(request.headers, "x-sent")));
    respond(std::move(response));
  });
  Request request = request_to("/a%2Fb?c=d", "POST", "{}");
  request.headers.emplace("X-Sent", "hello");
  const auto answer = port.client()->send(request);
  REQUIRE(answer);
  CHECK(answer->status == 201);
  CHECK(answer->body == "POST/a%2Fb?c=d{}");
  CHECK(header(answer->headers, "x-seen") == "hello");
  CHECK(header(answer->headers, "content-type") == "text/plain");
  CHECK_FALSE(header(answer->headers, "date").empty());
}

TEST_CASE("every method and status passes through", "[http][server]") {
  Port port([](Request request, Respond respond) {
    respond(text_response(request.method, std::stoi(request.target.substr(1))));
  });
  const auto client = port.client();
  for (const std::string method : {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}) {
    for (const int status : {200, 404, 409, 500, 503}) {
      const auto answer = client->send(request_to("/" + std::to_string(status), method));
      REQUIRE(answer);
      CHECK(answer->status == status);
      CHECK(answer->body == method);
    }
  }
  const auto head = client->send(request_to("/200", "HEAD"));
  REQUIRE(head);
  CHECK(head->body.empty());
  CHECK(header(head->headers, "content-length") == "4");
  CHECK(client->send(request_to("/204"))->body.empty());
}

TEST_CASE("a body of any size arrives whole in both directions", "[http][server]") {
  Port port([](Request request, Respond respond) {
    respond(text_response(request.body.empty() ? std::string(20'000'000, 'y') : request.body));
  });
  const auto client = port.client();
  for (const std::size_t size : {1, 16'383, 65'536, 262'145, 3'145'728}) {
    const std::string body(size, 'x');
    CHECK(client->send(request_to("/", "POST", body))->body == body);
  }
  CHECK(client->send(request_to("/"))->body == std::string(20'000'000, 'y'));
}

TEST_CASE("many requests at once are all answered", "[http][server]") {
  Port port(echo, {.io_threads = 2});
  const auto client = port.client();
  std::vector<std::thread> threads;
  std::atomic<int> right{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      std::vector<Request> requests;
      for (int i = 0; i < 100; ++i) {
        requests.push_back(request_to("/" + std::to_string(t) + "/" + std::to_string(i)));
      }
      const auto results = client->send(std::move(requests));
      for (int i = 0; i < 100; ++i) {
        const std::string wanted = "GET /" + std::to_string(t) + "/" + std::to_string(i) + " ";
        if (results[i] && results[i]->body == wanted) ++right;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(right == 400);
}

TEST_CASE("a handler that throws or forgets answers 500", "[http][server]") {
  Port port([](Request request, Respond) {
    if (request.target == "/throw") throw std::runtime_error("oops");
  });
  CHECK(port.client()->send(request_to("/throw"))->status == 500);
  CHECK(port.client()->send(request_to("/forget"))->status == 500);
}

TEST_CASE("an answer may be given long after the handler returned", "[http][server]") {
  Respond held;
  Latch got;
  Port port([&](Request, Respond respond) {
    held = std::move(respond);
    got.open();
  });
  std::thread answerer([&] {
    got.wait();
    held(text_response("late"));
  });
  CHECK(port.client()->send(request_to("/"))->body == "late");
  answerer.join();
  port.shut();
  held(text_response("too late"));  // must do nothing
}

TEST_CASE("a client certificate becomes the peer's user and groups", "[http][server][tls]") {
  Port port([](Request request, Respond respond) {
    std::string text = request.peer.certificate_user;
    for (const std::string& group : request.peer.certificate_groups) text += "," + group;
    if (request.peer.address.rfind("127.0.0.1:", 0) != 0) text += " from " + request.peer.address;
    respond(text_response(text));
  });
  ClientOptions options = port.client_options();
  options.client_certificate_pem = TestCertificates::get().client.certificate_pem;
  options.client_key_pem = TestCertificates::get().client.key_pem;
  CHECK(Port::client(options)->send(request_to("/"))->body == "alice,system:masters,dev");
  CHECK(port.client()->send(request_to("/"))->body == "");
}

TEST_CASE("a client certificate of another authority is refused", "[http][server][tls]") {
  Port port(echo);
  ClientOptions options = port.client_options();
  options.client_certificate_pem = TestCertificates::get().other_client.certificate_pem;
  options.client_key_pem = TestCertificates::get().other_client.key_pem;
  const auto answer = Port::client(options)->send(request_to("/"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().reason == Reason::ServiceUnavailable);
  options.client_certificate_pem = TestCertificates::get().server.certificate_pem;
  options.client_key_pem = TestCertificates::get().server.key_pem;
  CHECK_FALSE(Port::client(options)->send(request_to("/")));  // not made for clients
}

TEST_CASE("a port that cannot be had is an error, not a server", "[http][server]") {
  Port port(echo);
  StubHandler handler(echo);
  platform::SystemClock clock;
  ServerOptions options;
  options.certificate_pem = TestCertificates::get().server.certificate_pem;
  options.key_pem = TestCertificates::get().server.key_pem;
  options.port = port.number();
  const auto taken = start_server(options, handler, clock);
  REQUIRE_FALSE(taken);
  CHECK_THAT(taken.error().message, Catch::Contains("in use"));
  options.port = 0;
  options.address = "localhost:1";
  CHECK_FALSE(start_server(options, handler, clock));
  options.address = "127.0.0.1";
  options.key_pem = TestCertificates::get().client.key_pem;
  CHECK_FALSE(start_server(options, handler, clock));  // not the certificate's key
}

TEST_CASE("stopping lets the request in work finish and takes no new ones", "[http][server]") {
  Latch in_work;
  Latch go_on;
  Port port([&](Request, Respond respond) {
    in_work.open();
    go_on.wait();
    respond(text_response("done"));
  });
  const auto client = port.client();
  std::thread asker([&] { CHECK(client->send(request_to("/"))->body == "done"); });
  in_work.wait();
  std::thread stopper([&] { port.server().stop(std::chrono::seconds(60)); });
  go_on.open();
  asker.join();
  stopper.join();
  CHECK_FALSE(port.client()->send(request_to("/")));
}

TEST_CASE("stopping does not wait for more than its grace", "[http][server]") {
  Respond held;
  Latch got;
  Port port([&](Request, Respond respond) {
    held = std::move(respond);
    got.open();
  });
  const auto client = port.client();
  std::thread asker([&] { CHECK_FALSE(client->send(request_to("/"))); });
  got.wait();
  port.server().stop(std::chrono::milliseconds(5));
  asker.join();
}
