// SPDX-License-Identifier: Apache-2.0
#include "controller/client/decode_shared.h"

#include <catch2/catch.hpp>

using namespace tidelock;
using client::decode_shared;

namespace {

std::string tenant(const std::string& name) {
  return R"({"apiVersion":"tidelock.dev/v1alpha1","kind":"Tenant","metadata":{"name":")" + name +
         R"("},"spec":{}})";
}

}  // namespace

TEST_CASE("who reads the same text gets the same object, while somebody holds it", "[client][decode]") {
  const auto first = decode_shared<api::Tenant>(tenant("a"));
  const auto again = decode_shared<api::Tenant>(tenant("a"));
  const auto other = decode_shared<api::Tenant>(tenant("b"));
  REQUIRE((first && again && other));
  CHECK(first->get() == again->get());
  CHECK((*other)->metadata.name == "b");
  std::weak_ptr<const api::Tenant> dead;
  {
    const auto held = decode_shared<api::Tenant>(tenant("c"));
    dead = *held;
  }
  CHECK(dead.expired());
  CHECK((*decode_shared<api::Tenant>(tenant("c")))->metadata.name == "c");
}

TEST_CASE("many texts, long ones and wrong ones are decoded all the same", "[client][decode]") {
  std::vector<std::shared_ptr<const api::Tenant>> held;
  for (std::size_t i = 0; i < 3 * client::kSharedTexts; ++i) {
    held.push_back(*decode_shared<api::Tenant>(tenant("t" + std::to_string(i))));
    CHECK(held.back()->metadata.name == "t" + std::to_string(i));
  }
  std::string at = tenant("x");
  at += std::string(client::kSharedTextBytesMax - at.size(), ' ');
  const auto one = decode_shared<api::Tenant>(at);
  const auto two = decode_shared<api::Tenant>(at);
  CHECK(one->get() == two->get());
  const auto over_one = decode_shared<api::Tenant>(at + " ");
  const auto over_two = decode_shared<api::Tenant>(at + " ");
  CHECK(over_one->get() != over_two->get());
  for (int i = 0; i < 2; ++i) CHECK_FALSE(decode_shared<api::Tenant>(R"({"kind":"Target"})"));
}
