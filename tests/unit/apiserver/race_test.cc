// SPDX-License-Identifier: Apache-2.0
// Writers that get in between a read and its write, and many writers at once.
#include <catch2/catch.hpp>
#include <thread>

#include "tests/unit/apiserver/widgets.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

// A store in which `before_submit` runs once, just before the next write.
class RacingStore final : public store::Store {
 public:
  void submit(std::vector<store::Put> puts, store::CommitCallback done) override {
    if (auto race = std::exchange(before_submit, nullptr)) race();
    inner_->submit(std::move(puts), std::move(done));
  }
  Result<std::optional<store::Entry>> get(std::string_view key, store::ReadOptions options) override {
    return inner_->get(key, options);
  }
  Result<store::Page> list(std::string_view start, std::string_view end, std::size_t limit,
                           store::ReadOptions options) override {
    return inner_->list(start, end, limit, options);
  }
  store::Revision revision() const override { return inner_->revision(); }
  store::Revision compacted_revision() const override { return inner_->compacted_revision(); }
  Result<std::unique_ptr<store::Watch>> watch(std::string_view start, std::string_view end,
                                              store::Revision after, Wake wake) override {
    return inner_->watch(start, end, after, std::move(wake));
  }
  Result<bool> compact_step(store::Revision revision) override {
    return inner_->compact_step(revision);
  }

  std::function<void()> before_submit;

 private:
  std::unique_ptr<store::Store> inner_ = store::open_memory_store();
};

struct Race {
  RacingStore store;
  testing::FakeClock clock;
  SeededRandom random{1};
  std::unique_ptr<ApiServer> server;
  std::unique_ptr<http::Transport> transport;

  Race() {
    Options options;
    options.crds = {widget_crd()};
    server = std::move(*ApiServer::open(store, clock, random, options));
    transport = http::in_process_transport(*server, testing::TestApiServer::administrator());
    send("POST", kWidgets, widget("w1"));
  }
  testing::TestAnswer send(const std::string& method, const std::string& target,
                           const std::string& body) {
    http::Request request;
    request.method = method;
    request.target = target;
    request.body = body;
    request.headers.emplace("Content-Type", method == "PATCH" ? "application/merge-patch+json"
                                                              : "application/json");
    auto response = transport->send(std::move(request));
    return {response->status, response->body, response->headers};
  }
  const std::string path = std::string(kWidgets) + "/w1";
};

TEST_CASE("a patch without a resourceVersion that loses a race is made again", "[apiserver][race]") {
  Race race;
  race.store.before_submit = [&] { race.send("PATCH", race.path, R"({"spec":{"note":"first"}})"); };
  const auto answer = race.send("PATCH", race.path, R"({"spec":{"size":1}})");
  CHECK(answer.status == 200);
  CHECK(answer.json()["spec"] == json{{"color", "red"}, {"note", "first"}, {"size", 1}});
}

TEST_CASE("a PUT with a resourceVersion that loses a race is a conflict", "[apiserver][race]") {
  Race race;
  json object = race.send("GET", race.path, "").json();
  object["spec"]["size"] = 1;
  race.store.before_submit = [&] { race.send("PATCH", race.path, R"({"spec":{"note":"first"}})"); };
  CHECK(race.send("PUT", race.path, object.dump()).status == 409);
}

TEST_CASE("a create that loses a race is AlreadyExists", "[apiserver][race]") {
  Race race;
  race.store.before_submit = [&] { race.send("POST", kWidgets, widget("w2")); };
  const auto answer = race.send("POST", kWidgets, widget("w2"));
  CHECK(answer.status == 409);
  CHECK(answer.json()["reason"] == "AlreadyExists");
}

TEST_CASE("a delete that loses a race to another is NotFound", "[apiserver][race]") {
  Race race;
  race.store.before_submit = [&] { race.send("DELETE", race.path, ""); };
  CHECK(race.send("DELETE", race.path, "").status == 404);
}

TEST_CASE("what is created in a namespace that just went is swept away", "[apiserver][race]") {
  Race race;
  const std::string inside = "/api/v1/namespaces/shop/configmaps";
  race.send("POST", "/api/v1/namespaces", R"({"metadata":{"name":"shop"}})");
  race.store.before_submit = [&] {
    race.send("DELETE", "/api/v1/namespaces/shop", "");
    race.server->step(race.clock.now());
  };
  CHECK(race.send("POST", inside, R"({"metadata":{"name":"late"}})").status == 201);
  CHECK(race.send("GET", "/api/v1/namespaces/shop", "").status == 404);
  race.server->step(race.clock.now());
  CHECK(race.send("GET", inside + "/late", "").status == 404);
}

TEST_CASE("patches of one object by many threads are all in it", "[apiserver][race]") {
  WidgetServer api;
  api.post(kWidgets, widget("w1"));
  constexpr int kThreads = 8;
  constexpr int kPatches = 50;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&api, t] {
      for (int i = 0; i < kPatches; ++i) {
        const std::string label = "t" + std::to_string(t) + "-" + std::to_string(i);
        api.merge(api.path("w1"), R"({"metadata":{"labels":{")" + label + R"(":"x"}}})");
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(api.get(api.path("w1")).json()["metadata"]["labels"].size() == kThreads * kPatches);
}

}  // namespace
}  // namespace tidelock::apiserver
