// SPDX-License-Identifier: Apache-2.0
#include "controller/base/error.h"

#include <array>

namespace tidelock {
namespace {

struct Row {
  Reason reason;
  std::string_view text;
  int code;
};

// In the order in which a bare HTTP code is read back: the first row of a code wins.
constexpr std::array<Row, 17> kRows{{
    {Reason::BadRequest, "BadRequest", 400},
    {Reason::Unauthorized, "Unauthorized", 401},
    {Reason::Forbidden, "Forbidden", 403},
    {Reason::NotFound, "NotFound", 404},
    {Reason::MethodNotAllowed, "MethodNotAllowed", 405},
    {Reason::NotAcceptable, "NotAcceptable", 406},
    {Reason::Conflict, "Conflict", 409},
    {Reason::AlreadyExists, "AlreadyExists", 409},
    {Reason::Expired, "Expired", 410},
    {Reason::RequestEntityTooLarge, "RequestEntityTooLarge", 413},
    {Reason::UnsupportedMediaType, "UnsupportedMediaType", 415},
    {Reason::Invalid, "Invalid", 422},
    {Reason::TooManyRequests, "TooManyRequests", 429},
    {Reason::InternalError, "InternalError", 500},
    {Reason::ServiceUnavailable, "ServiceUnavailable", 503},
    {Reason::Timeout, "Timeout", 504},
    {Reason::Unknown, "", 500},
}};

}  // namespace

std::string_view to_string(Reason reason) {
  for (const Row& row : kRows) {
    if (row.reason == reason) return row.text;
  }
  return "";
}

Reason reason_from_string(std::string_view text) {
  for (const Row& row : kRows) {
    if (row.text == text) return row.reason;
  }
  if (text == "Gone") return Reason::Expired;  // an older spelling of the same 410
  return Reason::Unknown;
}

int http_code(Reason reason) {
  for (const Row& row : kRows) {
    if (row.reason == reason) return row.code;
  }
  return 500;
}

Reason reason_from_http_code(int code) {
  for (const Row& row : kRows) {
    if (row.code == code) return row.reason;
  }
  return Reason::Unknown;
}

Error make_error(Reason reason, std::string message) {
  Error error;
  error.reason = reason;
  error.message = std::move(message);
  return error;
}

}  // namespace tidelock
