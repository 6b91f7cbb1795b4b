// SPDX-License-Identifier: Apache-2.0
#include "controller/http/status_body.h"

namespace tidelock::http {

namespace {

std::string quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20) {
      out += "\\u00";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
    } else {
      out += byte < 0x80 ? c : '?';  // the bytes need not be UTF-8
    }
  }
  return out + "\"";
}

}  // namespace

Response status_response(int code, std::string_view reason, std::string_view message) {
  Response response;
  response.status = code;
  response.headers.emplace("Content-Type", "application/json");
  std::string& body = response.body;
  body = R"({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":)";
  body += quoted(message);
  if (!reason.empty()) body += ",\"reason\":" + quoted(reason);
  body += ",\"code\":" + std::to_string(code) + "}\n";
  return response;
}

}  // namespace tidelock::http
