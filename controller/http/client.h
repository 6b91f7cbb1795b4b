// SPDX-License-Identifier: Apache-2.0
// The HTTP client: cpprestsdk behind the Transport interface.
#pragma once

#include <memory>
#include <string>

#include "controller/base/result.h"
#include "controller/http/transport.h"

namespace tidelock::http {

struct ClientOptions {
  std::string base_url = {};  // "https://127.0.0.1:6443"
  std::string ca_pem = {};    // empty = the system's roots
  bool insecure_skip_tls_verify = false;
  std::string bearer_token = {};
  std::string client_certificate_pem = {};
  std::string client_key_pem = {};
  Duration request_timeout = std::chrono::seconds(30);
  int requests_in_flight_max = 32;
  std::string user_agent = "tidelock";
};

Result<std::unique_ptr<Transport>> make_client(const ClientOptions& options);

}  // namespace tidelock::http
