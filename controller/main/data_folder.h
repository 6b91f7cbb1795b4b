// SPDX-License-Identifier: Apache-2.0
// The server's data folder: keys, certificates and the administrator's kubeconfig.
//
//   pki/ca.crt, ca.key          the authority, made once
//   pki/server.crt, server.key  made anew when the address changes or the end of validity is near
//   pki/admin.crt, admin.key    group system:masters; renewed likewise
//   admin.kubeconfig            usable by kubectl as it is
//   store/ logs/ agent/ cache/  of the parts with these names
// Keys and the kubeconfig are readable by the owner only.
#pragma once

#include <string>

#include "controller/base/disk.h"
#include "controller/base/result.h"
#include "controller/base/time.h"
#include "controller/http/certificates.h"

namespace tidelock {

class DataFolder {
 public:
  // Creates what is absent. `path` must be absolute.
  static Result<DataFolder> open(const std::string& path, const std::string& address, Disk& disk,
                                 TimePoint now);

  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const http::KeyPair& authority() const { return authority_; }
  const http::KeyPair& server() const { return server_; }
  // Writes admin.kubeconfig for this port; returns its path.
  Result<std::string> write_kubeconfig(Disk& disk, int port) const;

 private:
  DataFolder(std::string path, std::string address)
      : path_(std::move(path)), address_(std::move(address)) {}

  std::string path_;
  std::string address_;
  http::KeyPair authority_;
  http::KeyPair server_;
  http::KeyPair admin_;
};

}  // namespace tidelock
