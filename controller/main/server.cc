// SPDX-License-Identifier: Apache-2.0
#include "controller/main/server.h"

#include <iostream>
#include <memory>
#include <optional>

#include "controller/agent/agent.h"
#include "controller/apiserver/apiserver.h"
#include "controller/base/log.h"
#include "controller/client/api_client.h"
#include "controller/http/server.h"
#include "controller/http/transport.h"
#include "controller/logs/log_service.h"
#include "controller/main/crds.h"
#include "controller/main/data_folder.h"
#include "controller/platform/event_loop.h"
#include "controller/platform/posix_disk.h"
#include "controller/platform/process_runner.h"
#include "controller/platform/system_clock.h"
#include "controller/platform/system_random.h"
#include "controller/reconciler/controller.h"
#include "controller/store/store.h"

namespace tidelock {
namespace {

constexpr Duration kShutdownGrace = std::chrono::seconds(2);
constexpr int kWorkerThreads = 4;

struct Listen {
  std::string address;
  int port = 0;
};

Result<Listen> parse_listen(const std::string& text) {
  const auto colon = text.rfind(':');
  const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool number = !port.empty() && port.size() <= 5 &&
                      port.find_first_not_of("0123456789") == std::string::npos;
  if (!number || std::stoi(port) > 65'535 || colon == 0) {
    return fail(Reason::BadRequest, "--listen: want ADDRESS:PORT, got \"" + text + "\"");
  }
  std::string address = text.substr(0, colon);
  if (address.size() > 2 && address.front() == '[' && address.back() == ']') {
    address = address.substr(1, address.size() - 2);
  }
  return Listen{std::move(address), std::stoi(port)};
}

http::Peer in_process_peer(std::string user) {
  http::Peer peer;
  peer.in_process_user = std::move(user);
  peer.in_process_groups = {"system:masters", "system:authenticated"};
  peer.address = "in-process";
  return peer;
}

// A component with the thread that drives it, and its own way into the API.
struct Driven {
  platform::Waker waker;
  std::unique_ptr<http::Transport> transport;
  std::unique_ptr<client::ApiClient> api;
  std::unique_ptr<Component> component;
  std::optional<platform::ComponentThread> thread;

  void start(Clock& clock) {
    thread.emplace(*component, waker, clock);
    thread->start();
  }
  void stop() {
    if (thread) thread->stop();
    component.reset();
  }
};

// Members are destroyed in reverse: callers before what they call.
class ServerProcess {
 public:
  explicit ServerProcess(const ServerFlags& flags) : flags_(flags) {}

  Result<void> start() {
    for (const auto step : {&ServerProcess::open_data, &ServerProcess::open_api,
                            &ServerProcess::start_controller, &ServerProcess::start_agent,
                            &ServerProcess::start_port}) {
      if (auto done = (this->*step)(); !done) return done;
    }
    return {};
  }

  int port() const { return port_->port(); }
  const std::string& kubeconfig() const { return kubeconfig_; }

  // New work ends first, then those who make it, then what they use.
  void stop() {
    if (port_) port_->stop(kShutdownGrace);
    agent_.stop();
    controller_.stop();
    port_.reset();
  }

  ~ServerProcess() {
    stop();
    api_thread_.reset();
    logs_thread_.reset();
  }

 private:
  Result<void> open_data() {
    auto listen = parse_listen(flags_.listen);
    if (!listen) return fail(listen.error());
    listen_ = *listen;
    auto folder = DataFolder::open(flags_.data_dir, listen_.address, disk_, clock_.now());
    if (!folder) return fail(folder.error());
    data_.emplace(std::move(*folder));
    auto store = store::open_embedded_store({data_->file("store")});
    if (!store) return fail(store.error());
    store_ = std::move(*store);
    return {};
  }

  Result<void> open_api() {
    auto logs = logs::LogService::open({data_->file("logs")}, disk_, clock_);
    if (!logs) return fail(logs.error());
    logs_ = std::move(*logs);
    apiserver::Options options;
    options.crds = embedded_crds();
    options.aggregated[logs::kGroup] = logs_.get();
    options.wake = api_waker_.handle();
    auto api = apiserver::ApiServer::open(*store_, clock_, random_, std::move(options));
    if (!api) return fail(api.error());
    api_ = std::move(*api);
    api_thread_.emplace(*api_, api_waker_, clock_);
    api_thread_->start();
    logs_thread_.emplace(*logs_, logs_waker_, clock_);
    logs_thread_->start();
    return {};
  }

