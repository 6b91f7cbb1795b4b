// SPDX-License-Identifier: Apache-2.0
// The port's TLS settings, and what a client's certificate says.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include "controller/base/result.h"
#include "controller/http/message.h"
#include "controller/http/server.h"

namespace tidelock::http {

// TLS 1.2 or newer, HTTP/1.1 only, client certificates asked for when there is a client CA.
Result<void> configure_tls(boost::asio::ssl::context& context, const ServerOptions& options);

// CN and O's of the verified client certificate, if there is one.
void read_client_certificate(SSL* ssl, Peer& peer);

}  // namespace tidelock::http
