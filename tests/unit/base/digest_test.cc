// SPDX-License-Identifier: Apache-2.0
#include "controller/base/digest.h"

#include <catch2/catch.hpp>

using namespace tidelock;

TEST_CASE("SHA-256 agrees with the vectors of FIPS 180-4", "[base][digest]") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("a digest does not depend on how the bytes are cut", "[base][digest]") {
  Sha256 digest;
  digest.update("a");
  digest.update("");
  Sha256 moved = std::move(digest);
  moved.update("bc");
  CHECK(moved.finish_hex() == sha256_hex("abc"));
}

TEST_CASE("base64 agrees with the vectors of RFC 4648", "[base][digest]") {
  const std::pair<const char*, const char*> rows[] = {
      {"", ""},         {"f", "Zg=="},        {"fo", "Zm8="},        {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : rows) {
    CHECK(base64_encode(plain) == coded);
    CHECK(base64_decode(coded) == std::string(plain));
  }
  CHECK(base64_encode("\xfb\xff") == "+/8=");
  CHECK(base64url_encode("\xfb\xff") == "-_8");
  CHECK(base64url_decode("-_8") == std::string("\xfb\xff"));
}

TEST_CASE("every byte survives both base64 forms", "[base][digest]") {
  std::string bytes;
  for (int i = 0; i < 256; ++i) {
    bytes += static_cast<char>(i);
    CHECK(base64_decode(base64_encode(bytes)) == bytes);
    CHECK(base64url_decode(base64url_encode(bytes)) == bytes);
  }
}

TEST_CASE("base64 has one text per value: all else is refused", "[base][digest]") {
  for (const char* text : {"Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm8=Zm8=", "Zm 8", "Zm8\n",
                           "====", "=", "Z===", "-_8="}) {
    CAPTURE(text);
    CHECK_FALSE(base64_decode(text).has_value());
  }
  for (const char* text : {"Zg==", "Z", "Zh", "+/8", "Zm8 "}) {
    CAPTURE(text);
    CHECK_FALSE(base64url_decode(text).has_value());
  }
}

TEST_CASE("constant_time_equal compares whole values", "[base][digest]") {
  CHECK(constant_time_equal("", ""));
  CHECK(constant_time_equal("token", "token"));
  CHECK_FALSE(constant_time_equal("token", "tokem"));
  CHECK_FALSE(constant_time_equal("token", "toke"));
  CHECK_FALSE(constant_time_equal(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}
