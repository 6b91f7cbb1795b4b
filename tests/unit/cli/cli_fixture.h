// SPDX-License-Identifier: Apache-2.0
// tidectl against a whole API server in this thread: files in memory, no waiting in real time.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "controller/cli/tidectl.h"
#include "tests/support/test_api_server.h"

namespace tidelock::testing {

struct CliResult {
  int code = 0;
  std::string out;
  std::string err;
};

// Hands every request on to a transport that somebody else owns.
class BorrowedTransport final : public http::Transport {
 public:
  explicit BorrowedTransport(http::Transport& inner) : inner_(inner) {}
  using http::Transport::send;
  std::vector<Result<http::Response>> send(std::vector<http::Request> requests) override {
    return inner_.send(std::move(requests));
  }
  Result<http::StreamStart> stream(http::Request request, Wake wake) override {
    return inner_.stream(std::move(request), std::move(wake));
  }

 private:
  http::Transport& inner_;
};

// A server that is not there.
class RefusingTransport final : public http::Transport {
 public:
  using http::Transport::send;
  std::vector<Result<http::Response>> send(std::vector<http::Request> requests) override {
    std::vector<Result<http::Response>> results;
    for (std::size_t i = 0; i < requests.size(); ++i) {
      results.push_back(fail(Reason::ServiceUnavailable, "connect: Connection refused"));
    }
    return results;
  }
  Result<http::StreamStart> stream(http::Request, Wake) override {
    return fail(Reason::ServiceUnavailable, "connect: Connection refused");
  }
};

// The world of tidectl without a server.
class CliWorld {
 public:
  virtual ~CliWorld() = default;

  std::map<std::string, std::string> files;
  std::map<std::string, std::string> variables{{"HOME", "/home/me"}};
  std::string in;
  bool terminal = false;
  int width = 80;
  // What happens in the world while tidectl waits, one at a time. When nothing is left, a wait with
  // a deadline ends there and any other is interrupted as by Ctrl-C.
  std::deque<std::function<void()>> happenings;
  http::ClientOptions connected;  // what the last connection was made with

  CliResult run(std::vector<std::string> arguments) {
    std::istringstream input(in);
    std::ostringstream out, err;
    cli::Environment environment;
    environment.variables = variables;
    environment.in = &input;
    environment.out = &out;
    environment.err = &err;
    environment.terminal = terminal;
    environment.clock = &clock();
    environment.connect = [this](const http::ClientOptions& options) {
      connected = options;
      return connect();
    };
    environment.wake = [] {};
    environment.wait = [this](TimePoint deadline) { return wait(deadline); };
    environment.read_file = [this](const std::string& path) { return read(path); };
    environment.list_files = [this](const std::string& path, bool recursive) {
      return list(path, recursive);
    };
    environment.write_file = [this](const std::string& path, const std::string& text) {
      files[path] = text;
      return Result<void>{};
    };
    environment.width = [this] { return width; };
    const int code = cli::run(arguments, environment);
    return {code, out.str(), err.str()};
  }

 protected:
  virtual Clock& clock() { return clock_; }
  virtual void advance_to(TimePoint time) { clock_.set(time); }
  virtual Result<std::unique_ptr<http::Transport>> connect() {
    return std::unique_ptr<http::Transport>(std::make_unique<RefusingTransport>());
  }

 private:
  bool wait(TimePoint deadline) {
    if (!happenings.empty()) {
      auto next = std::move(happenings.front());
      happenings.pop_front();
      next();
      return true;
    }
    if (deadline == kNever) return false;
    advance_to(deadline);
    return true;
  }

  Result<std::string> read(const std::string& path) {
    auto found = files.find(path);
    if (found != files.end()) return found->second;
    return fail(Reason::NotFound, path + ": No such file or directory");
  }

  Result<std::vector<std::string>> list(const std::string& path, bool recursive) {
    if (files.contains(path)) return std::vector<std::string>{path};
    std::vector<std::string> found;
    bool folder = false;
    for (const auto& [name, text] : files) {
      if (!name.starts_with(path + "/")) continue;
      folder = true;
      const bool below = name.find('/', path.size() + 1) != std::string::npos;
      if (name.ends_with(".yaml") && (recursive || !below)) found.push_back(name);
    }
    if (!folder) return fail(Reason::NotFound, path + ": No such file or directory");
    return found;
  }

  FakeClock clock_;
};

// The same with a server that has our kinds.
class Cli : public CliWorld {
 public:
  explicit Cli(apiserver::Options options = TestApiServer::with_crds()) : api_(std::move(options)) {
    variables["KUBECONFIG"] = "/config";
    files["/config"] = kConfig;
  }
  TestApiServer& api() { return api_; }

  // An object of tidelock.dev in the namespace default; status as its own write. Returns its JSON.
  nlohmann::json put(const std::string& plural, const nlohmann::json& object) {
    const std::string list = "/apis/tidelock.dev/v1alpha1/namespaces/default/" + plural;
    nlohmann::json whole = object;
    whole["apiVersion"] = "tidelock.dev/v1alpha1";
    const TestAnswer made = api_.post(list, whole.dump());
    if (made.status != 201) throw std::runtime_error("put: " + made.body);
    if (!object.contains("status")) return made.json();
    return set_status(plural, object["metadata"]["name"], object["status"]);
  }
  nlohmann::json set_status(const std::string& plural, const std::string& name,
                            const nlohmann::json& status) {
    const std::string path =
        "/apis/tidelock.dev/v1alpha1/namespaces/default/" + plural + "/" + name;
    const TestAnswer set = api_.merge(path + "/status", nlohmann::json{{"status", status}}.dump());
    if (set.status != 200) throw std::runtime_error("set_status: " + set.body);
    return set.json();
  }

  static constexpr const char* kConfig = R"(apiVersion: v1
kind: Config
current-context: here
clusters: [{name: c, cluster: {server: "https://127.0.0.1:6443", insecure-skip-tls-verify: true}}]
users: [{name: u, user: {token: secret-token}}]
contexts: [{name: here, context: {cluster: c, user: u}}]
)";

 protected:
  Clock& clock() override { return api_.clock(); }
  void advance_to(TimePoint time) override {
    api_.clock().set(time);
    api_.step();
  }
  Result<std::unique_ptr<http::Transport>> connect() override {
    return std::unique_ptr<http::Transport>(std::make_unique<BorrowedTransport>(api_.transport()));
  }

 private:
  TestApiServer api_;
};

}  // namespace tidelock::testing
