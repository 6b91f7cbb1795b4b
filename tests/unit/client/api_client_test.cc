// SPDX-License-Identifier: Apache-2.0
#include "controller/client/api_client.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/memory_api.h"

using namespace tidelock;
using client::Call;

namespace {
const client::Resource kTenants{"tidelock.dev", "v1alpha1", "tenants", true};
const client::Resource kNamespaces{"", "v1", "namespaces", false};

// Answers everything with the same response and keeps the requests.
class OneAnswer final : public http::Transport {
 public:
  std::vector<http::Request> requests;
  http::Response response;
  std::vector<Result<http::Response>> send(std::vector<http::Request> sent) override {
    std::vector<Result<http::Response>> answers;
    for (http::Request& request : sent) {
      requests.push_back(std::move(request));
      http::Response copy;
      copy.status = response.status;
      copy.headers = response.headers;
      copy.body = response.body;
      answers.emplace_back(std::move(copy));
    }
    return answers;
  }
  Result<http::StreamStart> stream(http::Request, Wake) override {
    return fail(Reason::ServiceUnavailable, "no streams here");
  }
};
}  // namespace

TEST_CASE("paths are those of Kubernetes", "[client][api_client]") {
  CHECK(client::resource_path(kTenants, "default", "t1", "status") ==
        "/apis/tidelock.dev/v1alpha1/namespaces/default/tenants/t1/status");
  CHECK(client::resource_path(kTenants, "", "") == "/apis/tidelock.dev/v1alpha1/tenants");
  CHECK(client::resource_path(kNamespaces, "", "a") == "/api/v1/namespaces/a");
  CHECK(client::resource_path(kNamespaces, "ignored", "a") == "/api/v1/namespaces/a");
}

TEST_CASE("a name cannot leave its segment of the path", "[client][api_client]") {
  CHECK(client::resource_path(kTenants, "default", "../secrets/x?watch=1") ==
        "/apis/tidelock.dev/v1alpha1/namespaces/default/tenants/..%2Fsecrets%2Fx%3Fwatch%3D1");
}

TEST_CASE("a patch says its kind, its manager and its lock", "[client][api_client]") {
  OneAnswer transport;
  client::ApiClient api(transport, "tidelock-controller");
  Call call;
  call.verb = Call::Verb::Patch;
  call.resource = kTenants;
  call.ns = "default";
  call.name = "t1";
  call.body = "{}";
  SECTION("merge") {
    REQUIRE(api.call(call));
    CHECK(http::header(transport.requests[0].headers, "content-type") ==
          "application/merge-patch+json");
  }
  SECTION("json") {
    call.patch_type = client::PatchType::Json;
    REQUIRE(api.call(call));
    CHECK(http::header(transport.requests[0].headers, "content-type") ==
          "application/json-patch+json");
  }
  SECTION("apply, with a manager of its own") {
    call.patch_type = client::PatchType::Apply;
    call.query["fieldManager"] = "somebody";
    REQUIRE(api.call(call));
    CHECK(http::header(transport.requests[0].headers, "content-type") ==
          "application/apply-patch+yaml");
    CHECK(transport.requests[0].target.ends_with("?fieldManager=somebody"));
    return;
  }
  CHECK(transport.requests[0].method == "PATCH");
  CHECK(transport.requests[0].target ==
        "/apis/tidelock.dev/v1alpha1/namespaces/default/tenants/t1?fieldManager=tidelock-controller");
}

TEST_CASE("reads and deletes name no field manager", "[client][api_client]") {
  OneAnswer transport;
  client::ApiClient api(transport, "me");
  Call call;
  call.resource = kTenants;
  call.ns = "a";
  call.name = "t";
  REQUIRE(api.call(call));
  call.verb = Call::Verb::Delete;
  REQUIRE(api.call(call));
  for (const http::Request& request : transport.requests) {
    CHECK(request.target.find("fieldManager") == std::string::npos);
  }
}

