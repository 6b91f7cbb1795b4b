// SPDX-License-Identifier: Apache-2.0
// The one failure value: a Kubernetes Status in struct form.
//
// Reasons, codes and detail fields are those of meta/v1.Status, so an error made anywhere can be
// sent to a client unchanged and an error read from a server can be handled anywhere.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tidelock {

enum class Reason {
  Unknown,  // a Status without reason, e.g. the API server's plain 500
  BadRequest,
  Unauthorized,
  Forbidden,
  NotFound,
  MethodNotAllowed,
  NotAcceptable,
  AlreadyExists,
  Conflict,
  Expired,
  RequestEntityTooLarge,
  UnsupportedMediaType,
  Invalid,
  TooManyRequests,
  InternalError,
  ServiceUnavailable,
  Timeout,
};

// "NotFound"; empty for Unknown.
std::string_view to_string(Reason reason);
Reason reason_from_string(std::string_view text);
// The HTTP status code that belongs to a reason (500 for Unknown).
int http_code(Reason reason);
Reason reason_from_http_code(int code);

struct Cause {
  std::string reason;   // FieldValueInvalid, FieldValueRequired, FieldManagerConflict, …
  std::string message;  // "Invalid value: -1: should be …"
  std::string field;    // "spec.steps[2].locks[0].group"
  bool operator==(const Cause&) const = default;
};

struct Error {
  Reason reason = Reason::Unknown;
  std::string message;
  // Status.details; kind is the plural resource or the Kind, as the protocol wants it.
  std::string name;
  std::string group;
  std::string kind;
  std::string uid;
  std::vector<Cause> causes;
  int retry_after_seconds = 0;
  int code = 0;  // 0 = http_code(reason)

  int http_status() const { return code != 0 ? code : http_code(reason); }
  bool operator==(const Error&) const = default;
};

// Short makers for the common case of a reason and one sentence.
Error make_error(Reason reason, std::string message);

}  // namespace tidelock
