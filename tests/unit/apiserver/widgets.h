// SPDX-License-Identifier: Apache-2.0
// A small CRD for the tests of this folder: contract.example.dev/v1 Widget.
#pragma once

#include <string>

#include "tests/support/test_api_server.h"

namespace tidelock::apiserver {

inline constexpr const char* kCrds = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
inline constexpr const char* kWidgets =
    "/apis/contract.example.dev/v1/namespaces/default/widgets";

inline std::string widget_crd() {
  return R"({"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition",
"metadata":{"name":"widgets.contract.example.dev"},
"spec":{"group":"contract.example.dev","scope":"Namespaced",
 "names":{"kind":"Widget","plural":"widgets","shortNames":["wd"],"categories":["all"]},
 "versions":[{"name":"v1","served":true,"storage":true,
  "subresources":{"status":{}},
  "selectableFields":[{"jsonPath":".spec.color"}],
  "additionalPrinterColumns":[{"name":"Color","type":"string","jsonPath":".spec.color"}],
  "schema":{"openAPIV3Schema":{"type":"object","properties":{
   "spec":{"type":"object","properties":{
     "color":{"type":"string","enum":["red","green","blue"],"default":"red"},
     "size":{"type":"integer","minimum":0},
     "note":{"type":"string"},
     "tags":{"type":"array","items":{"type":"string"}}}},
   "status":{"type":"object","properties":{"ready":{"type":"boolean"}}}}}}}]}})";
}

inline std::string widget(const std::string& name, const std::string& spec = "{}",
                          const std::string& metadata = "") {
  return R"({"apiVersion":"contract.example.dev/v1","kind":"Widget","metadata":{"name":")" + name +
         "\"" + metadata + R"(},"spec":)" + spec + "}";
}

// A server with the Widget CRD.
struct WidgetServer : testing::TestApiServer {
  WidgetServer() : TestApiServer(Options{}) {
    if (const auto made = post(kCrds, widget_crd()); made.status != 201) {
      throw std::runtime_error(made.body);
    }
  }
  std::string path(const std::string& name) { return std::string(kWidgets) + "/" + name; }
};

}  // namespace tidelock::apiserver
