// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/protobuf.h"

#include <catch2/catch.hpp>

#include "tests/support/test_api_server.h"

namespace tidelock::apiserver {
namespace {

using nlohmann::json;

constexpr const char* kProtobuf = "application/vnd.kubernetes.protobuf";

// Just enough of an encoder for the tests.
std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7f) | 0x80);
  return out + static_cast<char>(value);
}
std::string bytes_field(int number, const std::string& bytes) {
  return varint(static_cast<std::uint64_t>(number) << 3 | 2) + varint(bytes.size()) + bytes;
}
std::string number_field(int number, std::uint64_t value) {
  return varint(static_cast<std::uint64_t>(number) << 3) + varint(value);
}
std::string entry(const std::string& key, const std::string& value) {
  return bytes_field(1, key) + bytes_field(2, value);
}
std::string envelope(const std::string& api_version, const std::string& kind, const std::string& raw) {
  return std::string("k8s\0", 4) +
         bytes_field(1, bytes_field(1, api_version) + bytes_field(2, kind)) + bytes_field(2, raw) +
         bytes_field(3, "") + bytes_field(4, "");
}

TEST_CASE("a protobuf ConfigMap is created like a JSON one", "[apiserver][protobuf]") {
  testing::TestApiServer api{Options{}};
  const std::string metadata = bytes_field(1, "a") + bytes_field(2, "") + bytes_field(3, "") +
                               number_field(7, 0) + bytes_field(8, "") +
                               bytes_field(11, entry("l", "m")) + bytes_field(14, "example.dev/f");
  const std::string body = envelope("v1", "ConfigMap",
                                    bytes_field(1, metadata) + bytes_field(2, entry("k", "v")) +
                                        bytes_field(3, entry("b", "\x01\x02")));
  const auto made =
      api.call("POST", "/api/v1/namespaces/default/configmaps", body, kProtobuf);
  REQUIRE(made.status == 201);
  const json object = made.json();
  CHECK(object["data"] == json{{"k", "v"}});
  CHECK(object["binaryData"] == json{{"b", "AQI="}});
  CHECK(object["metadata"]["labels"] == json{{"l", "m"}});
  CHECK(object["metadata"]["finalizers"] == json{"example.dev/f"});
  const std::string options = envelope("v1", "DeleteOptions", bytes_field(5, "All"));
  CHECK(api.call("DELETE", "/api/v1/namespaces/default/configmaps/a", options, kProtobuf).status ==
        200);
  CHECK(api.get("/api/v1/namespaces/default/configmaps/a").status == 200);
}

TEST_CASE("a protobuf Lease keeps micro times and zeros", "[apiserver][protobuf]") {
  const std::string time = number_field(1, 1'767'225'600) + number_field(2, 123'456'000);
  const auto lease = decode_protobuf(envelope(
      "coordination.k8s.io/v1", "Lease",
      bytes_field(1, bytes_field(1, "l")) +
          bytes_field(2, bytes_field(1, "") + number_field(2, 15) + bytes_field(4, time) +
                             number_field(5, 0))));
  REQUIRE(lease);
  CHECK((*lease)["spec"] == json{{"holderIdentity", ""},
                                 {"leaseDurationSeconds", 15},
                                 {"leaseTransitions", 0},
                                 {"renewTime", "2026-01-01T00:00:00.123456Z"}});
}

TEST_CASE("every cut of a protobuf body is refused or decoded, never worse",
          "[apiserver][protobuf]") {
  const std::string body =
      envelope("v1", "Secret",
               bytes_field(1, bytes_field(1, "s") + bytes_field(8, number_field(1, 5))) +
                   bytes_field(2, entry("k", "v")) + bytes_field(3, "Opaque") + number_field(5, 1));
  for (std::size_t size = 0; size < body.size(); ++size) {
    (void)decode_protobuf(body.substr(0, size));
    std::string changed = body;
    changed[size] = static_cast<char>(changed[size] ^ 0x55);
    (void)decode_protobuf(changed);
  }
  CHECK(decode_protobuf(body));
  CHECK(decode_protobuf("").error().reason == Reason::BadRequest);
  CHECK(decode_protobuf(envelope("v1", "Secret", bytes_field(3, "\xff\xfe"))).error().reason ==
        Reason::BadRequest);
  CHECK(decode_protobuf(envelope("v1", "Pod", "")).error().reason == Reason::UnsupportedMediaType);
}

}  // namespace
}  // namespace tidelock::apiserver
