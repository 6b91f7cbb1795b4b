// SPDX-License-Identifier: Apache-2.0
#include "controller/main/data_folder.h"

#include "controller/base/digest.h"

namespace tidelock {
namespace {

constexpr std::size_t kPemBytesMax = 64 * 1024;
constexpr Duration kRenewBefore = std::chrono::hours(24 * 30);

std::optional<http::KeyPair> read_pair(Disk& disk, const std::string& base) {
  const auto certificate = disk.read_file(base + ".crt", kPemBytesMax);
  const auto key = disk.read_file(base + ".key", kPemBytesMax);
  if (!certificate || !key) return std::nullopt;
  return http::KeyPair{*certificate, *key};
}

// The key first: a certificate without its key would be worse than neither.
Result<void> write_pair(Disk& disk, const std::string& base, const http::KeyPair& pair) {
  auto written = disk.write_file(base + ".key", pair.key_pem, 0600);
  if (!written) return written;
  return disk.write_file(base + ".crt", pair.certificate_pem, 0644);
}

bool good_for_now(const http::KeyPair& pair, TimePoint now) {
  const auto expiry = http::certificate_expiry(pair.certificate_pem);
  return expiry && *expiry > now + kRenewBefore;
}

Result<http::KeyPair> ensure_authority(Disk& disk, const std::string& base, TimePoint now) {
  if (auto found = read_pair(disk, base)) return *found;
  auto made = http::make_certificate_authority("tidelock-ca", now);
  if (!made) return made;
  if (auto written = write_pair(disk, base, *made); !written) return fail(written.error());
  return made;
}

// `mark` tells for what the certificate was made; another one means that it must be made anew.
Result<http::KeyPair> signed_pair(Disk& disk, const std::string& base, const http::KeyPair& ca,
                                  const http::CertificateOptions& options, const std::string& mark,
                                  TimePoint now) {
  const auto known = disk.read_file(base + ".for", kPemBytesMax);
  if (auto found = read_pair(disk, base); found && known && *known == mark && good_for_now(*found, now)) {
    return *found;
  }
  auto made = http::sign_certificate(ca, options, now);
  if (!made) return made;
  if (auto written = write_pair(disk, base, *made); !written) return fail(written.error());
  if (auto written = disk.write_file(base + ".for", mark, 0644); !written) return fail(written.error());
  return made;
}

}  // namespace

Result<DataFolder> DataFolder::open(const std::string& path, const std::string& address, Disk& disk,
                                    TimePoint now) {
  DataFolder folder(path, address);
  for (const char* part : {"pki", "store", "logs", "agent", "cache"}) {
    if (auto made = disk.make_directories(folder.file(part), 0700); !made) return fail(made.error());
  }
  auto ca = ensure_authority(disk, folder.file("pki/ca"), now);
  if (!ca) return fail(ca.error());
  folder.authority_ = *ca;
  const std::string of_ca = sha256_hex(ca->certificate_pem);
  auto server = signed_pair(disk, folder.file("pki/server"), *ca,
                            {.common_name = "tidelock-server",
                             .organizations = {},
                             .alternative_names = {"localhost", "127.0.0.1", "::1", address},
                             .server = true},
                            of_ca + " " + address, now);
  if (!server) return fail(server.error());
  folder.server_ = *server;
  auto admin = signed_pair(disk, folder.file("pki/admin"), *ca,
                           {.common_name = "tidelock-admin",
                            .organizations = {"system:masters"},
                            .alternative_names = {}},
                           of_ca, now);
  if (!admin) return fail(admin.error());
  folder.admin_ = *admin;
  return folder;
}

Result<std::string> DataFolder::write_kubeconfig(Disk& disk, int port) const {
  const std::string host = address_ == "0.0.0.0"                           ? "127.0.0.1"
                           : address_.find(':') != std::string::npos ? "[" + address_ + "]"
                                                                           : address_;
  const std::string text =
      "apiVersion: v1\nkind: Config\ncurrent-context: tidelock\n"
      "clusters:\n- name: tidelock\n  cluster:\n    server: https://" +
      host + ":" + std::to_string(port) +
      "\n    certificate-authority-data: " + base64_encode(authority_.certificate_pem) +
      "\nusers:\n- name: tidelock-admin\n  user:\n    client-certificate-data: " +
      base64_encode(admin_.certificate_pem) +
      "\n    client-key-data: " + base64_encode(admin_.key_pem) +
      "\ncontexts:\n- name: tidelock\n  context:\n    cluster: tidelock\n    user: tidelock-admin\n"
      "    namespace: default\n";
  const std::string path = file("admin.kubeconfig");
  if (auto written = disk.write_file(path, text, 0600); !written) return fail(written.error());
  return path;
}

}  // namespace tidelock
