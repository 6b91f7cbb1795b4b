// SPDX-License-Identifier: Apache-2.0
#include "controller/http/certificates.h"

#include <catch2/catch.hpp>

#include "tests/support/fake_clock.h"

using namespace tidelock;
using namespace tidelock::http;
using tidelock::testing::kEpoch;

TEST_CASE("a certificate says until when it is valid", "[http][certificates]") {
  const auto authority = make_certificate_authority("test-ca", kEpoch);
  REQUIRE(authority);
  CHECK(*certificate_expiry(authority->certificate_pem) > kEpoch + std::chrono::hours(24 * 3600));
  const auto leaf = sign_certificate(
      *authority, {.common_name = "server", .server = true, .lifetime = std::chrono::hours(48)},
      kEpoch);
  REQUIRE(leaf);
  CHECK(*certificate_expiry(leaf->certificate_pem) == kEpoch + std::chrono::hours(48));
}

TEST_CASE("two certificates never share key or serial", "[http][certificates]") {
  const auto authority = make_certificate_authority("test-ca", kEpoch);
  REQUIRE(authority);
  const auto one = sign_certificate(*authority, {.common_name = "a"}, kEpoch);
  const auto two = sign_certificate(*authority, {.common_name = "a"}, kEpoch);
  REQUIRE(one);
  REQUIRE(two);
  CHECK(one->key_pem != two->key_pem);
  CHECK(one->certificate_pem != two->certificate_pem);
}

TEST_CASE("what is no certificate is refused", "[http][certificates]") {
  CHECK_FALSE(certificate_expiry(""));
  CHECK_FALSE(certificate_expiry("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  CHECK_FALSE(sign_certificate({"no", "pem"}, {.common_name = "a"}, kEpoch));
  const auto authority = make_certificate_authority("test-ca", kEpoch);
  REQUIRE(authority);
  CHECK_FALSE(
      sign_certificate({authority->certificate_pem, "no key"}, {.common_name = "a"}, kEpoch));
}

TEST_CASE("names too long for a certificate are refused", "[http][certificates]") {
  const auto authority = make_certificate_authority("test-ca", kEpoch);
  REQUIRE(authority);
  CHECK(sign_certificate(*authority, {.common_name = std::string(64, 'a')}, kEpoch));
  CHECK_FALSE(sign_certificate(*authority, {.common_name = std::string(65, 'a')}, kEpoch));
}
