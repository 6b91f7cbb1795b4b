// SPDX-License-Identifier: Apache-2.0
// Beast's parser with our limits, and the rules beyond its own that a request must keep.
#pragma once

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "controller/http/message.h"

namespace tidelock::http {

using RequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

void set_limits(RequestParser& parser);

// The answer to what the parser could not accept, or nothing if the connection just ended.
std::optional<Response> refusal_of(const boost::system::error_code& error,
                                   const RequestParser& parser);
// Looks at a complete head of `size` bytes: Host, target, transfer encoding, expectation.
std::optional<Response> refusal_of_head(const RequestParser& parser, std::size_t size);
// The client waits for "100 Continue" before it sends its body.
bool expects_continue(const RequestParser& parser);

// Of a parser that is done.
Request take_request(RequestParser& parser);

}  // namespace tidelock::http
