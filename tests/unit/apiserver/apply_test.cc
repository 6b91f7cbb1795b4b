// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tests/unit/apiserver/widgets.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

testing::TestAnswer send_apply(WidgetServer& api, const std::string& body,
                          const std::string& query = "?fieldManager=test") {
  return api.call("PATCH", api.path("w1") + query, body, "application/apply-patch+yaml");
}

constexpr const char* kBody =
    "apiVersion: contract.example.dev/v1\nkind: Widget\nmetadata: {name: w1}\nspec: {size: 1}\n";

TEST_CASE("an apply creates what is not there and merges over what is", "[apiserver][apply]") {
  WidgetServer api;
  const auto made = send_apply(api, kBody);
  CHECK(made.status == 201);
  CHECK(made.json()["spec"] == json{{"color", "red"}, {"size", 1}});
  api.merge(api.path("w1"), R"({"spec":{"note":"kept"}})");
  const auto again = send_apply(api, widget("w1", R"({"size":2})"));
  CHECK(again.status == 200);
  CHECK(again.json()["spec"] == json{{"color", "red"}, {"note", "kept"}, {"size", 2}});
}

TEST_CASE("an apply that changes nothing makes no revision", "[apiserver][apply]") {
  WidgetServer api;
  send_apply(api, kBody);
  const auto revision = api.store().revision();
  CHECK(send_apply(api, kBody).status == 200);
  CHECK(api.store().revision() == revision);
}

TEST_CASE("an apply needs a field manager, a kind and its own name", "[apiserver][apply]") {
  WidgetServer api;
  const auto manager = send_apply(api, kBody, "");
  CHECK(manager.status == 422);
  CHECK(manager.json()["message"] ==
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for "
        "apply patch");
  CHECK(send_apply(api, "metadata: {name: w1}").status == 400);
  CHECK(send_apply(api, widget("w2")).status == 400);
  CHECK(send_apply(api, widget("w1", "{}", R"(,"managedFields":[])")).status == 400);
  CHECK(send_apply(api, widget("w1", "{}", R"(,"uid":"x")")).status == 409);
  CHECK(api.call("PATCH", api.path("w1") + "/status?fieldManager=test", kBody,
                 "application/apply-patch+yaml")
            .status == 404);
}

}  // namespace
}  // namespace tidelock::apiserver
