// SPDX-License-Identifier: Apache-2.0
#include "controller/http/certificates.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <ctime>
#include <memory>

namespace tidelock::http {

namespace {

template <auto Free>
struct Freer {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Freer<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BN_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

constexpr auto kAuthorityLifetime = std::chrono::hours(24 * 365 * 10);
// Clocks of two machines differ: a certificate is valid a little before it was made.
constexpr auto kClockSkew = std::chrono::minutes(5);

// What OpenSSL says about its last failure; empties its queue.
Error openssl_error(const std::string& doing) {
  char text[256] = "unknown error";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof text);
  }
  ERR_clear_error();
  return make_error(Reason::InternalError, doing + ": " + text);
}

Bio read_bio(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

std::string text_of(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

Result<KeyPair> to_pem(const Certificate& certificate, const Key& key) {
  const Bio certificate_bio(BIO_new(BIO_s_mem()));
  const Bio key_bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(certificate_bio.get(), certificate.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return fail(openssl_error("write certificate"));
  }
  return KeyPair{text_of(certificate_bio), text_of(key_bio)};
}

Result<Certificate> read_certificate(const std::string& pem) {
  Certificate certificate(PEM_read_bio_X509(read_bio(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) return fail(openssl_error("read certificate"));
  return certificate;
}

Result<Key> read_key(const std::string& pem) {
  Key key(PEM_read_bio_PrivateKey(read_bio(pem).get(), nullptr, nullptr, nullptr));
  if (!key) return fail(openssl_error("read private key"));
  return key;
}

// 159 random bits, positive: RFC 5280 allows at most 20 octets.
bool set_random_serial(X509* certificate) {
  const Number number(BN_new());
  return BN_rand(number.get(), 159, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, TimePoint from, TimePoint until) {
  const auto seconds = [](TimePoint time) {
    return static_cast<std::time_t>(
        std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count());
  };
  return ASN1_TIME_adj(X509_getm_notBefore(certificate), seconds(from), 0, 0) != nullptr &&
         ASN1_TIME_adj(X509_getm_notAfter(certificate), seconds(until), 0, 0) != nullptr;
}

bool add_name(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

// `text` in the form of openssl's x509v3 configuration. Never holds what a caller passed in: a
// comma in it would become a value of its own.
bool add_extension(X509* certificate, X509* issuer, int nid, const char* text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, text));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// A GENERAL_NAME of type IP when the text is an address, else DNS.
bool add_alternative_name(GENERAL_NAMES* names, const std::string& text) {
  GENERAL_NAME* name = nullptr;
  if (ASN1_OCTET_STRING* address = a2i_IPADDRESS(text.c_str())) {
    name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_IPADD, address);
  } else {
    ERR_clear_error();  // "not an address" is no failure
    ASN1_IA5STRING* host = ASN1_IA5STRING_new();
    if (ASN1_STRING_set(host, text.data(), static_cast<int>(text.size())) != 1) {
      ASN1_IA5STRING_free(host);
      return false;
    }
    name = GENERAL_NAME_new();
    GENERAL_NAME_set0_value(name, GEN_DNS, host);
  }
  return sk_GENERAL_NAME_push(names, name) > 0;
}

bool add_alternative_names(X509* certificate, const std::vector<std::string>& texts) {
  if (texts.empty()) return true;
  const Names names(GENERAL_NAMES_new());
  for (const std::string& text : texts) {
    if (!add_alternative_name(names.get(), text)) return false;
  }
  return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, 0) == 1;
}

struct NewCertificate {
  Certificate certificate;
  Key key;
};

// A certificate with a key of its own, named and dated, still without extensions and signature.
Result<NewCertificate> begin_certificate(const std::string& common_name,
                                         const std::vector<std::string>& organizations,
                                         TimePoint now, Duration lifetime) {
  NewCertificate made{Certificate(X509_new()), Key(EVP_EC_gen("P-256"))};
  X509* certificate = made.certificate.get();
  bool ok = certificate != nullptr && made.key != nullptr;
  ok = ok && X509_set_version(certificate, X509_VERSION_3) == 1 && set_random_serial(certificate);
  ok = ok && set_validity(certificate, now - kClockSkew, now + lifetime);
  ok = ok && X509_set_pubkey(certificate, made.key.get()) == 1;
  for (const std::string& organization : organizations) {
    ok = ok && add_name(X509_get_subject_name(certificate), "O", organization);
  }
  ok = ok && add_name(X509_get_subject_name(certificate), "CN", common_name);
  if (!ok) return fail(openssl_error("make certificate"));
  return made;
}

bool add_authority_extensions(X509* certificate) {
  return add_extension(certificate, certificate, NID_basic_constraints, "critical,CA:TRUE") &&
         add_extension(certificate, certificate, NID_key_usage,
                       "critical,keyCertSign,cRLSign,digitalSignature") &&
         add_extension(certificate, certificate, NID_subject_key_identifier, "hash");
}

bool add_leaf_extensions(X509* certificate, X509* issuer, const CertificateOptions& options) {
  return add_extension(certificate, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, issuer, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, issuer, NID_ext_key_usage,
                       options.server ? "serverAuth" : "clientAuth") &&
         add_extension(certificate, issuer, NID_authority_key_identifier, "keyid") &&
         add_alternative_names(certificate, options.alternative_names);
}

}  // namespace

Result<KeyPair> make_certificate_authority(const std::string& common_name, TimePoint now) {
  auto made = begin_certificate(common_name, {}, now, kAuthorityLifetime);
  if (!made) return fail(made.error());
  X509* certificate = made->certificate.get();
  const bool ok = X509_set_issuer_name(certificate, X509_get_subject_name(certificate)) == 1 &&
                  add_authority_extensions(certificate) &&
                  X509_sign(certificate, made->key.get(), EVP_sha256()) > 0;
  if (!ok) return fail(openssl_error("make certificate authority"));
  return to_pem(made->certificate, made->key);
}

Result<KeyPair> sign_certificate(const KeyPair& authority, const CertificateOptions& options,
                                 TimePoint now) {
  auto issuer = read_certificate(authority.certificate_pem);
  if (!issuer) return fail(issuer.error());
  auto issuer_key = read_key(authority.key_pem);
  if (!issuer_key) return fail(issuer_key.error());
  auto made = begin_certificate(options.common_name, options.organizations, now, options.lifetime);
  if (!made) return fail(made.error());
  X509* certificate = made->certificate.get();
  const bool ok = X509_set_issuer_name(certificate, X509_get_subject_name(issuer->get())) == 1 &&
                  add_leaf_extensions(certificate, issuer->get(), options) &&
                  X509_sign(certificate, issuer_key->get(), EVP_sha256()) > 0;
  if (!ok) return fail(openssl_error("sign certificate"));
  return to_pem(made->certificate, made->key);
}

Result<TimePoint> certificate_expiry(const std::string& certificate_pem) {
  auto certificate = read_certificate(certificate_pem);
  if (!certificate) return fail(certificate.error());
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate->get()), &parts) != 1) {
    return fail(openssl_error("read the end of validity"));
  }
  return TimePoint{std::chrono::seconds{timegm(&parts)}};
}

}  // namespace tidelock::http
