// SPDX-License-Identifier: Apache-2.0
// A whole API server in one thread: memory store, fake clock, seeded random numbers, the CRDs of
// crd/, and a transport into it as a cluster administrator. Header only; link tidelock_apiserver.
//
//   TestApiServer api;
//   auto made = api.post("/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"a"}})");
//   CHECK(made.status == 201);  CHECK(made.json()["metadata"]["uid"] != "");
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "controller/apiserver/apiserver.h"
#include "controller/http/transport.h"
#include "controller/store/store.h"
#include "tests/support/fake_clock.h"

namespace tidelock::testing {

// The texts of crd/*.yaml, by file name.
inline std::vector<std::string> crd_texts() {
  namespace fs = std::filesystem;
  const fs::path folder = fs::path(TIDELOCK_SOURCE_DIR) / "crd";
  std::vector<fs::path> files;
  if (fs::exists(folder)) {
    for (const auto& file : fs::directory_iterator(folder)) {
      if (file.path().extension() == ".yaml") files.push_back(file.path());
    }
  }
  std::sort(files.begin(), files.end());
  std::vector<std::string> texts;
  for (const auto& file : files) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    texts.push_back(text.str());
  }
  return texts;
}

struct TestAnswer {
  int status = 0;
  std::string body;
  http::Headers headers;
  nlohmann::json json() const { return nlohmann::json::parse(body, nullptr, false); }
};

class TestApiServer {
 public:
  explicit TestApiServer(apiserver::Options options = with_crds(), std::uint64_t seed = 1)
      : random_(seed) {
    auto opened = apiserver::ApiServer::open(*store_, clock_, random_, std::move(options));
    if (!opened) throw std::runtime_error("test API server: " + opened.error().message);
    server_ = std::move(*opened);
    transport_ = http::in_process_transport(*server_, administrator());
  }

  static apiserver::Options with_crds() {
    apiserver::Options options;
    options.crds = crd_texts();
    return options;
  }
  static http::Peer administrator() {
    http::Peer peer;
    peer.in_process_user = "test-admin";
    peer.in_process_groups = {"system:masters"};
    return peer;
  }

  FakeClock& clock() { return clock_; }
  store::Store& store() { return *store_; }
  apiserver::ApiServer& server() { return *server_; }
  http::Transport& transport() { return *transport_; }

  // Background work that is due now (garbage collection, namespaces, expiry).
  TimePoint step() { return server_->step(clock_.now()); }
  void advance(Duration by) {
    clock_.advance(by);
    step();
  }

  TestAnswer call(http::Request request) {
    auto response = transport_->send(std::move(request));
    if (!response) throw std::runtime_error("test API server: " + response.error().message);
    return {response->status, std::move(response->body), std::move(response->headers)};
  }
  TestAnswer call(const std::string& method, const std::string& target, std::string body = {},
                  const std::string& content_type = {}, const std::string& accept = {}) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = std::move(body);
    if (!content_type.empty()) request.headers.emplace("Content-Type", content_type);
    if (!accept.empty()) request.headers.emplace("Accept", accept);
    return call(std::move(request));
  }
  TestAnswer get(const std::string& target) { return call("GET", target); }
  TestAnswer post(const std::string& target, std::string body) {
    return call("POST", target, std::move(body), "application/json");
  }
  TestAnswer put(const std::string& target, std::string body) {
    return call("PUT", target, std::move(body), "application/json");
  }
  TestAnswer merge(const std::string& target, std::string body) {
    return call("PATCH", target, std::move(body), "application/merge-patch+json");
  }
  TestAnswer remove(const std::string& target, std::string body = {}) {
    return call("DELETE", target, std::move(body));
  }
  // An open watch; poll() gives the lines that are there.
  std::unique_ptr<http::LineStream> watch(const std::string& target) {
    http::Request request;
    request.target = target;
    auto start = transport_->stream(std::move(request), [] {});
    if (!start || start->stream == nullptr) {
      throw std::runtime_error("test API server: no watch: " +
                               (start ? start->body : start.error().message));
    }
    return std::move(start->stream);
  }

 private:
  FakeClock clock_;
  SeededRandom random_;
  std::unique_ptr<store::Store> store_ = store::open_memory_store();
  std::unique_ptr<apiserver::ApiServer> server_;
  std::unique_ptr<http::Transport> transport_;
};

}  // namespace tidelock::testing
