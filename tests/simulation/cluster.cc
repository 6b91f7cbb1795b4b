// SPDX-License-Identifier: Apache-2.0
#include "tests/simulation/cluster.h"

#include <utility>

#include "controller/agent/agent.h"
#include "controller/base/invariant.h"
#include "controller/reconciler/controller.h"
#include "tests/simulation/check_installs.h"
#include "tests/support/test_api_server.h"

namespace tidelock::simulation {
namespace {

http::Peer peer_of(const std::string& user) {
  http::Peer peer;
  peer.in_process_user = user;
  peer.in_process_groups = {"system:masters", "system:authenticated"};
  return peer;
}

class NodeClock final : public Clock {
 public:
  explicit NodeClock(Node& node) : node_(node) {}
  TimePoint now() override { return node_.local_now(); }

 private:
  Node& node_;
};

class ControllerLife final : public Life {
 public:
  ControllerLife(Network& network, Node& node, std::uint64_t seed, const std::string& identity,
                 Duration lease)
      : random_(seed),
        clock_(node),
        transport_(network, node, peer_of("tidelock-controller")),
        api_(transport_, "tidelock-controller"),
        controller_(reconciler::Controller::make(
            api_, random_,
            {.identity = identity, .lease_duration = lease, .wake = node.wake_handle(),
             .clock = &clock_})) {}
  Component* component() override { return controller_.get(); }

 private:
  SeededRandom random_;
  NodeClock clock_;
  SimTransport transport_;
  client::ApiClient api_;
  std::unique_ptr<reconciler::Controller> controller_;
};

class AgentLife final : public Life {
 public:
  AgentLife(Network& network, AgentHost& host, std::uint64_t seed, std::function<void()> crash)
      : host_(host),
        random_(seed),
        transport_(network, host.node, peer_of("tidelock-agent")),
        api_(transport_, "tidelock-agent"),
        disk_(host.machine.disk, [&host] { kill(host); }),
        processes_(host.machine),
        fetcher_(host.machine.kernel, host.machine.packages, host.node.wake_handle(),
                 std::move(crash)) {
    host.machine.processes.set_wake(host.node.wake_handle());
    host.disk = &disk_;
    agent::Options options;
    options.target = host.target;
    options.ns = host.target.empty() ? "" : kNamespace;
    options.state_dir = "/var/lib/tidelock";
    options.instance = random_.uuid();
    auto opened = agent::Agent::open(options, {api_, disk_, processes_, fetcher_, random_,
                                               host.node.wake_handle()});
    if (opened) agent_ = std::move(*opened);
  }
  ~AgentLife() override {
    agent_.reset();
    host_.disk = nullptr;
    host_.machine.processes.set_wake([] {});
    host_.machine.processes.agent_crashed();
  }
  Component* component() override { return agent_.get(); }

 private:
  // On the agent's own fiber, or in a job of its fetcher.
  static void kill(AgentHost& host) {
    if (Fiber::current() == nullptr) throw Killed{};
    host.node.crash();
  }

