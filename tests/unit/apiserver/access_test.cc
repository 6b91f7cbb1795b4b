// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/unit/apiserver/widgets.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

// Sends as whoever `peer` and `token` say.
testing::TestAnswer send_as(testing::TestApiServer& api, const http::Peer& peer,
                            const std::string& token, const std::string& method,
                            const std::string& target) {
  auto transport = http::in_process_transport(api.server(), peer);
  http::Request request;
  request.method = method;
  request.target = target;
  if (!token.empty()) request.headers.emplace("Authorization", "Bearer " + token);
  auto response = transport->send(std::move(request));
  return {response->status, response->body, response->headers};
}

Options with_tokens() {
  Options options;
  options.tokens["good"] = {"admin", {"system:masters"}};
  options.tokens["weak"] = {"alice", {"users"}};
  return options;
}

TEST_CASE("nobody may read the probes and the version, and nothing else", "[apiserver][access]") {
  testing::TestApiServer api{with_tokens()};
  for (const char* path : {"/healthz", "/livez", "/readyz", "/readyz/ping", "/version", "/version/"}) {
    INFO(path);
    CHECK(send_as(api, {}, "", "GET", path).status == 200);
  }
  const auto refused = send_as(api, {}, "", "GET", "/api");
  CHECK(refused.status == 403);
  CHECK(refused.json()["message"] ==
        "forbidden: User \"system:anonymous\" cannot get path \"/api\"");
  CHECK(refused.json()["details"] == json::object());
}

TEST_CASE("a wrong token is Unauthorized even on a probe", "[apiserver][access]") {
  testing::TestApiServer api{with_tokens()};
  const auto answer = send_as(api, {}, "wrong", "GET", "/healthz");
  CHECK(answer.status == 401);
  CHECK(answer.json()["message"] == "Unauthorized");
  CHECK(answer.json()["reason"] == "Unauthorized");
}

TEST_CASE("tokens, certificates and in-process peers bring their user", "[apiserver][access]") {
  testing::TestApiServer api{with_tokens()};
  CHECK(send_as(api, {}, "good", "GET", "/api/v1/namespaces").status == 200);
  http::Peer certificate;
  certificate.certificate_user = "bob";
  certificate.certificate_groups = {"system:masters"};
  CHECK(send_as(api, certificate, "", "GET", "/api/v1/namespaces").status == 200);
  certificate.certificate_groups = {"users"};
  CHECK(send_as(api, certificate, "", "GET", "/api/v1/namespaces").status == 403);
}

TEST_CASE("a refusal names user, verb, resource and place", "[apiserver][access]") {
  testing::TestApiServer api{with_tokens()};
  const std::string widgets = "/apis/contract.example.dev/v1/namespaces/probe/widgets";
  const auto named = send_as(api, {}, "weak", "GET", widgets + "/w1");
  CHECK(named.json()["message"] ==
        "widgets.contract.example.dev \"w1\" is forbidden: User \"alice\" cannot get resource "
        "\"widgets\" in API group \"contract.example.dev\" in the namespace \"probe\"");
  CHECK(named.json()["details"] ==
        json{{"name", "w1"}, {"group", "contract.example.dev"}, {"kind", "widgets"}});
  const auto status = send_as(api, {}, "weak", "PUT", widgets + "/w1/status");
  CHECK(status.json()["message"] ==
        "widgets.contract.example.dev \"w1\" is forbidden: User \"alice\" cannot update resource "
        "\"widgets/status\" in API group \"contract.example.dev\" in the namespace \"probe\"");
  const auto all = send_as(api, {}, "weak", "GET", "/api/v1/namespaces");
  CHECK(all.json()["message"] ==
        "namespaces is forbidden: User \"alice\" cannot list resource \"namespaces\" in API group "
        "\"\" at the cluster scope");
}

TEST_CASE("an aggregated group is forwarded with the user that was proven", "[apiserver][access]") {
  struct Echo final : http::Handler {
    http::Peer peer;
    std::string target;
    void handle(http::Request request, http::Respond respond) override {
      peer = request.peer;
      target = request.target;
      respond({});
    }
  } echo;
  Options options = with_tokens();
  options.aggregated["logs.tidelock.dev"] = &echo;
  testing::TestApiServer api{std::move(options)};
  const std::string path = "/apis/logs.tidelock.dev/v1alpha1/namespaces/default/x?follow=true";
  CHECK(send_as(api, {}, "good", "GET", path).status == 200);
  CHECK(echo.peer.in_process_user == "admin");
  CHECK(echo.peer.in_process_groups ==
        std::vector<std::string>{"system:masters", "system:authenticated"});
  CHECK(echo.target == path);
  CHECK(send_as(api, {}, "weak", "GET", path).status == 403);
}

TEST_CASE("the version parses as Kubernetes' does", "[apiserver][documents]") {
  testing::TestApiServer api{Options{}};
  const json version = api.get("/version").json();
  CHECK(version["major"] == "1");
  CHECK(version["minor"] == "34");
  CHECK(version["gitVersion"].get<std::string>().starts_with("v1.34.0"));
  CHECK(api.get("/readyz").body == "ok");
}

TEST_CASE("answers are not to be cached", "[apiserver][access]") {
  testing::TestApiServer api{Options{}};
  CHECK(http::header(api.get("/version").headers, "Cache-Control") == "no-cache, private");
}

}  // namespace
}  // namespace tidelock::apiserver
