// SPDX-License-Identifier: Apache-2.0
// A shop with tenants on one target, the real controller deciding, and the test as the agent.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>

#include "controller/base/log.h"
#include "controller/reconciler/controller.h"
#include "tests/unit/cli/cli_fixture.h"

namespace tidelock::testing {

using nlohmann::json;

inline constexpr const char* kDeployment = "td/storefront-production";

struct Fleet : Cli {
  explicit Fleet(int tenants = 10, int max_concurrent = 1) {
    set_log_level(LogLevel::Error);
    put("projects", {{"kind", "Project"},
                     {"metadata", {{"name", "storefront"}}},
                     {"spec",
                      {{"installDirectory", "/srv/${tenant.name}"},
                       {"steps",
                        {{{"name", "stop"}, {"script", {{"body", "true"}}}},
                         {{"name", "start"}, {"script", {{"body", "true"}}}}}}}}});
    put("environments", {{"kind", "Environment"},
                         {"metadata", {{"name", "production"}}},
                         {"spec", json::object()}});
    put("targets", {{"kind", "Target"},
                    {"metadata", {{"name", "web-01"}}},
                    {"spec",
                     {{"environments", {"production"}},
                      {"executor", "Local"},
                      {"installRoot", "/srv"},
                      {"maxConcurrent", max_concurrent}}}});
    for (int i = 1; i <= tenants; ++i) {
      const std::string number = i < 10 ? "0" + std::to_string(i) : std::to_string(i);
      put("tenants", {{"kind", "Tenant"},
                      {"metadata", {{"name", "tenant-" + number}}},
                      {"spec", json::object()}});
    }
    release("1.0.0");
    set_status("targets", "web-01",
               {{"agentInstance", "a"},
                {"conditions",
                 {{{"type", "Ready"},
                   {"status", "True"},
                   {"reason", "R"},
                   {"message", ""},
                   {"lastTransitionTime", "2026-01-01T00:00:00Z"}}}}});
  }

  void release(const std::string& version) {
    put("releases", {{"kind", "Release"},
                     {"metadata", {{"name", "storefront-" + version}}},
                     {"spec", {{"projectRef", {{"name", "storefront"}}}, {"version", version}}}});
  }
  static json deployment(const std::string& version) {
    return {{"kind", "TenantDeployment"},
            {"metadata", {{"name", "storefront-production"}}},
            {"spec",
             {{"projectRef", {{"name", "storefront"}}},
              {"environmentRef", {{"name", "production"}}},
              {"release", {{"version", version}}},
              {"tenants", json::object()},
              {"targets", json::object()}}}};
  }
  void deploy() { put("tenantdeployments", deployment("1.0.0")); }
  void patch(const std::string& path, const json& change) {
    const TestAnswer done =
        api().merge("/apis/tidelock.dev/v1alpha1/namespaces/default/" + path, change.dump());
    if (done.status != 200) throw std::runtime_error("patch: " + done.body);
  }

  // Lets the controller do all that it can do now.
  void settle() {
    for (int i = 0; i < 5; ++i) {
      controller->step(api().clock().now());
      api().step();
    }
  }
  // Statuses are written at a measured pace.
  void settle_later() {
    api().advance(std::chrono::seconds(1));
    settle();
  }
  json object(const std::string& path) {
    return api().get("/apis/tidelock.dev/v1alpha1/namespaces/default/" + path).json();
  }
  static std::string task(int tenant, int attempt = 1) {
    const std::string number = tenant < 10 ? "0" + std::to_string(tenant) : std::to_string(tenant);
    return "storefront.production.tenant-" + number + ".web-01-" + std::to_string(attempt);
  }

  // As the agent: the granted step ran from its grant until now.
  void finish_step(int tenant, bool succeeded = true, int attempt = 1) {
    const json now_task = object("deploymenttasks/" + task(tenant, attempt));
    const json& grant = now_task["status"]["grant"];
    const std::size_t index = grant["step"];
    json steps = now_task["status"].value("steps", json::array());
    while (steps.size() <= index) {
      steps.push_back(
          {{"name", now_task["spec"]["steps"][steps.size()]["name"]}, {"phase", "Pending"}});
    }
    steps[index] = {{"name", now_task["spec"]["steps"][index]["name"]},
                    {"phase", succeeded ? "Succeeded" : "Failed"},
                    {"attempt", 1},
                    {"startedAt", grant["stepGrantedAt"]},
                    {"exitCode", succeeded ? 0 : 7},
                    {"finishedAt", format_micro_time(api().clock().now())},
                    {"message", succeeded ? "" : "exit code 7: no such shop"},
                    {"waits", grant.value("waits", json::array())}};
    json status{{"steps", steps}};
    const bool last = index + 1 == now_task["spec"]["steps"].size();
    if (last || !succeeded) {
      status["phase"] = succeeded ? "Succeeded" : "Failed";
      status["finishedAt"] = format_micro_time(api().clock().now());
      status["reason"] = succeeded ? "" : "StepFailed";
      status["message"] = succeeded ? "" : "step stop failed: exit code 7: no such shop";
      if (succeeded) {
        status["reportedVersion"] = now_task["spec"]["version"];
        status["reportedDigest"] = now_task["spec"]["digest"];
      }
    }
    set_status("deploymenttasks", task(tenant, attempt), status);
    settle();
  }

  // Every tenant, one after the other, ten seconds a step.
  void finish_all(int tenants, int attempt = 1) {
    for (int tenant = 1; tenant <= tenants; ++tenant) {
      for (int step = 0; step < 2; ++step) {
        api().advance(std::chrono::seconds(10));
        finish_step(tenant, true, attempt);
      }
    }
  }

  SeededRandom random{1};
  client::ApiClient client{api().transport(), "tidelock-controller"};
  std::unique_ptr<reconciler::Controller> controller =
      reconciler::Controller::make(client, random, {.identity = "test", .wake = [] {}});
};

}  // namespace tidelock::testing
