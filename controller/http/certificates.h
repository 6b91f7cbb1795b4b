// SPDX-License-Identifier: Apache-2.0
// Self-signed authorities and the certificates that they sign (ECDSA P-256, OpenSSL).
#pragma once

#include <string>
#include <vector>

#include "controller/base/result.h"
#include "controller/base/time.h"

namespace tidelock::http {

struct KeyPair {
  std::string certificate_pem;
  std::string key_pem;
};

Result<KeyPair> make_certificate_authority(const std::string& common_name, TimePoint now);

struct CertificateOptions {
  std::string common_name = {};
  std::vector<std::string> organizations = {};
  std::vector<std::string> alternative_names = {};  // DNS names and IP addresses
  bool server = false;                              // extended key usage: server or client
  Duration lifetime = std::chrono::hours(24 * 365);
};
Result<KeyPair> sign_certificate(const KeyPair& authority, const CertificateOptions& options,
                                 TimePoint now);

// When the first certificate in the PEM stops being valid.
Result<TimePoint> certificate_expiry(const std::string& certificate_pem);

}  // namespace tidelock::http
