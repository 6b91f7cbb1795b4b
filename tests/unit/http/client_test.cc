// SPDX-License-Identifier: Apache-2.0
// The client when something is wrong, and its own promises.
#include "controller/http/client.h"

#include <thread>

#include "tests/unit/http/port_fixture.h"

using namespace tidelock;
using namespace tidelock::http;
using namespace tidelock::http::testing;
using Catch::Contains;

namespace {

void ok(Request, Respond respond) { respond(text_response("ok")); }

}  // namespace

TEST_CASE("a server that is not there is ServiceUnavailable and says where", "[http][client]") {
  int number = 0;
  {
    Port port(ok);
    number = port.number();
  }
  ClientOptions options;
  options.base_url = "https://127.0.0.1:" + std::to_string(number);
  const auto client = Port::client(options);
  const auto answer = client->send(request_to("/api/v1"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().reason == Reason::ServiceUnavailable);
  CHECK_THAT(answer.error().message,
             Contains("GET " + options.base_url + "/api/v1: dial tcp 127.0.0.1:" +
                      std::to_string(number) + ": connection refused"));
  const auto stream = client->stream(request_to("/watch"), [] {});
  REQUIRE_FALSE(stream);
  CHECK(stream.error().reason == Reason::ServiceUnavailable);
  CHECK_THAT(stream.error().message, Contains(options.base_url + "/watch: dial tcp"));
}

TEST_CASE("a server of an unknown authority is not talked to", "[http][client][tls]") {
  std::atomic<int> calls{0};
  Port port([&](Request, Respond respond) {
    ++calls;
    respond(text_response("ok"));
  });
  ClientOptions options = port.client_options();
  options.ca_pem = TestCertificates::get().other_authority.certificate_pem;
  const auto refused = Port::client(options)->send(request_to("/"));
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("tls: x509: "));
  options.ca_pem.clear();  // the system's roots
  CHECK_FALSE(Port::client(options)->send(request_to("/")));
  CHECK(calls == 0);
  options.insecure_skip_tls_verify = true;
  CHECK(Port::client(options)->send(request_to("/"))->body == "ok");
}

TEST_CASE("the certificate must name the host or address that was asked for",
          "[http][client][tls]") {
  platform::SystemClock clock;
  const TestCertificates& certificates = TestCertificates::get();
  const auto signed_for = [&](std::vector<std::string> names) {
    CertificateOptions leaf{.common_name = "127.0.0.1", .server = true};
    leaf.alternative_names = std::move(names);
    const auto pair = sign_certificate(certificates.authority, leaf, clock.now());
    ServerOptions options;
    options.certificate_pem = pair->certificate_pem;
    options.key_pem = pair->key_pem;
    return options;
  };
  const auto answer = [](const Port& port, const std::string& host) {
    ClientOptions options = port.client_options();
    options.base_url = "https://" + host + ":" + std::to_string(port.number());
    return Port::client(options)->send(request_to("/"));
  };
  Port by_address(ok, signed_for({"127.0.0.1"}));
  CHECK(answer(by_address, "127.0.0.1"));
  CHECK_FALSE(answer(by_address, "localhost"));
  Port by_name(ok, signed_for({"localhost"}));
  CHECK(answer(by_name, "localhost"));
  const auto refused = answer(by_name, "127.0.0.1");
  REQUIRE_FALSE(refused);
  CHECK_THAT(refused.error().message, Contains("not valid for 127.0.0.1"));
}

TEST_CASE("an expired server certificate is refused", "[http][client][tls]") {
  platform::SystemClock clock;
  CertificateOptions leaf{.common_name = "server", .server = true};
  leaf.alternative_names = {"127.0.0.1"};
  leaf.lifetime = std::chrono::hours(1);
  const auto pair = sign_certificate(TestCertificates::get().authority, leaf,
                                     clock.now() - std::chrono::hours(2));
  REQUIRE(pair);
  ServerOptions options;
  options.certificate_pem = pair->certificate_pem;
  options.key_pem = pair->key_pem;
  Port port(ok, options);
  const auto answer = port.client()->send(request_to("/"));
  REQUIRE_FALSE(answer);
  CHECK_THAT(answer.error().message, Contains("expired"));
}

