// SPDX-License-Identifier: Apache-2.0
#include "controller/http/tls_context.h"

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/buffer.hpp>
#include <memory>

namespace tidelock::http {

namespace {

using boost::system::error_code;

// Takes "http/1.1" from the client's list. A list without it is ignored: the client finds out.
int select_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, out_size, kHttp11, sizeof kHttp11, offered, offered_size) !=
      OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = selected;
  return SSL_TLSEXT_ERR_OK;
}

Result<void> checked(const error_code& error, const std::string& doing) {
  if (!error) return {};
  return fail(Reason::Invalid, doing + ": " + error.message());
}

Result<void> use_certificate(boost::asio::ssl::context& context, const ServerOptions& options) {
  error_code error;
  context.use_certificate_chain(boost::asio::buffer(options.certificate_pem), error);
  if (auto ok = checked(error, "server certificate"); !ok) return ok;
  context.use_private_key(boost::asio::buffer(options.key_pem), boost::asio::ssl::context::pem,
                          error);
  if (auto ok = checked(error, "server key"); !ok) return ok;
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    return fail(Reason::Invalid, "the server key does not belong to the server certificate");
  }
  return {};
}

// The names of the CA's are sent to clients, which choose their certificate by them.
Result<void> ask_for_client_certificate(boost::asio::ssl::context& context,
                                        const std::string& ca_pem) {
  error_code error;
  context.add_certificate_authority(boost::asio::buffer(ca_pem), error);
  if (auto ok = checked(error, "client CA"); !ok) return ok;
  STACK_OF(X509_OBJECT)* objects =
      X509_STORE_get0_objects(SSL_CTX_get_cert_store(context.native_handle()));
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    if (X509* ca = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i))) {
      SSL_CTX_add_client_CA(context.native_handle(), ca);
    }
  }
  context.set_verify_mode(boost::asio::ssl::verify_peer, error);
  return checked(error, "client CA");
}

std::vector<std::string> name_entries(X509_NAME* name, int nid) {
  std::vector<std::string> values;
  for (int at = -1; (at = X509_NAME_get_index_by_NID(name, nid, at)) >= 0;) {
    unsigned char* text = nullptr;
    const int size =
        ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
    if (size < 0) continue;
    values.emplace_back(reinterpret_cast<char*>(text), static_cast<std::size_t>(size));
    OPENSSL_free(text);
  }
  return values;
}

}  // namespace

Result<void> configure_tls(boost::asio::ssl::context& context, const ServerOptions& options) {
  SSL_CTX* ssl = context.native_handle();
  SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
  SSL_CTX_set_options(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
  // A resumed session would skip the check of the client's certificate.
  SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(ssl, 0);
  SSL_CTX_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS);  // thousands of watches stand idle
  SSL_CTX_set_alpn_select_cb(ssl, select_protocol, nullptr);
  if (auto ok = use_certificate(context, options); !ok) return ok;
  if (options.client_ca_pem.empty()) return {};
  return ask_for_client_certificate(context, options.client_ca_pem);
}

void read_client_certificate(SSL* ssl, Peer& peer) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl),
                                                                X509_free);
  if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) return;
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const std::vector<std::string> names = name_entries(subject, NID_commonName);
  if (!names.empty()) peer.certificate_user = names.front();
  peer.certificate_groups = name_entries(subject, NID_organizationName);
}

}  // namespace tidelock::http
