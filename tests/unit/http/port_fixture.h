// SPDX-License-Identifier: Apache-2.0
// A server on a free port of the loopback interface with an authority of its own, and clients for
// it.
#pragma once

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "controller/http/certificates.h"
#include "controller/http/client.h"
#include "controller/http/server.h"
#include "controller/platform/system_clock.h"
#include "tests/unit/http/stub_handler.h"

namespace tidelock::http::testing {

// Made once: key generation is the slow part of these tests.
struct TestCertificates {
  KeyPair authority;
  KeyPair server;
  KeyPair client;
  KeyPair other_authority;
  KeyPair other_client;

  static const TestCertificates& get() {
    static const TestCertificates made = make();
    return made;
  }

 private:
  static TestCertificates make() {
    platform::SystemClock clock;
    const TimePoint now = clock.now();
    TestCertificates all;
    all.authority = *make_certificate_authority("test-ca", now);
    all.other_authority = *make_certificate_authority("other-ca", now);
    CertificateOptions server{.common_name = "server", .server = true};
    server.alternative_names = {"127.0.0.1", "localhost"};
    all.server = *sign_certificate(all.authority, server, now);
    const CertificateOptions client{.common_name = "alice",
                                    .organizations = {"system:masters", "dev"}};
    all.client = *sign_certificate(all.authority, client, now);
    all.other_client = *sign_certificate(all.other_authority, client, now);
    return all;
  }
};

class Port {
 public:
  explicit Port(StubHandler::Function function, ServerOptions options = {})
      : handler_(std::move(function)) {
    const TestCertificates& certificates = TestCertificates::get();
    if (options.certificate_pem.empty()) {
      options.certificate_pem = certificates.server.certificate_pem;
      options.key_pem = certificates.server.key_pem;
    }
    options.client_ca_pem = certificates.authority.certificate_pem;
    auto started = start_server(options, handler_, clock_);
    REQUIRE(started);
    server_ = std::move(*started);
  }

  int number() const { return server_->port(); }
  Server& server() { return *server_; }
  void shut() { server_.reset(); }

  ClientOptions client_options() const {
    ClientOptions options;
    options.base_url = "https://127.0.0.1:" + std::to_string(number());
    options.ca_pem = TestCertificates::get().authority.certificate_pem;
    return options;
  }
  std::unique_ptr<Transport> client() const { return client(client_options()); }
  static std::unique_ptr<Transport> client(const ClientOptions& options) {
    auto made = make_client(options);
    REQUIRE(made);
    return std::move(*made);
  }

 private:
  platform::SystemClock clock_;
  StubHandler handler_;
  std::unique_ptr<Server> server_;
};

inline Request request_to(std::string target, std::string method = "GET", std::string body = {}) {
  Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  return request;
}

// Opens once; then everybody who waited goes on.
class Latch {
 public:
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace tidelock::http::testing
