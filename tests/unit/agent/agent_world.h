// SPDX-License-Identifier: Apache-2.0
// One agent with everything around it, in virtual time. The test plays the planner: it makes tasks
// and grants steps.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "controller/agent/agent.h"
#include "controller/api/codec.h"
#include "tests/support/fake_clock.h"
#include "tests/support/fake_fetcher.h"
#include "tests/support/fake_process_runner.h"
#include "tests/support/memory_disk.h"
#include "tests/support/test_api_server.h"

namespace tidelock::testing {

inline const std::string kBase = "/apis/tidelock.dev/v1alpha1/namespaces/default";

// Takes logs as the log service does, and remembers them.
class FakeLogs final : public http::Handler {
 public:
  struct Post {
    std::string task, step, attempt, offset, end, body;
  };
  std::vector<Post> posts;
  int refuse_with = 0;

  void handle(http::Request request, http::Respond respond) override {
    const auto target = http::parse_target(request.target);
    const auto value = [&](const char* name) {
      const auto found = target->query.find(name);
      return found == target->query.end() ? std::string{} : found->second;
    };
    http::Response response;
    response.status = refuse_with == 0 ? 200 : refuse_with;
    if (refuse_with == 0) {
      posts.push_back({target->segments[target->segments.size() - 2], value("step"),
                       value("attempt"), value("offset"), value("end"), request.body});
    }
    respond(std::move(response));
  }
  std::string text(const std::string& step) const {
    std::string all;
    for (const Post& post : posts) {
      if (post.step == step) all += post.body;
    }
    return all;
  }
};


class AgentWorld {
 public:
  using Json = nlohmann::json;

  explicit AgentWorld(FakeProcessRunner::Decide decide = [](const ProcessSpec&) {
    return ProcessScript{};
  })
      : api(options(logs)),
        processes(api.clock().now(), std::move(decide), [this] { woken_ = true; }),
        fetcher(disk, [this] { woken_ = true; }),
        client_(api.transport(), "tidelock-agent") {
    api.post(kBase + "/targets",
             R"({"apiVersion":"tidelock.dev/v1alpha1","kind":"Target","metadata":{"name":"web-01"},
                 "spec":{"environments":["production"],"executor":"Local","installRoot":"/srv"}})");
    start_agent();
  }

  FakeLogs logs;
  TestApiServer api;
  MemoryDisk disk;
  FakeProcessRunner processes;
  FakeFetcher fetcher;
  std::unique_ptr<agent::Agent> agent;
  agent::Options agent_options;

  TimePoint now() { return api.clock().now(); }

  bool start_agent() {
    agent_options.state_dir = "/state";
    agent_options.instance = "instance-" + std::to_string(++lives_);
    auto opened = agent::Agent::open(
        agent_options, {client_, disk, processes, fetcher, random_, [this] { woken_ = true; }});
    if (!opened) return false;
    agent = std::move(*opened);
    woken_ = true;
    return true;
  }
  // kill -9 of the agent: processes and disk stay.
  void kill_agent() {
    processes.agent_crashed();  // first: it has no last words
    agent.reset();
    fetcher.agent_crashed();
  }

  // Everything that can happen at this time.
  void settle() {
    for (int i = 0; i < 1000; ++i) {
      api.step();
      woken_ = false;
      next_ = agent ? agent->step(now()) : kNever;
      if (!woken_ && next_ > now()) return;
    }
    throw std::runtime_error("the agent never rests");
  }
  // Lets time pass, stopping wherever something is due.
  void run_for(Duration time) {
    const TimePoint end = now() + time;
    settle();
    while (now() < end) {
      const TimePoint due = std::min({end, next_, processes.next_due()});
      api.clock().set(std::max(now(), due));
      processes.advance_to(now());
      settle();
    }
  }

