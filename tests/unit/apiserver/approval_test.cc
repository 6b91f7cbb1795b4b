// SPDX-License-Identifier: Apache-2.0
// The approver is who asked, on every way to write, and an approval never changes.
#include <catch2/catch.hpp>

#include "tests/support/test_api_server.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr const char* kApprovals = "/apis/tidelock.dev/v1alpha1/namespaces/default/approvals";
constexpr const char* kApplyType = "application/apply-patch+yaml";

struct ApprovalServer : testing::TestApiServer {
  testing::TestAnswer as(const std::string& user, const std::string& method,
                         const std::string& target, const json& body = {},
                         const std::string& type = "application/json") {
    http::Peer peer;
    peer.in_process_user = user;
    peer.in_process_groups = {"system:masters"};
    http::Request request;
    request.method = method;
    request.target = target;
    if (!body.is_null()) request.body = body.dump();
    request.headers.emplace("Content-Type", type);
    auto response = http::in_process_transport(server(), peer)->send(std::move(request));
    if (!response) throw std::runtime_error(response.error().message);
    return {response->status, response->body, response->headers};
  }
  testing::TestAnswer apply(const std::string& user, const std::string& name, const json& body) {
    return as(user, "PATCH", path(name) + "?fieldManager=test&force=true", body, kApplyType);
  }
  static std::string path(const std::string& name) { return std::string(kApprovals) + "/" + name; }
  json stored(const std::string& name) { return get(path(name)).json(); }
};

json approval(const std::string& name, const json& more = json::object()) {
  json spec = {{"rolloutRef", {{"name", "r"}}},
               {"gate", "go"},
               {"planHash", "sha256:" + std::string(64, 'a')},
               {"decision", "Approve"}};
  spec.merge_patch(more);
  return {{"apiVersion", "tidelock.dev/v1alpha1"},
          {"kind", "Approval"},
          {"metadata", {{"name", name}}},
          {"spec", spec}};
}

std::string approver_of(const json& object) { return object["spec"].value("approver", "(none)"); }

void check_immutable(const testing::TestAnswer& answer) {
  CHECK(answer.status == 422);
  const json status = answer.json();
  CHECK(status["reason"] == "Invalid");
  REQUIRE(status["details"]["causes"].size() == 1);
  const json& cause = status["details"]["causes"][0];
  CHECK(cause["field"] == "spec");
  const std::string message = cause["message"];
  CHECK(message.starts_with("Invalid value: {"));
  CHECK(message.ends_with(": field is immutable"));
  CHECK(status["message"].get<std::string>().find("is invalid: spec: Invalid value: {") !=
        std::string::npos);
}

TEST_CASE("whoever creates an approval is its approver", "[apiserver][approval]") {
  ApprovalServer api;
  const auto plain = api.as("alice", "POST", kApprovals, approval("plain"));
  REQUIRE(plain.status == 201);
  CHECK(approver_of(plain.json()) == "alice");
  CHECK(approver_of(api.stored("plain")) == "alice");

  for (const json& claim : {json("bob"), json(""), json(7)}) {
    INFO(claim);
    const auto claimed = api.as("alice", "POST", kApprovals, approval("claimed", {{"approver", claim}}));
    REQUIRE(claimed.status == 201);
    CHECK(approver_of(api.stored("claimed")) == "alice");
    REQUIRE(api.remove(api.path("claimed")).status == 200);
  }
}

TEST_CASE("names that the server makes have an approver too", "[apiserver][approval]") {
  ApprovalServer api;
  json document = approval("x", {{"approver", "bob"}});
  document["metadata"] = {{"generateName", "go-"}};
  const auto made = api.as("alice", "POST", kApprovals, document);
  REQUIRE(made.status == 201);
  CHECK(approver_of(api.stored(made.json()["metadata"]["name"])) == "alice");
}

TEST_CASE("applying an approval that is not there names its approver", "[apiserver][approval]") {
  ApprovalServer api;
  const auto made = api.apply("carol", "applied", approval("applied", {{"approver", "bob"}}));
  REQUIRE(made.status == 201);
  CHECK(approver_of(made.json()) == "carol");
  CHECK(approver_of(api.stored("applied")) == "carol");
}

TEST_CASE("no other write creates an approval", "[apiserver][approval]") {
  ApprovalServer api;
  CHECK(api.as("alice", "PUT", api.path("new"), approval("new")).status == 404);
  CHECK(api.as("alice", "PATCH", api.path("new"), approval("new"), "application/merge-patch+json")
            .status == 404);
  CHECK(api.get(api.path("new")).status == 404);
}

