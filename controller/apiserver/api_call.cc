// SPDX-License-Identifier: Apache-2.0
#include "controller/apiserver/api_call.h"

#include <nlohmann/json.hpp>

#include "controller/apiserver/protobuf.h"
#include "controller/apiserver/rendering.h"
#include "controller/apiserver/status.h"

namespace tidelock::apiserver {
namespace {

// A header value: one line, quotes escaped.
std::string warning_header(const std::string& text) {
  std::string value = "299 - \"";
  for (const char c : text) {
    if (c == '"' || c == '\\') value += '\\';
    value += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return value + "\"";
}

}  // namespace

void ApiCall::send(http::Response response) {
  if (type != nullptr && !type->deprecation_warning.empty()) {
    response.headers.emplace("Warning", warning_header(type->deprecation_warning));
  }
  for (const auto& text : warnings) response.headers.emplace("Warning", warning_header(text));
  respond(std::move(response));
}

void ApiCall::send_error(const Error& error) { send(error_response(error)); }

void ApiCall::send_object(int status, std::string_view stored, store::Revision revision) {
  const auto answer = negotiate(http::header(request.headers, "Accept"), false);
  if (!answer) return send_error(answer.error());
  auto body = render_object(context, type, *answer, query_value(target, "includeObject"), stored,
                            revision);
  if (!body) return send_error(body.error());
  send(text_response(status, *answer, std::move(*body)));
}

Result<nlohmann::json> decode_body(const ApiCall& call, std::vector<std::string>& notes) {
  const Error unsupported = unsupported_media_type(
      {"application/json", "application/yaml", "application/vnd.kubernetes.protobuf"});
  const std::string type = content_type(call.request.headers);
  const bool yaml = type == "application/yaml";
  if (type == "application/vnd.kubernetes.protobuf" && !call.request.body.empty()) {
    auto decoded = decode_protobuf(call.request.body);
    if (!decoded && decoded.error().reason == Reason::UnsupportedMediaType) return fail(unsupported);
    return decoded;
  }
  if (!yaml && !type.empty() && type != "application/json") return fail(unsupported);
  if (call.request.body.empty()) return nlohmann::json();
  auto document = decode_text(call.request.body, yaml, notes);
  if (document) return document;
  Error error = document.error();
  if (error.reason != Reason::BadRequest) return fail(std::move(error));
  return fail(bad_request("the object provided is unrecognized (must be of type " +
                          call.type->kind + "): couldn't get version/kind; json parse error: " +
                          error.message));
}

}  // namespace tidelock::apiserver
