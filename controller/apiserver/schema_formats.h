// SPDX-License-Identifier: Apache-2.0
// The string and number formats of OpenAPI schemas, as go-openapi's strfmt knows them.
#pragma once

#include <cstdint>
#include <string_view>

namespace tidelock::apiserver {

enum class Format : std::uint8_t {
  None,  // absent or unknown: not checked
  Int32,
  Int64,
  Float,
  Double,
  DateTime,
  Date,
  Duration,
  Byte,
  Uri,
  Email,
  Hostname,
  Ipv4,
  Ipv6,
  Cidr,
  Mac,
  Uuid,
  Uuid3,
  Uuid4,
  Uuid5,
  HexColor,
  Ssn,
  ShortName,
  LongName,
  Password,
};

// Dashes in the name do not matter ("date-time" = "datetime"), save in the k8s- names.
Format parse_format(std::string_view name);
bool matches_format(Format format, std::string_view text);

}  // namespace tidelock::apiserver
