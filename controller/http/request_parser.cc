// SPDX-License-Identifier: Apache-2.0
#include "controller/http/request_parser.h"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>

#include "controller/base/limits.h"
#include "controller/http/status_body.h"

namespace tidelock::http {

namespace {

namespace beast = boost::beast;
using Error = beast::http::error;
using Field = beast::http::field;

Response bad_request(const std::string& why) { return status_response(400, "BadRequest", why); }

Response target_too_long() {
  return status_response(414, "",
                         "the request target is longer than " +
                             std::to_string(limits::kHttpTargetBytesMax) + " bytes");
}

Response entity_too_large() {
  return status_response(
      413, "RequestEntityTooLarge",
      "Request entity too large: limit is " + std::to_string(limits::kRequestBodyBytesMax));
}

Response header_too_large() {
  return status_response(431, "",
                         "the request header is larger than " +
                             std::to_string(limits::kHttpHeaderBytesMax) + " bytes");
}

bool is_http_error(const boost::system::error_code& error) {
  return error.category() == make_error_code(Error::end_of_stream).category();
}

}  // namespace

void set_limits(RequestParser& parser) {
  // Beast does not count exactly; refusal_of_head() does.
  parser.header_limit(limits::kHttpHeaderBytesMax + 1024);
  parser.body_limit(limits::kRequestBodyBytesMax);
}

std::optional<Response> refusal_of(const boost::system::error_code& error,
                                   const RequestParser& parser) {
  if (!is_http_error(error)) return std::nullopt;
  if (error == Error::end_of_stream || error == Error::partial_message) return std::nullopt;
  if (error == Error::body_limit) return entity_too_large();
  if (error == Error::header_limit || error == Error::buffer_overflow) {
    // No target yet: not even the first line fits.
    return parser.get().target().empty() ? target_too_long() : header_too_large();
  }
  return bad_request("malformed HTTP request: " + error.message());
}

std::optional<Response> refusal_of_head(const RequestParser& parser, std::size_t size) {
  const auto& request = parser.get();
  if (size > limits::kHttpHeaderBytesMax) return header_too_large();
  if (request.version() != 11 && request.version() != 10) {
    return status_response(505, "", "HTTP version not supported");
  }
  if (request.target().size() > limits::kHttpTargetBytesMax) return target_too_long();
  const auto hosts = request.count(Field::host);
  if (hosts > 1 || (hosts == 0 && request.version() == 11)) {
    return bad_request(hosts == 0 ? "missing required Host header" : "too many Host headers");
  }
  if (const auto encodings = request.count(Field::transfer_encoding); encodings > 0) {
    if (request.count(Field::content_length) > 0) {
      return bad_request("Content-Length and Transfer-Encoding exclude each other");
    }
    if (encodings > 1 || !beast::iequals(request[Field::transfer_encoding], "chunked")) {
      return status_response(501, "", "unsupported transfer encoding");
    }
    if (request.version() == 10) return bad_request("HTTP/1.0 has no transfer encodings");
  }
  if (request.count(Field::expect) > 0 && !beast::iequals(request[Field::expect], "100-continue")) {
    return status_response(417, "", "unknown expectation");
  }
  return std::nullopt;
}

bool expects_continue(const RequestParser& parser) {
  return parser.get().version() == 11 && parser.get().count(Field::expect) > 0;
}

Request take_request(RequestParser& parser) {
  auto& message = parser.get();
  Request request;
  request.method = std::string(message.method_string());
  request.target = std::string(message.target());
  for (const auto& field : message) {
    request.headers.emplace(std::string(field.name_string()), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

}  // namespace tidelock::http