  // A task with these steps: JSON list of the spec.
  Json task(const std::string& name, const std::string& steps, const Json& more = Json::object()) {
    Json spec{{"installation", name}, {"installationUID", "inst-" + name}, {"project", "shop"},
              {"environment", "production"}, {"tenant", "acme"}, {"target", "web-01"},
              {"action", "Install"}, {"release", "shop-1.0.0"}, {"version", "1.0.0"},
              {"digest", "sha256:0123456789abcdef0123456789abcdef"}, {"attempt", 1},
              {"installDirectory", "/srv/" + name}, {"steps", Json::parse(steps)}};
    spec["locks"] = Json::array({{{"instance", "target/web-01/path/srv/" + name}}});
    spec.merge_patch(more);
    const TestAnswer made = api.post(kBase + "/deploymenttasks",
                                     Json{{"apiVersion", "tidelock.dev/v1alpha1"},
                                          {"kind", "DeploymentTask"},
                                          {"metadata", {{"name", name}}},
                                          {"spec", spec}}
                                         .dump());
    if (made.status != 201) throw std::runtime_error(made.body);
    return made.json();
  }
  void grant(const std::string& name, int step, int count, int attempt = 1,
             const Json& more = Json::object()) {
    Json grant{{"grantedAt", format_micro_time(now())}, {"fence", ++fence_}, {"step", step},
               {"stepCount", count}, {"stepAttempt", attempt},
               {"stepGrantedAt", format_micro_time(now())}};
    grant.merge_patch(more);
    status(name, {{"phase", "Running"}, {"grant", grant}});
  }
  void status(const std::string& name, const Json& change) {
    const TestAnswer patched = api.merge(kBase + "/deploymenttasks/" + name + "/status",
                                         Json{{"status", change}}.dump());
    if (patched.status != 200) throw std::runtime_error(patched.body);
  }
  void patch_spec(const std::string& name, const Json& change) {
    api.merge(kBase + "/deploymenttasks/" + name, Json{{"spec", change}}.dump());
  }
  // Grants whatever comes next, as the planner does, until the task is over or `limit` passed.
  api::DeploymentTask finish(const std::string& name, Duration limit = std::chrono::minutes(10)) {
    const TimePoint end = now() + limit;
    while (true) {
      settle();
      const api::DeploymentTask task = get(name);
      if (api::is_terminal(task.status.phase) || now() >= end) return task;
      if (grants_next(task)) continue;
      run_for(std::min<Duration>(std::chrono::milliseconds(100), end - now()));
    }
  }
  api::DeploymentTask get(const std::string& name) {
    const TestAnswer answer = api.get(kBase + "/deploymenttasks/" + name);
    auto task = api::decode<api::DeploymentTask>(answer.body);
    if (!task) throw std::runtime_error(task.error().message);
    return *task;
  }
  std::string file(const std::string& path) {
    const auto bytes = disk.read_file(path, 1 << 20);
    return bytes ? *bytes : "error: " + bytes.error().message;
  }
  std::string link(const std::string& path) {
    const auto target = disk.read_symlink(path);
    return target ? *target : "";
  }

 private:
  static apiserver::Options options(FakeLogs& logs) {
    apiserver::Options options = TestApiServer::with_crds();
    options.aggregated["logs.tidelock.dev"] = &logs;
    return options;
  }
  bool grants_next(const api::DeploymentTask& task) {
    const auto& steps = task.spec.steps;
    const auto& known = task.status.steps;
    const auto& old = task.status.grant;
    int first = -1;
    for (std::size_t i = 0; i < steps.size() && first < 0; ++i) {
      const bool pending = i >= known.size() || known[i].phase == api::StepPhase::Pending;
      const bool running = i < known.size() && known[i].phase == api::StepPhase::Running;
      if (running) return false;
      if (pending) first = static_cast<int>(i);
    }
    if (first < 0 && !steps.empty()) return false;
    first = std::max(first, 0);
    const auto index = static_cast<std::size_t>(first);
    const int attempt = index < known.size() ? known[index].attempt + 1 : 1;
    const bool again = old && (steps.empty() || (old->step == first && old->step_attempt == attempt));
    const bool waits = index < known.size() && known[index].retry_at && *known[index].retry_at > now();
    if (again || waits) return false;
    int count = steps.empty() ? 0 : 1;
    while (index + static_cast<std::size_t>(count) < steps.size() &&
           steps[index + static_cast<std::size_t>(count)].step.start ==
               api::StepStart::WithPrevious) {
      ++count;
    }
    grant(task.metadata.name, first, count, attempt);
    return true;
  }

  client::ApiClient client_;
  SeededRandom random_{7};
  bool woken_ = false;
  TimePoint next_ = kNever;
  int lives_ = 0;
  std::int64_t fence_ = 1'000'000'000;
};

// "healthy", "unhealthy" or "unknown"; or its message.
inline std::string health_of(AgentWorld& world, const std::string& task, bool message = false) {
  const auto health = world.get(task).status.health;
  if (!health) return "unknown";
  return message ? health->message : health->healthy ? "healthy" : "unhealthy";
}

}  // namespace tidelock::testing
