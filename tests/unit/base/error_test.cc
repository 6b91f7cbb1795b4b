// SPDX-License-Identifier: Apache-2.0
#include "controller/base/error.h"

#include <catch2/catch.hpp>

#include "controller/base/result.h"

using namespace tidelock;

TEST_CASE("every reason survives its text and has an HTTP error code", "[base][error]") {
  for (int i = 0; i <= static_cast<int>(Reason::Timeout); ++i) {
    const auto reason = static_cast<Reason>(i);
    CAPTURE(i);
    CHECK(reason_from_string(to_string(reason)) == reason);
    CHECK(http_code(reason) >= 400);
    CHECK(to_string(reason).empty() == (reason == Reason::Unknown));
  }
  CHECK(reason_from_string("Gone") == Reason::Expired);
  CHECK(reason_from_string("NoSuchReason") == Reason::Unknown);
}

TEST_CASE("a bare HTTP code is read as its most general reason", "[base][error]") {
  CHECK(reason_from_http_code(404) == Reason::NotFound);
  CHECK(reason_from_http_code(409) == Reason::Conflict);
  CHECK(reason_from_http_code(500) == Reason::InternalError);
  CHECK(reason_from_http_code(418) == Reason::Unknown);
}

TEST_CASE("an error answers with its own code before its reason's", "[base][error]") {
  Error error = make_error(Reason::Invalid, "no");
  CHECK(error.http_status() == 422);
  error.code = 400;
  CHECK(error.http_status() == 400);
}

TEST_CASE("a result is a value or a reason", "[base][error]") {
  const auto half = [](int number) -> Result<int> {
    if (number % 2 != 0) return fail(Reason::Invalid, "odd");
    return number / 2;
  };
  CHECK(half(8) == 4);
  REQUIRE_FALSE(half(7).has_value());
  CHECK(half(7).error() == make_error(Reason::Invalid, "odd"));
}
