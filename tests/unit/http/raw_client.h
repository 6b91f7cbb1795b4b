// SPDX-License-Identifier: Apache-2.0
// A TLS client that sends whatever bytes it is told to, for requests no HTTP library would send.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>

namespace tidelock::http::testing {

class RawClient {
 public:
  explicit RawClient(int port, const std::string& protocols = {}) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes without MSG_NOSIGNAL
    context_.reset(SSL_CTX_new(TLS_client_method()));
    bio_.reset(BIO_new_ssl_connect(context_.get()));
    BIO_get_ssl(bio_.get(), &ssl_);
    if (!protocols.empty()) {
      SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(protocols.data()),
                          static_cast<unsigned>(protocols.size()));
    }
    BIO_set_conn_hostname(bio_.get(), ("127.0.0.1:" + std::to_string(port)).c_str());
    connected_ = BIO_do_connect(bio_.get()) == 1 && BIO_do_handshake(bio_.get()) == 1;
    ERR_clear_error();
  }

  bool connected() const { return connected_; }
  SSL* ssl() const { return ssl_; }

  // False when the connection broke.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const int sent = BIO_write(bio_.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Everything until the server closes.
  std::string read_all() {
    while (read_more()) {
    }
    return std::move(received_);
  }
  // All up to and with `mark`; empty when the connection ends first.
  std::string read_until(std::string_view mark) {
    for (std::size_t from = 0;;) {
      const std::size_t at = received_.find(mark, from);
      if (at != std::string::npos) {
        std::string text = received_.substr(0, at + mark.size());
        received_.erase(0, at + mark.size());
        return text;
      }
      from = received_.size() - std::min(received_.size(), mark.size());
      if (!read_more()) return {};
    }
  }
  void close() { bio_.reset(); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(BIO* bio) const { BIO_free_all(bio); }
  };

  bool read_more() {
    char block[16384];
    const int size = BIO_read(bio_.get(), block, sizeof block);
    ERR_clear_error();
    if (size <= 0) return false;
    received_.append(block, static_cast<std::size_t>(size));
    return true;
  }

  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<BIO, Free> bio_;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
  std::string received_;
};

}  // namespace tidelock::http::testing
