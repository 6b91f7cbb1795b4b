// SPDX-License-Identifier: Apache-2.0
// The `tidelock` program: server, controller or agent.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>

#include "controller/base/log.h"
#include "controller/base/time.h"
#include "controller/main/remote.h"
#include "controller/main/server.h"
#include "controller/platform/signals.h"

namespace {

using tidelock::LogLevel;

std::string absolute(const std::string& path) {
  std::string text = std::filesystem::absolute(path).lexically_normal().string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text;
}

std::string kubeconfig_default() {
  const char* given = std::getenv("KUBECONFIG");
  return given != nullptr ? given : "";
}

void add_drift_interval(CLI::App& command, std::optional<tidelock::Duration>& value) {
  command.add_option_function<std::string>(
      "--drift-interval",
      [&value](const std::string& text) {
        const auto duration = tidelock::parse_duration(text);
        if (!duration || *duration < std::chrono::seconds(1)) {
          throw CLI::ValidationError("--drift-interval", "want a duration of at least 1s, got \"" + text + "\"");
        }
        value = *duration;
      },
      "How often the agent looks whether what it installed is still there (default: 5m)");
}

}  // namespace

int main(int argc, char** argv) {
  tidelock::platform::ShutdownSignals signals;
  CLI::App app{"Tidelock keeps every project, environment, tenant and target at its release."};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("tidelock ") + TIDELOCK_VERSION);
  LogLevel level = LogLevel::Info;
  const std::map<std::string, LogLevel> levels{{"debug", LogLevel::Debug},
                                               {"info", LogLevel::Info},
                                               {"warn", LogLevel::Warn},
                                               {"error", LogLevel::Error}};
  app.add_option("--log-level", level, "debug, info, warn or error")
      ->transform(CLI::CheckedTransformer(levels, CLI::ignore_case));

  tidelock::ServerFlags server;
  server.data_dir = ".tidelock";
  auto* server_command = app.add_subcommand(
      "server", "API server, controller and (if allowed) a local agent in one process");
  server_command->add_option("--data-dir", server.data_dir, "Where everything is kept; created if absent")
      ->capture_default_str();
  server_command->add_option("--listen", server.listen, "ADDRESS:PORT of the API; port 0 = any free one")
      ->capture_default_str();
  server_command->add_flag("--allow-local-executor", server.allow_local_executor,
                           "Run the steps of targets with `executor: Local` in this process's machine");
  add_drift_interval(*server_command, server.drift_interval);

  tidelock::ControllerFlags controller;
  controller.kubeconfig = kubeconfig_default();
  auto* controller_command = app.add_subcommand("controller", "The controller against another API server");
  controller_command->add_option("--kubeconfig", controller.kubeconfig, "How to reach the API server (default: $KUBECONFIG)");

  tidelock::AgentFlags agent;
  agent.kubeconfig = kubeconfig_default();
  agent.state_dir = "/var/lib/tidelock-agent";
  auto* agent_command = app.add_subcommand("agent", "Runs the tasks of one target");
  agent_command->add_option("--kubeconfig", agent.kubeconfig, "How to reach the API server (default: $KUBECONFIG)");
  agent_command->add_option("--target", agent.target, "Name of the Target that this agent serves")->required();
  agent_command->add_option("-n,--namespace", agent.ns, "Its namespace (default: the kubeconfig's)");
  agent_command->add_option("--state-dir", agent.state_dir, "Journal, package cache and working folders")
      ->capture_default_str();
  add_drift_interval(*agent_command, agent.drift_interval);

  CLI11_PARSE(app, argc, argv);
  tidelock::set_log_level(level);
  if (server_command->parsed()) {
    server.data_dir = absolute(server.data_dir);
    return tidelock::run_server(server, signals);
  }
  if (controller_command->parsed()) return tidelock::run_controller(controller, signals);
  agent.state_dir = absolute(agent.state_dir);
  return tidelock::run_agent(agent, signals);
}