TEST_CASE("a list sends its selectors and its page", "[client][api_client]") {
  OneAnswer transport;
  client::ApiClient api(transport, "me");
  REQUIRE(api.list(kTenants, "a", {"ring in (x,y)", "metadata.name=t", 7, "tok en"}));
  CHECK(transport.requests[0].target ==
        "/apis/tidelock.dev/v1alpha1/namespaces/a/tenants?continue=tok%20en"
        "&fieldSelector=metadata.name%3Dt&labelSelector=ring%20in%20%28x%2Cy%29&limit=7");
}

TEST_CASE("results stand in the order of the calls", "[client][api_client]") {
  testing::MemoryApi transport;
  transport.put("/apis/tidelock.dev/v1alpha1/namespaces/a/tenants", "t1", {{"n", 1}});
  transport.put("/apis/tidelock.dev/v1alpha1/namespaces/a/tenants", "t3", {{"n", 3}});
  client::ApiClient api(transport, "me");
  std::vector<Call> calls(3);
  for (int i = 0; i < 3; ++i) {
    calls[static_cast<std::size_t>(i)].resource = kTenants;
    calls[static_cast<std::size_t>(i)].ns = "a";
    calls[static_cast<std::size_t>(i)].name = "t" + std::to_string(i + 1);
  }
  const auto results = api.call_all(calls);
  REQUIRE(results.size() == 3);
  CHECK(results[0]->find("\"n\":1") != std::string::npos);
  CHECK(results[1].error().reason == Reason::NotFound);
  CHECK(results[2]->find("\"n\":3") != std::string::npos);
  CHECK(api.call_all({}).empty());
}

TEST_CASE("a Status becomes the same error", "[client][api_client]") {
  const Error error = client::error_from_response(422, R"({
    "kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"is invalid",
    "reason":"Invalid","code":422,"details":{"name":"x","group":"g","kind":"Widget","uid":"u",
    "retryAfterSeconds":3,"causes":[{"reason":"FieldValueInvalid","message":"bad","field":"spec.a"}]}})");
  CHECK(error.reason == Reason::Invalid);
  CHECK(error.message == "is invalid");
  CHECK(error.name == "x");
  CHECK(error.group == "g");
  CHECK(error.kind == "Widget");
  CHECK(error.uid == "u");
  CHECK(error.retry_after_seconds == 3);
  CHECK(error.causes == std::vector<Cause>{{"FieldValueInvalid", "bad", "spec.a"}});
  CHECK(error.http_status() == 422);
}

TEST_CASE("what is no Status keeps its code and its first line", "[client][api_client]") {
  CHECK(client::error_from_response(404, "404 page not found\n").message == "404 page not found");
  CHECK(client::error_from_response(404, "404 page not found\n").reason == Reason::NotFound);
  CHECK(client::error_from_response(502, "").http_status() == 502);
  CHECK_FALSE(client::error_from_response(502, "").message.empty());
  CHECK(client::error_from_response(503, R"({"kind":"Tenant"})").reason == Reason::ServiceUnavailable);
  CHECK(client::error_from_response(500, std::string(200'000, '[')).message.size() <= 300);
}

TEST_CASE("an unknown reason is read from the code", "[client][api_client]") {
  const Error error =
      client::error_from_response(409, R"({"kind":"Status","reason":"Whatever","message":"m"})");
  CHECK(error.reason == Reason::Conflict);
  CHECK(client::error_from_response(500, R"({"kind":"Status","message":"m"})").reason ==
        Reason::Unknown);
}

TEST_CASE("Retry-After counts when the Status has none", "[client][api_client]") {
  OneAnswer transport;
  transport.response.status = 429;
  transport.response.body = "Too many requests, please try again later.";
  transport.response.headers.emplace("Retry-After", "4");
  client::ApiClient api(transport, "me");
  const auto answer = api.get_raw("/version");
  REQUIRE_FALSE(answer);
  CHECK(answer.error().reason == Reason::TooManyRequests);
  CHECK(answer.error().retry_after_seconds == 4);
}
