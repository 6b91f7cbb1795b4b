// SPDX-License-Identifier: Apache-2.0
// Answers as bytes of HTTP/1.1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/http/message.h"

namespace tidelock::http {

struct HeadOptions {
  bool close = false;
  bool chunked = false;
  std::optional<std::size_t> content_length = std::nullopt;
};
// Status line and headers with the empty line. Framing headers among `headers` are left out, line
// breaks in values are blanked: no value can begin a header or an answer of its own.
std::string response_head(int status, const Headers& headers, const HeadOptions& options,
                          TimePoint now);

// "Wed, 25 Nov 2026 10:00:00 GMT"
std::string http_date(TimePoint time);

void append_chunk(std::string_view data, std::string& out);
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// Answers with these have no body, whatever the headers say.
bool has_no_body(int status);

}  // namespace tidelock::http