  void connect(Driven& driven, const std::string& user) {
    driven.transport = http::in_process_transport(*api_, in_process_peer(user));
    driven.api = std::make_unique<client::ApiClient>(*driven.transport, user);
  }

  Result<void> start_controller() {
    connect(controller_, "tidelock-controller");
    // Always the same identity: the data folder's lock lets only one server be, so after a crash the
    // next one need not wait for the lease to run out.
    controller_.component = reconciler::Controller::make(
        *controller_.api, random_,
        {.identity = "tidelock-server", .wake = controller_.waker.handle(), .clock = &clock_});
    controller_.start(clock_);
    return {};
  }

  Result<void> start_agent() {
    if (!flags_.allow_local_executor) return {};
    connect(agent_, "tidelock-agent");
    processes_ = std::make_unique<platform::PosixProcessRunner>(agent_.waker.handle());
    auto fetcher = agent::make_fetcher(
        {.cache_dir = data_->file("cache"), .wake = agent_.waker.handle()});
    if (!fetcher) return fail(fetcher.error());
    fetcher_ = std::move(*fetcher);
    agent::Options options;
    options.state_dir = data_->file("agent");
    options.instance = random_.uuid();
    options.version = TIDELOCK_VERSION;
    options.drift_interval = flags_.drift_interval.value_or(options.drift_interval);
    auto agent = agent::Agent::open(
        options, {*agent_.api, disk_, *processes_, *fetcher_, random_, agent_.waker.handle()});
    if (!agent) return fail(agent.error());
    agent_.component = std::move(*agent);
    agent_.start(clock_);
    return {};
  }

  Result<void> start_port() {
    http::ServerOptions options;
    options.address = listen_.address;
    options.port = listen_.port;
    options.certificate_pem = data_->server().certificate_pem;
    options.key_pem = data_->server().key_pem;
    options.client_ca_pem = data_->authority().certificate_pem;
    options.worker_threads = kWorkerThreads;
    auto port = http::start_server(options, *api_, clock_);
    if (!port) return fail(port.error());
    port_ = std::move(*port);
    auto kubeconfig = data_->write_kubeconfig(disk_, port_->port());
    if (!kubeconfig) return fail(kubeconfig.error());
    kubeconfig_ = *kubeconfig;
    return {};
  }

  const ServerFlags& flags_;
  Listen listen_;
  platform::SystemClock clock_;
  platform::SystemRandom random_;
  platform::PosixDisk disk_;
  std::optional<DataFolder> data_;
  std::unique_ptr<store::Store> store_;
  platform::Waker logs_waker_;
  std::unique_ptr<logs::LogService> logs_;
  platform::Waker api_waker_;
  std::unique_ptr<apiserver::ApiServer> api_;
  std::optional<platform::ComponentThread> logs_thread_;
  std::optional<platform::ComponentThread> api_thread_;
  Driven controller_;
  Driven agent_;
  std::unique_ptr<platform::PosixProcessRunner> processes_;
  std::unique_ptr<agent::Fetcher> fetcher_;
  std::unique_ptr<http::Server> port_;
  std::string kubeconfig_;
};

}  // namespace

int run_server(const ServerFlags& flags, platform::ShutdownSignals& signals) {
  ServerProcess server(flags);
  if (auto started = server.start(); !started) {
    std::cerr << "error: " << started.error().message << "\n";
    return 1;
  }
  log_info("ready", {{"listen", flags.listen},
                     {"port", std::to_string(server.port())},
                     {"kubeconfig", server.kubeconfig()},
                     {"localExecutor", flags.allow_local_executor ? "allowed" : "refused"}});
  const int signal = signals.wait();
  log_info("stopping", {{"signal", std::to_string(signal)}});
  server.stop();
  return 0;
}

}  // namespace tidelock
