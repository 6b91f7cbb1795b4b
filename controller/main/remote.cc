// SPDX-License-Identifier: Apache-2.0
#include "controller/main/remote.h"

#include <unistd.h>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "controller/agent/agent.h"
#include "controller/base/limits.h"
#include "controller/base/log.h"
#include "controller/client/api_client.h"
#include "controller/client/kubeconfig.h"
#include "controller/http/client.h"
#include "controller/platform/event_loop.h"
#include "controller/platform/posix_disk.h"
#include "controller/platform/process_runner.h"
#include "controller/platform/system_clock.h"
#include "controller/platform/system_random.h"
#include "controller/reconciler/controller.h"

namespace tidelock {
namespace {

int failed(const Error& error) {
  std::cerr << "error: " << error.message << "\n";
  return 1;
}

Result<client::Connection> connection(const std::string& kubeconfig, Disk& disk,
                                      const std::string& user_agent) {
  if (kubeconfig.empty()) {
    return fail(Reason::BadRequest, "no API server: give --kubeconfig or set KUBECONFIG");
  }
  const client::ReadFile read = [&disk](const std::string& path) {
    return disk.read_file(path, limits::kRequestBodyBytesMax);
  };
  const auto config = client::Kubeconfig::load_list(kubeconfig, read);
  if (!config) return fail(config.error());
  auto found = config->connection("", read);
  if (!found) return found;
  found->options.user_agent = user_agent;
  return found;
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0) return "unknown";
  return name;
}

// Drives the component until a signal comes.
void run(Component& component, platform::Waker& waker, Clock& clock,
         platform::ShutdownSignals& signals) {
  platform::ComponentThread thread(component, waker, clock);
  thread.start();
  const int signal = signals.wait();
  log_info("stopping", {{"signal", std::to_string(signal)}});
  thread.stop();
}

}  // namespace

int run_controller(const ControllerFlags& flags, platform::ShutdownSignals& signals) {
  platform::SystemClock clock;
  platform::SystemRandom random;
  platform::PosixDisk disk;
  const auto found = connection(flags.kubeconfig, disk, "tidelock-controller");
  if (!found) return failed(found.error());
  auto transport = http::make_client(found->options);
  if (!transport) return failed(transport.error());
  client::ApiClient api(**transport, "tidelock-controller");
  platform::Waker waker;
  const auto controller = reconciler::Controller::make(
      api, random,
      {.identity = host_name() + "_" + random.uuid(), .wake = waker.handle(), .clock = &clock});
  log_info("controller started", {{"server", found->options.base_url}});
  run(*controller, waker, clock, signals);
  return 0;
}

int run_agent(const AgentFlags& flags, platform::ShutdownSignals& signals) {
  platform::SystemClock clock;
  platform::SystemRandom random;
  platform::PosixDisk disk;
  const auto found = connection(flags.kubeconfig, disk, "tidelock-agent");
  if (!found) return failed(found.error());
  auto transport = http::make_client(found->options);
  if (!transport) return failed(transport.error());
  client::ApiClient api(**transport, "tidelock-agent");
  platform::Waker waker;
  platform::PosixProcessRunner processes(waker.handle());
  auto fetcher =
      agent::make_fetcher({.cache_dir = flags.state_dir + "/cache", .wake = waker.handle()});
  if (!fetcher) return failed(fetcher.error());
  agent::Options options;
  options.target = flags.target;
  options.ns = flags.ns.empty() ? found->ns : flags.ns;
  options.state_dir = flags.state_dir;
  options.instance = random.uuid();
  options.version = TIDELOCK_VERSION;
  options.drift_interval = flags.drift_interval.value_or(options.drift_interval);
  auto agent = agent::Agent::open(options, {api, disk, processes, **fetcher, random, waker.handle()});
  if (!agent) return failed(agent.error());
  log_info("agent started", {{"server", found->options.base_url}, {"target", options.target}});
  run(**agent, waker, clock, signals);
  return 0;
}

}  // namespace tidelock