TEST_CASE("no answer in time is Timeout", "[http][client]") {
  Respond held;
  Port port([&](Request, Respond respond) { held = std::move(respond); });
  ClientOptions options = port.client_options();
  options.request_timeout = std::chrono::milliseconds(300);
  const auto client = Port::client(options);
  const auto answer = client->send(request_to("/slow"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().reason == Reason::Timeout);
  CHECK_THAT(answer.error().message, Contains("/slow"));
  const auto stream = client->stream(request_to("/slow"), [] {});
  REQUIRE_FALSE(stream);
  CHECK(stream.error().reason == Reason::Timeout);
}

TEST_CASE("the bearer token is sent, unless the request brings its own", "[http][client]") {
  Port port([](Request request, Respond respond) {
    respond(text_response(std::string(header(request.headers, "Authorization")) + "|" +
                          std::string(header(request.headers, "User-Agent"))));
  });
  ClientOptions options = port.client_options();
  options.bearer_token = "secret";
  options.user_agent = "test/1";
  const auto client = Port::client(options);
  CHECK(client->send(request_to("/"))->body == "Bearer secret|test/1");
  Request own = request_to("/");
  own.headers.emplace("Authorization", "Bearer mine");
  CHECK(client->send(own)->body == "Bearer mine|test/1");
}

TEST_CASE("no more requests are in flight than allowed", "[http][client]") {
  std::atomic<int> now{0};
  std::atomic<int> most{0};
  std::mutex mutex;
  std::vector<Respond> held;
  Port port([&](Request, Respond respond) {
    const int in_work = ++now;
    if (in_work > most) most = in_work;
    const std::lock_guard lock(mutex);
    held.push_back(std::move(respond));
    if (held.size() < 3) return;  // answered three at a time
    now -= 3;
    for (Respond& answer : held) answer(text_response("ok"));
    held.clear();
  });
  ClientOptions options = port.client_options();
  options.requests_in_flight_max = 3;
  const auto client = Port::client(options);
  std::vector<Request> requests(30, request_to("/"));
  int good = 0;
  for (const auto& result : client->send(std::move(requests)))
    good += result && result->status == 200;
  CHECK(good == 30);
  CHECK(most == 3);
}

TEST_CASE("a redirect is an answer, not an order", "[http][client]") {
  std::atomic<int> calls{0};
  Port port([&](Request, Respond respond) {
    ++calls;
    Response response = text_response("", 302);
    response.headers.emplace("Location", "/elsewhere");
    respond(std::move(response));
  });
  CHECK(port.client()->send(request_to("/"))->status == 302);
  CHECK(calls == 1);
}

TEST_CASE("options that cannot work are refused at once", "[http][client]") {
  ClientOptions options;
  options.base_url = "https://127.0.0.1:6443";
  CHECK(make_client(options));
  SECTION("a URL without a host") { options.base_url = "nonsense"; }
  SECTION("an unknown scheme") { options.base_url = "ftp://127.0.0.1"; }
  SECTION("a CA that is no certificate") { options.ca_pem = "nonsense"; }
  SECTION("a client certificate that is none") { options.client_certificate_pem = "nonsense"; }
  SECTION("a certificate without its key") {
    options.client_certificate_pem = TestCertificates::get().client.certificate_pem;
  }
  SECTION("a timeout of nothing") { options.request_timeout = Duration::zero(); }
  const auto made = make_client(options);
  REQUIRE_FALSE(made);
  CHECK(made.error().reason == Reason::Invalid);
}

TEST_CASE("a target that is no URI is a bad request", "[http][client]") {
  Port port(ok);
  const auto answer = port.client()->send(request_to("/a b"));
  REQUIRE_FALSE(answer);
  CHECK(answer.error().reason == Reason::BadRequest);
}

TEST_CASE("a client goes away while its stream is still held", "[http][client]") {
  Feed feed;
  Port port([&](Request, Respond respond) { respond(stream_response(feed)); });
  auto client = port.client();
  auto started = client->stream(request_to("/"), [] {});
  REQUIRE(started);
  client.reset();
  feed.wait_until_destroyed();
  started->stream->poll();
  CHECK(started->stream->state() == LineStream::State::Failed);
}
