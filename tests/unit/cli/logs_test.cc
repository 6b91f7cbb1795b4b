// SPDX-License-Identifier: Apache-2.0
// logs: which task is meant, and how its output is shown.
#include <catch2/catch.hpp>

#include "tests/unit/cli/cli_fixture.h"

namespace tidelock::testing {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using nlohmann::json;

// The log service: a text per task; a followed log comes in pieces.
class LogHandler final : public http::Handler {
 public:
  std::map<std::string, std::string> texts;
  std::vector<std::string> targets;  // what was asked for

  void handle(http::Request request, http::Respond respond) override {
    targets.push_back(request.target);
    auto target = http::parse_target(request.target);
    http::Response response;
    auto found = target ? texts.find(target->segments[6]) : texts.end();
    if (found == texts.end()) {
      response.status = 404;
      response.body =
          R"({"kind":"Status","apiVersion":"v1","status":"Failure","message":"no log","reason":"NotFound","code":404})";
    } else if (target->query.contains("follow")) {
      response.stream = std::make_unique<Pieces>(found->second);
    } else {
      response.body = found->second;
    }
    respond(std::move(response));
  }

 private:
  class Pieces final : public http::BodyStream {
   public:
    explicit Pieces(std::string text) : text_(std::move(text)) {}
    Pull pull(std::string& out) override {
      if (text_.empty()) return Pull::End;
      pending_ = !pending_;
      if (pending_) return Pull::Pending;
      out += text_[0];
      text_.erase(0, 1);
      return Pull::Data;
    }
    void on_ready(Wake) override {}

   private:
    std::string text_;
    bool pending_ = false;
  };
};

struct LogShop : Cli {
  explicit LogShop(LogHandler& handler) : Cli(options(handler)) {
    put("tenants", {{"kind", "Tenant"}, {"metadata", {{"name", "t1"}}}, {"spec", json::object()}});
    for (const char* target : {"w1", "w2"}) {
      const std::string name = std::string("p.e.t1.") + target;
      put("installations", {{"kind", "Installation"},
                            {"metadata", {{"name", name}}},
                            {"spec",
                             {{"projectRef", {{"name", "p"}}},
                              {"environmentRef", {{"name", "e"}}},
                              {"tenantRef", {{"name", "t1"}}},
                              {"targetRef", {{"name", target}}},
                              {"tenantDeployment", "d"},
                              {"version", "1.0.0"}}},
                            {"status", {{"task", name + "-1"}}}});
      put("deploymenttasks", {{"kind", "DeploymentTask"},
                              {"metadata", {{"name", name + "-1"}}},
                              {"spec",
                               {{"installation", name},
                                {"installationUid", "u"},
                                {"project", "p"},
                                {"environment", "e"},
                                {"tenant", "t1"},
                                {"target", target},
                                {"action", "Install"},
                                {"attempt", 1},
                                {"requestedAt", "2026-01-01T00:00:00.000000Z"}}}});
    }
  }
  static apiserver::Options options(LogHandler& handler) {
    apiserver::Options options = TestApiServer::with_crds();
    options.aggregated["logs.tidelock.dev"] = &handler;
    return options;
  }
};

TEST_CASE("logs are found by task, by installation and by tenant", "[cli]") {
  LogHandler handler;
  LogShop shop(handler);
  handler.texts = {{"p.e.t1.w1-1", "one\ntwo\n"}, {"p.e.t1.w2-1", "three\n"}};
  CHECK(shop.run({"logs", "p.e.t1.w1-1"}).out == "one\ntwo\n");
  CHECK(shop.run({"logs", "task/p.e.t1.w1-1"}).out == "one\ntwo\n");
  CHECK(shop.run({"logs", "installation/p.e.t1.w1"}).out == "one\ntwo\n");
  CHECK(shop.run({"logs", "p.e.t1.w2"}).out == "three\n");
  CHECK(shop.run({"logs", "t1"}).out == "[t1 on w1] one\n[t1 on w1] two\n[t1 on w2] three\n");
  const CliResult unknown = shop.run({"logs", "nobody"});
  CHECK(unknown.code == 1);
  CHECK(unknown.err ==
        "error: no task, installation or tenant \"nobody\" in the default namespace\n");
  CHECK_THAT(shop.run({"logs", "project/p"}).err, StartsWith("error: logs are of tasks"));
  CHECK_THAT(shop.run({"logs"}).err, StartsWith("error: expected TASK"));
}

TEST_CASE("the flags of logs become the query of the log service", "[cli]") {
  LogHandler handler;
  LogShop shop(handler);
  handler.texts = {{"p.e.t1.w1-1", "one\n"}};
  shop.run({"logs", "p.e.t1.w1-1", "--step", "a b", "--tail=5", "--timestamps", "--prefix"});
  CHECK(handler.targets.back() ==
        "/apis/logs.tidelock.dev/v1alpha1/namespaces/default/deploymenttasks/p.e.t1.w1-1/log"
        "?prefix=true&step=a%20b&tailLines=5&timestamps=true");
}

TEST_CASE("a followed log is printed to its end", "[cli]") {
  LogHandler handler;
  LogShop shop(handler);
  handler.texts = {{"p.e.t1.w1-1", "one\ntwo\n"}};
  for (int i = 0; i < 20; ++i) shop.happenings.push_back([] {});
  const CliResult result = shop.run({"logs", "p.e.t1.w1-1", "-f"});
  CHECK(result.code == 0);
  CHECK(result.out == "one\ntwo\n");
}

TEST_CASE("following a task that has not started waits for its log", "[cli]") {
  LogHandler handler;
  LogShop shop(handler);
  shop.happenings.push_back([] {});
  shop.happenings.push_back([&] { handler.texts = {{"p.e.t1.w1-1", "x\n"}}; });
  for (int i = 0; i < 20; ++i) shop.happenings.push_back([] {});
  CHECK(shop.run({"logs", "p.e.t1.w1-1", "-f"}).out == "x\n");
  const CliResult none = shop.run({"logs", "p.e.t1.w2-1"});
  CHECK(none.code == 0);
  CHECK(none.err == "Task p.e.t1.w2-1 has no output yet.\n");
}

}  // namespace
}  // namespace tidelock::testing