TEST_CASE("a dry run shows the approver and stores nothing", "[apiserver][approval]") {
  ApprovalServer api;
  const auto shown = api.as("alice", "POST", std::string(kApprovals) + "?dryRun=All",
                            approval("dry", {{"approver", "bob"}}));
  REQUIRE(shown.status == 201);
  CHECK(approver_of(shown.json()) == "alice");
  CHECK(api.get(api.path("dry")).status == 404);
}

TEST_CASE("nobody changes an approval, not even its approver", "[apiserver][approval]") {
  ApprovalServer api;
  REQUIRE(api.as("alice", "POST", kApprovals, approval("a")).status == 201);
  const json before = api.stored("a");
  const std::string path = api.path("a");
  const std::string merge = "application/merge-patch+json";
  for (const std::string user : {"alice", "bob"}) {
    INFO(user);
    json changed = before;
    changed["spec"]["decision"] = "Reject";
    check_immutable(api.as(user, "PUT", path, changed));
    changed = before;
    changed["spec"]["approver"] = "bob";
    check_immutable(api.as(user, "PUT", path, changed));
    check_immutable(api.as(user, "PATCH", path, {{"spec", {{"approver", "bob"}}}}, merge));
    check_immutable(api.as(user, "PATCH", path, {{"spec", {{"gate", "other"}}}}, merge));
    check_immutable(api.as(user, "PATCH", path,
                           json::array({{{"op", "replace"}, {"path", "/spec/approver"}, {"value", "bob"}}}),
                           "application/json-patch+json"));
    check_immutable(api.apply(user, "a", approval("a", {{"reason", "changed my mind"}})));
    check_immutable(api.apply(user, "a", approval("a", {{"approver", "bob"}})));
  }
  CHECK(api.stored("a") == before);
}

TEST_CASE("an approval applied again by anybody stays its approver's", "[apiserver][approval]") {
  ApprovalServer api;
  REQUIRE(api.as("alice", "POST", kApprovals, approval("a")).status == 201);
  const json before = api.stored("a");
  CHECK(api.apply("bob", "a", approval("a")).status == 200);
  json without = before;
  without["spec"].erase("approver");
  CHECK(api.as("bob", "PUT", api.path("a"), without).status == 200);
  CHECK(api.as("bob", "PATCH", api.path("a"), {{"spec", {{"approver", nullptr}}}},
               "application/merge-patch+json").status == 200);
  CHECK(api.as("bob", "PATCH", api.path("a"),
               json::array({{{"op", "remove"}, {"path", "/spec/approver"}}}),
               "application/json-patch+json").status == 200);
  CHECK(api.stored("a") == before);
}

TEST_CASE("labels of an approval may change, and its status is nobody's way in",
          "[apiserver][approval]") {
  ApprovalServer api;
  REQUIRE(api.as("alice", "POST", kApprovals, approval("a")).status == 201);
  const auto labelled = api.as("bob", "PATCH", api.path("a"),
                               {{"metadata", {{"labels", {{"seen", "yes"}}}}}},
                               "application/merge-patch+json");
  CHECK(labelled.status == 200);
  CHECK(approver_of(labelled.json()) == "alice");
  json changed = api.stored("a");
  changed["spec"]["approver"] = "bob";
  CHECK(api.as("bob", "PUT", api.path("a") + "/status", changed).status == 200);
  CHECK(approver_of(api.stored("a")) == "alice");
}

TEST_CASE("only approvals are stamped", "[apiserver][approval]") {
  ApprovalServer api;
  const auto made =
      api.as("alice", "POST", "/apis/tidelock.dev/v1alpha1/namespaces/default/tenants",
             {{"apiVersion", "tidelock.dev/v1alpha1"}, {"kind", "Tenant"},
              {"metadata", {{"name", "t"}}}, {"spec", {{"displayName", "T"}}}});
  REQUIRE(made.status == 201);
  CHECK_FALSE(made.json()["spec"].contains("approver"));
}

TEST_CASE("what an approval must say is refused with its field", "[apiserver][approval]") {
  ApprovalServer api;
  const auto refused = [&](const json& more) {
    const json status = api.as("alice", "POST", kApprovals, approval("a", more)).json();
    return status["details"]["causes"][0]["field"].get<std::string>();
  };
  CHECK(refused({{"rolloutRef", nullptr}}) == "spec.rolloutRef");
  CHECK(refused({{"gate", nullptr}}) == "spec.gate");
  CHECK(refused({{"decision", nullptr}}) == "spec.decision");
  CHECK(refused({{"planHash", "sha256:x"}}) == "spec.planHash");
  json empty = approval("a");
  empty.erase("spec");
  CHECK(api.as("alice", "POST", kApprovals, empty).status == 422);
  empty["spec"] = "x";
  CHECK(api.as("alice", "POST", kApprovals, empty).status == 422);
}

}  // namespace
}  // namespace tidelock::apiserver