  AgentHost& host_;
  SeededRandom random_;
  SimTransport transport_;
  client::ApiClient api_;
  KillerDisk disk_;
  MachineProcesses processes_;
  SimFetcher fetcher_;
  std::unique_ptr<agent::Agent> agent_;
};

}  // namespace

// The log service takes everything; what it does with it has its own tests.
class Cluster::QuietLogs final : public http::Handler {
 public:
  void handle(http::Request, http::Respond respond) override { respond({}); }
};

namespace {

// What a new server puts into its store, namespaces and CRDs: the same in each run, so made once.
const std::vector<store::Put>& first_objects() {
  static const std::vector<store::Put> puts = [] {
    testing::TestApiServer api;
    auto page = api.store().list("", "", 0);
    INVARIANT(page.has_value());
    std::vector<store::Put> made;
    for (store::Entry& entry : page->entries) {
      made.push_back({std::move(entry.key), std::move(entry.value), std::nullopt});
    }
    return made;
  }();
  return puts;
}

}  // namespace

Cluster::Cluster(Kernel& kernel, const Swarm& swarm)
    : kernel_(kernel),
      swarm_(swarm),
      store_(kernel),
      server_clock_(kernel),
      server_random_(kernel.random().next()),
      logs_(std::make_unique<QuietLogs>()),
      network_(kernel),
      truth_(store_.durable(), *this),
      task_checker_(kernel, truth_, capacities_, swarm.jump_clock),
      status_checker_(kernel),
      process_checker_(kernel, truth_, capacities_, task_checker_.late_grants()),
      wire_checker_(kernel, truth_),
      leader_checker_(kernel, truth_, swarm.lease, swarm.jump_clock) {
  network_.faults = swarm.network;
  network_.request_timeout = swarm.request_timeout;
  network_.on_opened = [this](const Connection& connection) { wire_checker_.opened(connection); };
  network_.on_sent = [this](const Connection& connection, const std::string& line) {
    wire_checker_.sent(connection, line);
  };
  network_.on_acknowledged = [this](const http::Request& request, const http::Response& response) {
    truth_.poll();
    wire_checker_.acknowledged(request, response);
  };
  network_.on_submitted = [this](const Node& node, const http::Request& request) {
    leader_checker_.submitted(node, request);
  };
  network_.on_answered = [this](const Sender& sender, const http::Request& request,
                                const Result<http::Response>& answer) {
    leader_checker_.answered(sender, request, answer);
  };
  store_.faults.sync_max = swarm.sync_max;
}

Cluster::~Cluster() {
  for (auto& controller : controllers_) controller->crash();
  for (auto& agent : agents_) agent->node.crash();
  if (server_) crash_server();
}

void Cluster::start() {
  INVARIANT(store_.durable().commit(first_objects()).has_value());
  start_server();
  for (int i = 0; i < swarm_.controllers; ++i) {
    controllers_.push_back(std::make_unique<Node>(kernel_, "controller-" + std::to_string(i + 1)));
    start_controller(controllers_.size() - 1);
  }
  const int hosts = swarm_.local_agent ? 1 : swarm_.targets;
  for (int i = 0; i < hosts; ++i) {
    const std::string target = swarm_.local_agent ? "" : "w" + std::to_string(i + 1);
    agents_.push_back(std::make_unique<AgentHost>(kernel_, target, nullptr));
    AgentHost* host = agents_.back().get();
    host->machine.processes.set_decide([this, host](const ProcessSpec& spec) {
      const auto name = spec.environment.find("TIDELOCK_TARGET");
      const std::string where = name == spec.environment.end() ? host->target : name->second;
      auto script = decide(spec);
      if (!script.start) return script;
      kernel_.trace("target " + where, "starts", spec.lock_file);
      truth_.poll();
      process_checker_.starting(host->machine, where, spec);
      return script;
    });
    start_agent(agents_.size() - 1);
  }
}

Duration Cluster::restart_delay() {
  if (healed) return std::chrono::milliseconds(100);
  return kernel_.between(std::chrono::milliseconds(10), std::chrono::seconds(15));
}

// ---- the server -------------------------------------------------------------------------------

void Cluster::start_server() {
  if (server_) return;
  apiserver::Options options;
  options.aggregated["logs.tidelock.dev"] = logs_.get();
  options.history_retention = swarm_.history;
  options.wake = [this, life = ++server_life_] {
    if (life == server_life_) plan_server_step(kernel_.now());
  };
  store_.at_once = true;
  auto opened = apiserver::ApiServer::open(store_, server_clock_, server_random_, std::move(options));
  store_.at_once = false;
  if (!opened) {
    return kernel_.violated("the server starts whatever is stored", opened.error().message);
  }
  kernel_.trace("server", "starts");
  server_ = std::move(*opened);
  person_ = http::in_process_transport(*server_, peer_of("admin"));
  network_.set_server(server_.get());
  server_step_at_ = kNever;
  plan_server_step(kernel_.now());
}

void Cluster::plan_server_step(TimePoint at) {
  if (at >= server_step_at_ || server_ == nullptr) return;
  server_step_at_ = at;
  kernel_.at(at + Duration{10}, [this, at, life = server_life_] {
    if (life != server_life_ || server_step_at_ != at) return;
    server_step_at_ = kNever;
    const TimePoint next = server_->step(server_clock_.now());
    if (next != kNever) {
      plan_server_step(std::max(next - server_clock_.offset,
                                kernel_.now() + std::chrono::milliseconds(1)));
    }
  });
}

void Cluster::crash_server() {
  if (!server_) return;
  kernel_.trace("server", "crashes");
  ++server_life_;
  network_.set_server(nullptr);
  store_.crash();
  person_.reset();
  server_.reset();
}

Result<http::Response> Cluster::call(const std::string& method, const std::string& path,
                                     const std::string& body, const std::string& content_type) {
  if (!server_) return fail(Reason::ServiceUnavailable, "the server is down");
  http::Request request;
  request.method = method;
  request.target = path;
  request.body = body;
  if (!content_type.empty()) request.headers.emplace("Content-Type", content_type);
  kernel_.trace("person", method + " " + path, body);
  store_.at_once = true;
  auto response = person_->send(std::move(request));
  store_.at_once = false;
  kernel_.trace("person", "answer " + std::to_string(response ? response->status : 0));
  truth_.poll();
  return response;
}

// ---- controllers and agents -------------------------------------------------------------------

void Cluster::start_controller(std::size_t index) {
  Node& node = *controllers_[index];
  if (node.alive()) return;
  std::string identity = node.name();
  if (!swarm_.stable_identity) identity += "_" + std::to_string(node.life_number());
  const std::uint64_t seed = kernel_.random().next();
  node.start(
      [this, &node, identity, seed]() -> std::unique_ptr<Life> {
        return std::make_unique<ControllerLife>(network_, node, seed, identity, swarm_.lease);
      },
      [this, index] { kernel_.after(restart_delay(), [this, index] { start_controller(index); }); });
}

void Cluster::crash_controller(std::size_t index) {
  if (!controllers_[index]->alive()) return;
  controllers_[index]->crash();
  kernel_.after(restart_delay(), [this, index] { start_controller(index); });
}

void Cluster::start_agent(std::size_t index) {
  AgentHost& host = *agents_[index];
  if (host.node.alive()) return;
  const std::uint64_t seed = kernel_.random().next();
  host.node.start(
      [this, &host, seed, index]() -> std::unique_ptr<Life> {
        return std::make_unique<AgentLife>(network_, host, seed, [this, index] { crash_agent(index); });
      },
      [this, index] { kernel_.after(restart_delay(), [this, index] { start_agent(index); }); });
}

void Cluster::crash_agent(std::size_t index) {
  if (!agents_[index]->node.alive()) return;
  agents_[index]->node.crash();
  kernel_.after(restart_delay(), [this, index] { start_agent(index); });
}

void Cluster::lose_power(std::size_t index) {
  AgentHost& host = *agents_[index];
  kernel_.trace(host.node.name(), "loses power");
  crash_agent(index);
  host.machine.lose_power();
  check_installs(kernel_, host.node.name(), host.machine.disk, "/srv");
}

void Cluster::check_disks() {
  for (const auto& agent : agents_) {
    check_installs(kernel_, agent->node.name(), agent->machine.disk, "/srv");
  }
}

void Cluster::heal() {
  healed = true;
  network_.faults = {};
  network_.heal();
  network_.request_timeout = std::chrono::seconds(30);
  store_.faults = {};
  store_.on_waiting = nullptr;
  server_clock_.offset = Duration{0};
  start_server();
  for (std::size_t i = 0; i < controllers_.size(); ++i) {
    controllers_[i]->jump_clock(-controllers_[i]->clock_offset());
    start_controller(i);
  }
  for (std::size_t i = 0; i < agents_.size(); ++i) {
    AgentHost& host = *agents_[i];
    host.machine.disk.heal();
    host.machine.disk.set_quota(UINT64_MAX);
    if (host.disk != nullptr) host.disk->kill_at(0);
    host.node.jump_clock(-host.node.clock_offset());
    start_agent(i);
  }
}

}  // namespace tidelock::simulation
